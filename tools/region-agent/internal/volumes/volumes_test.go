package volumes

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

func provision(t *testing.T, provisioner Provisioner, policy corev1.PersistentVolumeReclaimPolicy) *corev1.PersistentVolume {
	t.Helper()
	claim := &corev1.PersistentVolumeClaim{}
	claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("64Mi")}
	volume, _, err := provisioner.Provision(context.Background(), controller.ProvisionOptions{
		PVName: "pvc-1", PVC: claim, StorageClass: &storagev1.StorageClass{ReclaimPolicy: &policy},
	})
	if err != nil {
		t.Fatal(err)
	}
	volume.ObjectMeta = metav1.ObjectMeta{Name: "pvc-1"}
	return volume
}

// room records what was asked for and leaves folders as they are.
type room struct{ bytes int64 }

func (r *room) provisioner(root string) Provisioner {
	make := func(_ string, bytes int64) error { r.bytes = bytes; return nil }
	never := func(string) bool { return false }
	return Provisioner{Root: root, Node: "node", Make: make, Remove: os.RemoveAll, IsMade: never}
}

func TestAVolumeThatIsAskedForAgainIsLeftAlone(t *testing.T) {
	provisioner := new(room).provisioner(t.TempDir())
	path := provision(t, provisioner, corev1.PersistentVolumeReclaimDelete).Spec.Local.Path
	// As mkfs says of a disk that is in use.
	provisioner.Make = func(string, int64) error { return errors.New("is mounted") }
	provisioner.IsMade = func(asked string) bool { return asked == path }
	if again := provision(t, provisioner, corev1.PersistentVolumeReclaimDelete).Spec.Local.Path; again != path {
		t.Errorf("got %s, want %s", again, path)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the folder must stay: %v", err)
	}
}

func TestAFolderIsMadeWhereAFileSystemIsMounted(t *testing.T) {
	if isMounted(t.TempDir()) || isMounted(filepath.Join(t.TempDir(), "none")) {
		t.Error("a mere folder, or none, is not mounted")
	}
	if !isMounted("/proc") {
		t.Error("/proc is mounted")
	}
}

func TestAVolumeIsAFolderOfThisNodeWithTheClassesReclaimPolicy(t *testing.T) {
	var asked room
	provisioner := asked.provisioner(t.TempDir())
	volume := provision(t, provisioner, corev1.PersistentVolumeReclaimRetain)
	if info, err := os.Stat(volume.Spec.Local.Path); err != nil || !info.IsDir() {
		t.Errorf("no folder: %v", err)
	}
	if asked.bytes != 64<<20 {
		t.Errorf("size: got %d", asked.bytes)
	}
	if got := volume.Spec.PersistentVolumeReclaimPolicy; got != corev1.PersistentVolumeReclaimRetain {
		t.Errorf("reclaim policy: got %s, want Retain", got)
	}
	if got := volume.Spec.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0].Values; len(got) != 1 || got[0] != "node" {
		t.Errorf("node: got %v", got)
	}
}

func TestWhatCannotBeMadeLeavesNothing(t *testing.T) {
	provisioner := new(room).provisioner(t.TempDir())
	provisioner.Make = func(string, int64) error { return errors.New("no room") }
	policy := corev1.PersistentVolumeReclaimDelete
	options := controller.ProvisionOptions{PVName: "pvc-1", PVC: &corev1.PersistentVolumeClaim{}, StorageClass: &storagev1.StorageClass{ReclaimPolicy: &policy}}
	if _, _, err := provisioner.Provision(context.Background(), options); err == nil {
		t.Error("the failure must be told")
	}
	if _, err := os.Stat(filepath.Join(provisioner.Root, "pvc-1")); !os.IsNotExist(err) {
		t.Error("the folder must be gone")
	}
}

func TestDeleteRemovesOnlyItsOwnFolder(t *testing.T) {
	root := t.TempDir()
	provisioner := new(room).provisioner(filepath.Join(root, "volumes"))
	volume := provision(t, provisioner, corev1.PersistentVolumeReclaimDelete)
	own := volume.Spec.Local.Path

	volume.Spec.Local.Path = root
	if provisioner.Delete(context.Background(), volume) == nil {
		t.Error("an edited path must be refused")
	}
	if _, err := os.Stat(own); err != nil {
		t.Error("nothing may be removed by a refused call")
	}
	volume.Spec.Local.Path = own
	if err := provisioner.Delete(context.Background(), volume); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(own); !os.IsNotExist(err) {
		t.Error("the folder must be gone")
	}
}
