package netpol

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func pod(name, address string, change func(*corev1.Pod)) *corev1.Pod {
	made := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}, Status: corev1.PodStatus{PodIP: address}}
	if change != nil {
		change(made)
	}
	return made
}

func addresses(pods []*corev1.Pod, leases ...Lease) map[string]string {
	found := map[string]string{}
	for _, endpoint := range endpoints(pods, leases) {
		found[endpoint.Name] = endpoint.Address
	}
	return found
}

func TestOnlyPodsWithAnAddressOfTheirOwnAreEndpoints(t *testing.T) {
	found := addresses([]*corev1.Pod{
		pod("runs", "10.0.0.2", nil),
		pod("waits", "", nil),
		pod("on the node", "10.0.0.9", func(p *corev1.Pod) { p.Spec.HostNetwork = true }),
		pod("is done", "10.0.0.3", func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }),
		pod("failed", "10.0.0.4", func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }),
	})
	if len(found) != 1 || found["runs"] != "10.0.0.2" {
		t.Errorf("got %v", found)
	}
}

func TestALeaseIsNewerThanTheAPI(t *testing.T) {
	pods := []*corev1.Pod{pod("restarted", "10.0.0.2", nil), pod("stale", "10.0.0.7", nil), pod("new", "", nil)}
	found := addresses(pods,
		Lease{Namespace: "shop", Name: "restarted", Address: "10.0.0.7"},
		Lease{Namespace: "shop", Name: "new", Address: "10.0.0.8"},
		Lease{Namespace: "shop", Name: "gone", Address: "10.0.0.9"},
	)
	want := map[string]string{"restarted": "10.0.0.7", "new": "10.0.0.8"}
	if len(found) != len(want) || found["restarted"] != want["restarted"] || found["new"] != want["new"] {
		t.Errorf("got %v, want %v: an address has one owner, the one it was leased to last", found, want)
	}
}

func TestPortsOfSidecarsCount(t *testing.T) {
	found := endpoints([]*corev1.Pod{pod("db", "10.0.0.2", func(p *corev1.Pod) {
		p.Spec.InitContainers = []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "metrics"}}}}
		p.Spec.Containers = []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "sql"}}}}
	})}, nil)
	if len(found) != 1 || len(found[0].Ports) != 2 {
		t.Errorf("got %+v", found)
	}
}
