package supervise

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

const (
	firstDelay = 250 * time.Millisecond
	longDelay  = 10 * time.Second
	// stableAfter is how long a daemon must run for its next death to count as a first one.
	stableAfter = 30 * time.Second
	// daemonGrace is how long a daemon has between SIGTERM and SIGKILL.
	daemonGrace = 5 * time.Second
)

// Run runs the plan's daemons until ctx ends, then stops them in the reverse order.
func Run(ctx context.Context, file string) error {
	plan, err := readPlan(file)
	if err != nil {
		return err
	}
	children := newProcesses(plan.LogFolder)
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	defer func() {
		signal.Stop(ended)
		close(ended)
	}()
	go func() {
		for range ended {
			children.reap()
		}
	}()

	// Complete before the first goroutine reads it.
	ready := map[string]chan struct{}{}
	for _, daemon := range plan.Daemons {
		ready[daemon.Name] = make(chan struct{})
	}
	var keepers []*keeper
	for _, daemon := range plan.Daemons {
		keeper := &keeper{daemon: daemon, children: children, gone: make(chan struct{})}
		keeper.ctx, keeper.stop = context.WithCancel(context.Background())
		keepers = append(keepers, keeper)
		go func() {
			defer close(keeper.gone)
			for _, name := range daemon.After {
				select {
				case <-ready[name]:
				case <-keeper.ctx.Done():
					return
				}
			}
			go func() {
				if plan.untilReady(keeper.ctx, daemon) != nil {
					return
				}
				if daemon.Ready != "" {
					log.Printf("%s is ready", daemon.Name)
				}
				close(ready[daemon.Name])
			}()
			keeper.keep()
		}()
	}

	<-ctx.Done()
	log.Print("stopping")
	for _, keeper := range slices.Backward(keepers) {
		keeper.stop()
		<-keeper.gone
		if keeper.daemon.StopsPods {
			stopPods(plan.ContainerRuntime)
		}
	}
	log.Print("stopped")
	return nil
}

// keeper keeps one daemon running.
type keeper struct {
	daemon   Daemon
	children *processes
	ctx      context.Context
	stop     context.CancelFunc
	gone     chan struct{}
}

// keep starts the daemon again and again, ever later while it keeps dying, until it is told to stop.
func (k *keeper) keep() {
	delay := firstDelay
	for k.ctx.Err() == nil {
		started := time.Now()
		k.once()
		if k.ctx.Err() != nil {
			return
		}
		if time.Since(started) > stableAfter {
			delay = firstDelay
		}
		log.Printf("%s: again in %s", k.daemon.Name, delay)
		select {
		case <-k.ctx.Done():
		case <-time.After(delay):
		}
		delay = min(2*delay, longDelay)
	}
}

// once runs the daemon to its end.
func (k *keeper) once() {
	pid, exit, err := k.children.start(k.daemon)
	if err != nil {
		log.Printf("%s: %v", k.daemon.Name, err)
		return
	}
	log.Printf("%s runs, pid %d", k.daemon.Name, pid)
	select {
	case status := <-exit:
		log.Printf("%s ended: %s", k.daemon.Name, describe(status))
		return
	case <-k.ctx.Done():
	}
	kill(pid, syscall.SIGTERM)
	select {
	case <-exit:
	case <-time.After(daemonGrace):
		log.Printf("%s: no end after %s, killed", k.daemon.Name, daemonGrace)
		kill(pid, syscall.SIGKILL)
		<-exit
	}
}

func kill(pid int, number syscall.Signal) {
	if err := syscall.Kill(pid, number); err != nil && err != syscall.ESRCH {
		log.Printf("signal to %d: %v", pid, err)
	}
}

func describe(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "signal " + status.Signal().String()
	}
	return fmt.Sprintf("exit code %d", status.ExitStatus())
}
