package volumes

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// smallestDisk is what a file system with its journal needs.
const smallestDisk = 16 << 20

// disk is the file that a volume's file system is in.
func disk(path string) string { return path + ".disk" }

// makeDisk gives a folder a file system of its own, so that it has the size that was asked for and not this machine's.
// Its blocks are taken from this machine only when they are written. Both names are the region's: region-init.sh mounts
// what it finds before anything could use it.
func makeDisk(path string, bytes int64) error {
	file := disk(path)
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(file, max(bytes, smallestDisk)); err != nil {
		return err
	}
	if err := command("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", file); err != nil {
		return err
	}
	if err := command("mount", "-o", "loop,noatime,discard,barrier=0", file, path); err != nil {
		return err
	}
	// A cloud's disk has it too, but nobody's initdb should trip over it here.
	return os.Remove(path + "/lost+found")
}

// isMounted tells whether a file system of its own is at a path.
func isMounted(path string) bool {
	here, err := os.Stat(path)
	if err != nil {
		return false
	}
	there, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return false
	}
	own, isOwn := here.Sys().(*syscall.Stat_t)
	parent, isParent := there.Sys().(*syscall.Stat_t)
	return isOwn && isParent && own.Dev != parent.Dev
}

// removeDisk ends a volume and everything in it; one without a disk is a folder.
func removeDisk(path string) error {
	if _, err := os.Stat(disk(path)); err == nil {
		if err := command("umount", path); err != nil && !strings.Contains(err.Error(), "not mounted") {
			return err
		}
	}
	return errors.Join(os.RemoveAll(path), os.RemoveAll(disk(path)))
}

func command(name string, arguments ...string) error {
	output, err := exec.Command(name, arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(output)))
	}
	return nil
}
