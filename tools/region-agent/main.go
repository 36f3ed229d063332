// Command region-agent is what a rehearsal region needs and no ready-made part gives:
// its first process, network policy enforcement and volumes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"lifeline.local/tools/region-agent/internal/netpol"
	"lifeline.local/tools/region-agent/internal/supervise"
	"lifeline.local/tools/region-agent/internal/volumes"
)

const usage = `usage:
  region-agent init FILE                                        first process: runs the daemons that FILE lists
  region-agent netpol --kubeconfig FILE --socket PATH           enforces NetworkPolicy on this node
  region-agent volumes --kubeconfig FILE --root FOLDER --node NAME --provisioner NAME
                                                                makes the volumes of a StorageClass
  region-agent resolve --server ADDRESS NAME                    prints the addresses of NAME, one per line
As a CNI plugin (CNI_COMMAND is set) it waits until the policy of a new pod is in force.`

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if os.Getenv("CNI_COMMAND") != "" {
		return netpol.Plugin(os.Stdin, os.Stdout)
	}
	if len(os.Args) < 2 {
		return errors.New(usage)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	flags := flag.NewFlagSet(os.Args[1], flag.ContinueOnError)
	text := func(name, meaning string) *string { return flags.String(name, "", meaning) }
	parse := func() error { return flags.Parse(os.Args[2:]) }
	switch os.Args[1] {
	case "init":
		if err := parse(); err != nil {
			return err
		}
		return supervise.Run(ctx, flags.Arg(0))
	case "netpol":
		kubeconfig, socket := text("kubeconfig", "credentials"), text("socket", "where the CNI plugin asks")
		if err := parse(); err != nil {
			return err
		}
		return netpol.Run(ctx, *kubeconfig, *socket)
	case "volumes":
		kubeconfig, root := text("kubeconfig", "credentials"), text("root", "folder of the volumes")
		node, provisioner := text("node", "name of this node"), text("provisioner", "name that StorageClasses use")
		if err := parse(); err != nil {
			return err
		}
		return volumes.Run(ctx, *kubeconfig, *provisioner, volumes.OnDisks(*root, *node))
	case "resolve":
		server := text("server", "address of the DNS server")
		if err := parse(); err != nil {
			return err
		}
		return resolve(ctx, *server, flags.Arg(0))
	default:
		return errors.New(usage)
	}
}

// resolve asks one server, within a second: the answer proves that it serves now.
func resolve(ctx context.Context, server, name string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(server, "53"))
	}}
	addresses, err := resolver.LookupHost(ctx, name)
	if err != nil {
		return err
	}
	slices.Sort(addresses)
	fmt.Println(strings.Join(addresses, "\n"))
	return nil
}
