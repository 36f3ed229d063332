package supervise

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// start runs a plan whose daemons are shell scripts that write to one file. The plan ends with the test.
func start(t *testing.T, daemons ...Daemon) (stop func(), written func() string) {
	t.Helper()
	folder := t.TempDir()
	diary := filepath.Join(folder, "diary")
	t.Setenv("DIARY", diary)
	content, err := json.Marshal(Plan{LogFolder: folder, Daemons: daemons})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "plan.json")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, file) }()
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		done <- nil
	}
	t.Cleanup(stop)
	return stop, func() string {
		text, _ := os.ReadFile(diary)
		return strings.Join(strings.Fields(string(text)), " ")
	}
}

func script(name, body string) Daemon {
	return Daemon{Name: name, Command: []string{"sh", "-c", body}}
}

func eventually(t *testing.T, want string, got func() string) {
	t.Helper()
	for range 100 {
		if strings.HasPrefix(got(), want) {
			return
		}
		time.Sleep(30 * time.Millisecond)
	}
	t.Fatalf("got %q, want %q", got(), want)
}

const untilTold = `echo $0-up >>$DIARY; trap 'echo $0-down >>$DIARY; exit' TERM; while :; do sleep 0.05; done`

func TestDaemonsStopInTheReverseOrder(t *testing.T) {
	first, second := script("first", strings.ReplaceAll(untilTold, "$0", "first")), script("second", strings.ReplaceAll(untilTold, "$0", "second"))
	second.After = []string{"first"}
	stop, written := start(t, first, second)
	for range 100 {
		if strings.Count(written(), "-up") == 2 {
			break
		}
		time.Sleep(30 * time.Millisecond)
	}
	stop()
	if !strings.HasSuffix(written(), "second-down first-down") {
		t.Errorf("got %q", written())
	}
}

func TestADaemonThatDiesIsStartedAgain(t *testing.T) {
	_, written := start(t, script("mortal", "echo up >>$DIARY; exit 3"))
	eventually(t, "up up up", written)
}

func TestADaemonWaitsForWhatItComesAfter(t *testing.T) {
	slow := script("slow", "sleep 0.3; echo ready >>$DIARY; exec sleep 60")
	slow.Ready = "unix:/nowhere"
	late := script("late", "echo late >>$DIARY; exec sleep 60")
	late.After = []string{"slow"}
	_, written := start(t, slow, late)
	eventually(t, "ready", written)
	time.Sleep(300 * time.Millisecond)
	if got := written(); got != "ready" {
		t.Errorf("got %q: a daemon must not start before the one it comes after is ready", got)
	}
}

func TestADeafDaemonIsKilled(t *testing.T) {
	stop, written := start(t, script("deaf", "trap '' TERM; echo up >>$DIARY; while :; do sleep 0.1; done"))
	eventually(t, "up", written)
	began := time.Now()
	stop()
	if took := time.Since(began); took < daemonGrace || took > 2*daemonGrace {
		t.Errorf("took %s, want about %s", took, daemonGrace)
	}
}

func TestAPlanThatCannotWorkIsRefused(t *testing.T) {
	cases := map[string]Plan{
		"name and command must be given":  {Daemons: []Daemon{{Name: "x"}}},
		"is listed twice":                 {Daemons: []Daemon{script("x", ""), script("x", "")}},
		"after must name earlier daemons": {Daemons: []Daemon{{Name: "x", Command: []string{"x"}, After: []string{"y"}}}},
	}
	for want, plan := range cases {
		if err := plan.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
