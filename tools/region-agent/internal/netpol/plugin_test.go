package netpol

import (
	"bytes"
	"encoding/json"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// serve answers one plugin call and gives what it heard.
func serve(t *testing.T, answer string) (socket string, heard <-chan message) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	calls := make(chan message, 1)
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		var call message
		if json.NewDecoder(connection).Decode(&call) == nil {
			calls <- call
		}
		connection.Write([]byte(answer + "\n"))
	}()
	return socket, calls
}

func callPlugin(t *testing.T, command, socket string) (string, error) {
	t.Helper()
	t.Setenv("CNI_COMMAND", command)
	t.Setenv("CNI_CONTAINERID", "container")
	t.Setenv("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=db")
	input := `{"socket":"` + socket + `","prevResult":` + previous + `}`
	var output bytes.Buffer
	err := Plugin(strings.NewReader(input), &output)
	return output.String(), err
}

const previous = `{"cniVersion":"0.4.0","ips":[{"version":"4","address":"10.0.0.2/24"}]}`

func TestPluginTellsTheEnforcerAndPassesTheResultOn(t *testing.T) {
	socket, heard := serve(t, "")
	output, err := callPlugin(t, "ADD", socket)
	if err != nil || output != previous {
		t.Fatalf("got %q, %v", output, err)
	}
	want := message{Command: "ADD", Container: "container", Lease: Lease{Namespace: "shop", Name: "db", Address: "10.0.0.2"}}
	if call := <-heard; call != want {
		t.Errorf("got %+v, want %+v", call, want)
	}
}

func TestPluginFailsClosed(t *testing.T) {
	socket, _ := serve(t, "nft refused")
	output, err := callPlugin(t, "ADD", socket)
	if err == nil || !strings.Contains(output, `"msg":"network policy: nft refused"`) {
		t.Errorf("got %q, %v", output, err)
	}
}

func TestAPodCanGoWhileTheEnforcerIsAway(t *testing.T) {
	if output, err := callPlugin(t, "DEL", filepath.Join(t.TempDir(), "nobody")); err != nil || output != "" {
		t.Errorf("got %q, %v", output, err)
	}
}

func TestALeaseReplacesThatOfThePodAndOfTheAddress(t *testing.T) {
	e := &enforcer{leases: map[string]Lease{}}
	e.lease("one", &Lease{Namespace: "shop", Name: "db", Address: "10.0.0.2"})
	e.lease("two", &Lease{Namespace: "shop", Name: "backend", Address: "10.0.0.3"})
	e.lease("three", &Lease{Namespace: "shop", Name: "db", Address: "10.0.0.3"})
	if len(e.leases) != 1 || e.leases["three"].Address != "10.0.0.3" {
		t.Errorf("got %v", e.leases)
	}
	// A late farewell of an earlier container must not take the new one's address.
	e.lease("one", nil)
	if len(e.leases) != 1 {
		t.Error("the new container's lease must stay")
	}
}
