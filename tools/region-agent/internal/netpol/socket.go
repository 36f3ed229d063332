package netpol

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"strings"
	"time"
)

// podPatience is how long the enforcer waits for the API to tell it of a pod that the plugin names.
const podPatience = 5 * time.Second

// listen answers the plugin's calls until ctx ends.
func (e *enforcer) listen(ctx context.Context, socket string) error {
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go e.answer(connection)
		}
	}()
	return nil
}

func (e *enforcer) answer(connection net.Conn) {
	defer connection.Close()
	var call message
	if err := json.NewDecoder(connection).Decode(&call); err != nil {
		log.Printf("plugin: %v", err)
		return
	}
	problem := ""
	if err := e.take(call); err != nil {
		problem = strings.ReplaceAll(err.Error(), "\n", " ")
		log.Printf("%s of %s/%s: %s", call.Command, call.Lease.Namespace, call.Lease.Name, problem)
	}
	if _, err := fmt.Fprintln(connection, problem); err != nil {
		log.Printf("plugin: %v", err)
	}
}

// take puts a call into force before it returns.
func (e *enforcer) take(call message) error {
	switch call.Command {
	case "ADD":
		if err := e.awaitPod(call.Lease); err != nil {
			return err
		}
		e.lease(call.Container, &call.Lease)
		return e.load()
	case "DEL":
		e.lease(call.Container, nil)
		e.poke()
	}
	return nil
}

// lease remembers or, with nil, forgets the address of a container.
func (e *enforcer) lease(container string, lease *Lease) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if lease == nil {
		delete(e.leases, container)
		return
	}
	for other, held := range e.leases {
		samePod := held.Namespace == lease.Namespace && held.Name == lease.Name
		if samePod || held.Address == lease.Address {
			delete(e.leases, other)
		}
	}
	e.leases[container] = *lease
}

// awaitPod waits until the pod's labels are known: without them its policies are not.
func (e *enforcer) awaitPod(lease Lease) error {
	deadline := time.Now().Add(podPatience)
	for {
		_, err := e.pods.Pods(lease.Namespace).Get(lease.Name)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
