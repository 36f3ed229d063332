package netpol

import (
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Table is the one nftables table of this enforcer.
const Table = "network_policy"

// LedElsewhere marks connections to a port of the node that a rehearsed fault has led to another one: the policies speak of
// the port that was asked for. Pods cannot set it.
const LedElsewhere = 0x6c66

// direction is one side of a policy: which packets of a pod it judges and where the peer stands in them.
type direction struct {
	policyType networkingv1.PolicyType
	chain      string
	pod, peer  string
}

var (
	ingress = direction{networkingv1.PolicyTypeIngress, "ingress", "daddr", "saddr"}
	egress  = direction{networkingv1.PolicyTypeEgress, "egress", "saddr", "daddr"}
)

// Ruleset gives nft commands that replace the whole table in one transaction.
//
// An isolated pod has a chain per direction that returns for what is allowed and ends in drop.
// Packets from the node itself are never judged: its kubelet must reach the probes.
func (w World) Ruleset() string {
	var chains strings.Builder
	leaving := w.dispatch(&chains, egress)
	arriving := w.dispatch(&chains, ingress)
	const established = "\t\tct state established,related accept\n"
	ledElsewhere := fmt.Sprintf("\t\tct mark %#x accept\n", LedElsewhere)
	return fmt.Sprintf("table ip %[1]s\ndelete table ip %[1]s\ntable ip %[1]s {\n%[2]s", Table, chains.String()) +
		"\tchain forward {\n\t\ttype filter hook forward priority 10; policy accept;\n" + established + leaving + arriving + "\t}\n" +
		"\tchain to_node {\n\t\ttype filter hook input priority 10; policy accept;\n" + established + ledElsewhere + leaving + "\t}\n}\n"
}

// dispatch writes a chain per isolated pod and gives the rule that sends its packets there.
func (w World) dispatch(chains *strings.Builder, side direction) string {
	var jumps []string
	for _, endpoint := range w.Endpoints {
		allowed, isolated := w.allowed(endpoint, side)
		if !isolated {
			continue
		}
		chain := side.chain + "_" + strings.ReplaceAll(endpoint.Address, ".", "_")
		fmt.Fprintf(chains, "\tchain %s { # %s/%s\n", chain, endpoint.Namespace, endpoint.Name)
		for _, match := range allowed {
			fmt.Fprintf(chains, "\t\t%s\n", strings.TrimSpace(match+" return"))
		}
		chains.WriteString("\t\tcounter drop\n\t}\n")
		jumps = append(jumps, endpoint.Address+" : jump "+chain)
	}
	if len(jumps) == 0 {
		return ""
	}
	return fmt.Sprintf("\t\tip %s vmap { %s }\n", side.pod, strings.Join(jumps, ", "))
}

// allowed gives the packets that a pod's policies let through in one direction, and whether any policy isolates it.
func (w World) allowed(endpoint Endpoint, side direction) (found []string, isolated bool) {
	// A pod always reaches itself, also through its own Service.
	found = []string{"ip " + side.peer + " " + endpoint.Address}
	for _, policy := range w.policiesOf(endpoint) {
		if !slices.Contains(policy.Spec.PolicyTypes, side.policyType) {
			continue
		}
		isolated = true
		if side.policyType == networkingv1.PolicyTypeIngress {
			for _, rule := range policy.Spec.Ingress {
				found = append(found, both(w.peers(policy.Namespace, rule.From, side.peer), ports(rule.Ports, []Endpoint{endpoint}))...)
			}
		} else {
			for _, rule := range policy.Spec.Egress {
				found = append(found, both(w.peers(policy.Namespace, rule.To, side.peer), ports(rule.Ports, w.Endpoints))...)
			}
		}
	}
	return found, isolated
}

// peers gives one match per kind of peer. No peers listed means everybody; listed but none there means nobody.
func (w World) peers(namespace string, peers []networkingv1.NetworkPolicyPeer, side string) []string {
	if len(peers) == 0 {
		return []string{""}
	}
	var found, addresses []string
	for _, peer := range peers {
		if peer.IPBlock == nil {
			for _, endpoint := range w.selected(namespace, peer) {
				addresses = append(addresses, endpoint.Address)
			}
			continue
		}
		if strings.Contains(peer.IPBlock.CIDR, ":") {
			continue
		}
		match := "ip " + side + " " + peer.IPBlock.CIDR
		for _, except := range peer.IPBlock.Except {
			match += " ip " + side + " != " + except
		}
		found = append(found, match)
	}
	if len(addresses) > 0 {
		slices.Sort(addresses)
		found = append(found, fmt.Sprintf("ip %s { %s }", side, strings.Join(slices.Compact(addresses), ", ")))
	}
	return found
}

// ports gives one match per port. A named port is looked up in the pods that receive the packets.
func ports(ports []networkingv1.NetworkPolicyPort, receivers []Endpoint) []string {
	if len(ports) == 0 {
		return []string{""}
	}
	var found []string
	for _, port := range ports {
		protocol := "tcp"
		if port.Protocol != nil {
			protocol = strings.ToLower(string(*port.Protocol))
		}
		switch {
		case port.Port == nil:
			found = append(found, "meta l4proto "+protocol)
		case port.Port.Type == intstr.String:
			found = append(found, namedPort(port.Port.StrVal, protocol, receivers)...)
		case port.EndPort != nil:
			found = append(found, fmt.Sprintf("%s dport %d-%d", protocol, port.Port.IntVal, *port.EndPort))
		default:
			found = append(found, fmt.Sprintf("%s dport %d", protocol, port.Port.IntVal))
		}
	}
	return found
}

func namedPort(name, protocol string, receivers []Endpoint) []string {
	var found []string
	for _, receiver := range receivers {
		for _, port := range receiver.Ports {
			// The API server fills in TCP; objects built by hand may leave it out.
			declared := strings.ToLower(string(port.Protocol))
			if declared == "" {
				declared = "tcp"
			}
			if port.Name == name && declared == protocol {
				found = append(found, fmt.Sprintf("ip daddr %s %s dport %d", receiver.Address, protocol, port.ContainerPort))
			}
		}
	}
	return found
}

// both gives every combination: a packet must match a peer and a port of the same rule.
func both(peers, ports []string) []string {
	var found []string
	for _, peer := range peers {
		for _, port := range ports {
			found = append(found, strings.TrimSpace(peer+" "+port))
		}
	}
	return found
}
