// Package supervise is the first process of a region: it starts the daemons in order, restarts
// what dies, reaps orphans and stops everything in the reverse order.
package supervise

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// Plan lists what a region runs.
type Plan struct {
	// LogFolder receives NAME.log of each daemon.
	LogFolder string `json:"logFolder"`
	// ContainerRuntime is the CRI socket, for stopping the pods.
	ContainerRuntime string `json:"containerRuntime"`
	// Authority is the file with the certificate authority of https readiness addresses.
	Authority string `json:"authority"`
	// Daemons are started in this order and stopped in the reverse order.
	Daemons []Daemon `json:"daemons"`
}

// Daemon is one process that runs as long as the region.
type Daemon struct {
	Name        string            `json:"name"`
	Command     []string          `json:"command"`
	Environment map[string]string `json:"environment"`
	// After names earlier daemons that must be ready before this one starts.
	After []string `json:"after"`
	// Ready says when it is: "unix:PATH" or "tcp:HOST:PORT" accepts, or "https://..." answers 200.
	// Empty: as soon as it runs.
	Ready string `json:"ready"`
	// StopsPods asks for every container to be stopped once this daemon has ended.
	StopsPods bool `json:"stopsPods"`
}

func readPlan(file string) (Plan, error) {
	var plan Plan
	content, err := os.ReadFile(file)
	if err != nil {
		return plan, err
	}
	if err := json.Unmarshal(content, &plan); err != nil {
		return plan, fmt.Errorf("%s: %w", file, err)
	}
	return plan, plan.check()
}

func (p Plan) check() error {
	var earlier []string
	for _, daemon := range p.Daemons {
		if daemon.Name == "" || len(daemon.Command) == 0 {
			return fmt.Errorf("daemon %q: name and command must be given", daemon.Name)
		}
		if slices.Contains(earlier, daemon.Name) {
			return fmt.Errorf("daemon %q is listed twice", daemon.Name)
		}
		for _, name := range daemon.After {
			if !slices.Contains(earlier, name) {
				return fmt.Errorf("daemon %q: after must name earlier daemons, got %q", daemon.Name, name)
			}
		}
		earlier = append(earlier, daemon.Name)
	}
	return nil
}
