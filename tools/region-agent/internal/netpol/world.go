// Package netpol enforces NetworkPolicy on one node with one nftables table, replaced atomically.
package netpol

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// World is what the rules follow from.
type World struct {
	Endpoints []Endpoint
	// NamespaceLabels holds the labels of each namespace.
	NamespaceLabels map[string]map[string]string
	Policies        []*networkingv1.NetworkPolicy
}

// Endpoint is a pod with an address of its own.
type Endpoint struct {
	Namespace, Name string
	Address         string
	Labels          map[string]string
	Ports           []corev1.ContainerPort
}

// Lease is an address that the CNI plugins just gave to a pod; the API learns of it later.
type Lease struct {
	Namespace, Name string
	Address         string
}

// endpoints joins pods with their addresses. A lease is newer than what the API says: it decides
// both for its pod and for any other pod that is still listed with that address.
func endpoints(pods []*corev1.Pod, leases []Lease) []Endpoint {
	byPod, taken := map[string]string{}, map[string]bool{}
	for _, lease := range leases {
		byPod[lease.Namespace+"/"+lease.Name] = lease.Address
		taken[lease.Address] = true
	}
	var found []Endpoint
	for _, pod := range pods {
		ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
		if pod.Spec.HostNetwork || ended {
			continue
		}
		address, leased := byPod[pod.Namespace+"/"+pod.Name]
		if !leased {
			address = pod.Status.PodIP
			if address == "" || taken[address] || strings.Contains(address, ":") {
				continue
			}
		}
		endpoint := Endpoint{Namespace: pod.Namespace, Name: pod.Name, Address: address, Labels: pod.Labels}
		for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			endpoint.Ports = append(endpoint.Ports, container.Ports...)
		}
		found = append(found, endpoint)
	}
	slices.SortFunc(found, func(a, b Endpoint) int { return cmp.Compare(a.Address, b.Address) })
	return found
}

// policiesOf gives the policies that select an endpoint, in a stable order.
func (w World) policiesOf(endpoint Endpoint) []*networkingv1.NetworkPolicy {
	var selecting []*networkingv1.NetworkPolicy
	for _, policy := range w.Policies {
		if policy.Namespace == endpoint.Namespace && matches(&policy.Spec.PodSelector, endpoint.Labels) {
			selecting = append(selecting, policy)
		}
	}
	slices.SortFunc(selecting, func(a, b *networkingv1.NetworkPolicy) int { return cmp.Compare(a.Name, b.Name) })
	return selecting
}

// selected gives the endpoints that a peer with selectors means, for a policy in namespace.
func (w World) selected(namespace string, peer networkingv1.NetworkPolicyPeer) []Endpoint {
	var found []Endpoint
	for _, endpoint := range w.Endpoints {
		inNamespace := endpoint.Namespace == namespace
		if peer.NamespaceSelector != nil {
			inNamespace = matches(peer.NamespaceSelector, w.NamespaceLabels[endpoint.Namespace])
		}
		if inNamespace && (peer.PodSelector == nil || matches(peer.PodSelector, endpoint.Labels)) {
			found = append(found, endpoint)
		}
	}
	return found
}

func matches(selector *metav1.LabelSelector, set map[string]string) bool {
	compiled, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && compiled.Matches(labels.Set(set))
}
