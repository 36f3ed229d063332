package netpol

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// enforcerPatience is how long a new pod waits for the enforcer: at boot it may still be starting.
const enforcerPatience = 15 * time.Second

// message is one CNI call, as the plugin hands it on.
type message struct {
	Command   string `json:"command"`
	Container string `json:"container"`
	Lease     Lease  `json:"lease"`
}

// Plugin is the last CNI plugin of a pod's network: it returns only when the pod's rules are in
// force, so that not even its first packet escapes a policy. It fails closed.
func Plugin(input io.Reader, output io.Writer) error {
	var configuration struct {
		Socket     string          `json:"socket"`
		PrevResult json.RawMessage `json:"prevResult"`
	}
	command := os.Getenv("CNI_COMMAND")
	if command == "VERSION" {
		_, err := io.WriteString(output, `{"cniVersion":"1.0.0","supportedVersions":["0.3.1","0.4.0","1.0.0"]}`)
		return err
	}
	if err := json.NewDecoder(input).Decode(&configuration); err != nil {
		return refuse(output, err)
	}
	call := message{Command: command, Container: os.Getenv("CNI_CONTAINERID"), Lease: leaseFrom(os.Getenv("CNI_ARGS"))}
	if command == "ADD" {
		address, err := addressIn(configuration.PrevResult)
		if err != nil {
			return refuse(output, err)
		}
		call.Lease.Address = address
	}
	err := ask(configuration.Socket, call)
	switch command {
	case "ADD":
		if err != nil {
			return refuse(output, err)
		}
		_, err = output.Write(configuration.PrevResult)
		return err
	default:
		// A pod must be able to go while the enforcer is away; it forgets the pod with the API's object.
		return nil
	}
}

// refuse reports an error in the form that CNI asks for.
func refuse(output io.Writer, problem error) error {
	report := map[string]any{"cniVersion": "0.4.0", "code": 100, "msg": "network policy: " + problem.Error()}
	return errors.Join(problem, json.NewEncoder(output).Encode(report))
}

// leaseFrom reads the pod's name from CNI_ARGS, "KEY=VALUE;KEY=VALUE".
func leaseFrom(arguments string) Lease {
	var lease Lease
	for argument := range strings.SplitSeq(arguments, ";") {
		switch key, value, _ := strings.Cut(argument, "="); key {
		case "K8S_POD_NAMESPACE":
			lease.Namespace = value
		case "K8S_POD_NAME":
			lease.Name = value
		}
	}
	return lease
}

func addressIn(result json.RawMessage) (string, error) {
	var previous struct {
		IPs []struct {
			Address string `json:"address"`
		} `json:"ips"`
	}
	if err := json.Unmarshal(result, &previous); err != nil {
		return "", fmt.Errorf("prevResult: %w", err)
	}
	for _, ip := range previous.IPs {
		if address, _, err := net.ParseCIDR(ip.Address); err == nil && address.To4() != nil {
			return address.String(), nil
		}
	}
	return "", errors.New("prevResult has no IPv4 address")
}

// ask hands a call to the enforcer and waits for its answer, an error text or nothing.
func ask(socket string, call message) error {
	patience := enforcerPatience
	if call.Command != "ADD" {
		patience = 0
	}
	deadline := time.Now().Add(patience)
	connection, err := net.Dial("unix", socket)
	for err != nil {
		if time.Now().After(deadline) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
		connection, err = net.Dial("unix", socket)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(enforcerPatience)); err != nil {
		return err
	}
	if err := json.NewEncoder(connection).Encode(call); err != nil {
		return err
	}
	answer, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil {
		return err
	}
	if problem := strings.TrimSpace(answer); problem != "" {
		return errors.New(problem)
	}
	return nil
}
