package supervise

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
)

// processes starts children and reaps every child, its own and orphans: a first process must do
// both, and two waiters would take each other's results.
type processes struct {
	mutex   sync.Mutex
	exits   map[int]chan syscall.WaitStatus
	logs    string
	inherit []string
}

func newProcesses(logs string) *processes {
	return &processes{exits: map[int]chan syscall.WaitStatus{}, logs: logs, inherit: os.Environ()}
}

// start runs a daemon; its exit status arrives on the channel.
func (p *processes) start(daemon Daemon) (int, <-chan syscall.WaitStatus, error) {
	program, err := exec.LookPath(daemon.Command[0])
	if err != nil {
		return 0, nil, err
	}
	log, err := os.OpenFile(filepath.Join(p.logs, daemon.Name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return 0, nil, err
	}
	defer log.Close()
	environment := p.inherit
	for name, value := range daemon.Environment {
		environment = append(environment[:len(environment):len(environment)], name+"="+value)
	}
	// Registered before the reaper can look: a child that ends at once is not lost.
	p.mutex.Lock()
	defer p.mutex.Unlock()
	process, err := os.StartProcess(program, daemon.Command, &os.ProcAttr{
		Env:   environment,
		Files: []*os.File{nil, log, log},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 0, nil, err
	}
	pid := process.Pid
	exit := make(chan syscall.WaitStatus, 1)
	p.exits[pid] = exit
	// Releasing forgets the number, hence the copy.
	return pid, exit, process.Release()
}

// reap collects the children that have ended and reports those that start knows.
func (p *processes) reap() {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		p.mutex.Lock()
		if exit, ours := p.exits[pid]; ours {
			delete(p.exits, pid)
			exit <- status
		}
		p.mutex.Unlock()
	}
}
