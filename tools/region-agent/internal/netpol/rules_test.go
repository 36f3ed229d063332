package netpol

import (
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

var bothTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}

func labelled(app string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
}

func policy(name string, spec networkingv1.NetworkPolicySpec) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop"}, Spec: spec}
}

func port(value intstr.IntOrString) networkingv1.NetworkPolicyPort {
	return networkingv1.NetworkPolicyPort{Port: &value}
}

// shop is a database with a named port, a backend, and a scraper in another namespace.
func shop(policies ...*networkingv1.NetworkPolicy) World {
	return World{
		Endpoints: []Endpoint{
			{Namespace: "shop", Name: "db", Address: "10.0.0.2", Labels: map[string]string{"app": "db"},
				Ports: []corev1.ContainerPort{{Name: "sql", ContainerPort: 5432, Protocol: corev1.ProtocolTCP}}},
			{Namespace: "shop", Name: "backend", Address: "10.0.0.3", Labels: map[string]string{"app": "backend"}},
			{Namespace: "watch", Name: "scraper", Address: "10.0.0.4", Labels: map[string]string{"app": "scraper"}},
		},
		NamespaceLabels: map[string]map[string]string{"shop": {"team": "shop"}, "watch": {"team": "ops"}},
		Policies:        policies,
	}
}

// chain gives the rules of one chain, or nil when it is not there.
func chain(t *testing.T, ruleset, name string) []string {
	t.Helper()
	_, rest, found := strings.Cut(ruleset, "\tchain "+name+" {")
	if !found {
		return nil
	}
	body, _, _ := strings.Cut(rest, "\t}\n")
	var rules []string
	for _, line := range strings.Split(body, "\n")[1:] {
		if line = strings.TrimSpace(line); line != "" {
			rules = append(rules, line)
		}
	}
	return rules
}

func expectChain(t *testing.T, world World, name string, want ...string) {
	t.Helper()
	got := chain(t, world.Ruleset(), name)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("chain %s:\n%s\nwant:\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestNothingIsIsolatedWithoutAPolicy(t *testing.T) {
	rules := shop().Ruleset()
	if strings.Contains(rules, "drop") || strings.Contains(rules, "vmap") {
		t.Errorf("must judge nothing, got:\n%s", rules)
	}
}

func TestDefaultDenyDropsAllButThePodItself(t *testing.T) {
	world := shop(policy("deny", networkingv1.NetworkPolicySpec{PolicyTypes: bothTypes}))
	expectChain(t, world, "ingress_10_0_0_2", "ip saddr 10.0.0.2 return", "counter drop")
	expectChain(t, world, "egress_10_0_0_3", "ip daddr 10.0.0.3 return", "counter drop")
	if chain(t, world.Ruleset(), "ingress_10_0_0_4") != nil {
		t.Error("a pod of another namespace must not be isolated")
	}
}

func TestEgressIsJudgedOnTheWayToTheNodeToo(t *testing.T) {
	world := shop(policy("deny", networkingv1.NetworkPolicySpec{PolicyTypes: bothTypes}))
	for _, name := range []string{"forward", "to_node"} {
		rules := strings.Join(chain(t, world.Ruleset(), name), "\n")
		if !strings.Contains(rules, "10.0.0.3 : jump egress_10_0_0_3") {
			t.Errorf("%s must send the pod's packets to its chain, got:\n%s", name, rules)
		}
	}
}

func TestWhatAFaultLedToAnotherPortOfTheNodeIsJudgedByThePortThatWasAskedFor(t *testing.T) {
	world := shop(policy("deny", networkingv1.NetworkPolicySpec{PolicyTypes: bothTypes}))
	const led = "ct mark 0x6c66 accept"
	rules := strings.Join(chain(t, world.Ruleset(), "to_node"), "\n")
	if first, second := strings.Index(rules, led), strings.Index(rules, "vmap"); first < 0 || first > second {
		t.Errorf("to_node must accept it before any judgement, got:\n%s", rules)
	}
	if rules := strings.Join(chain(t, world.Ruleset(), "forward"), "\n"); strings.Contains(rules, led) {
		t.Errorf("forward must not know it, got:\n%s", rules)
	}
}

func TestAnIngressOnlyPolicyLeavesEgressOpen(t *testing.T) {
	world := shop(policy("in", networkingv1.NetworkPolicySpec{
		PodSelector: *labelled("db"), PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
	}))
	if chain(t, world.Ruleset(), "egress_10_0_0_2") != nil {
		t.Error("egress must stay open")
	}
}

func TestPeersArePodsOfTheSameNamespaceUnlessSaidOtherwise(t *testing.T) {
	from := func(peer networkingv1.NetworkPolicyPeer) World {
		return shop(policy("in", networkingv1.NetworkPolicySpec{
			PodSelector: *labelled("db"), PolicyTypes: bothTypes[:1],
			Ingress: []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{peer}}},
		}))
	}
	ops := &metav1.LabelSelector{MatchLabels: map[string]string{"team": "ops"}}
	everything := &metav1.LabelSelector{}
	cases := []struct {
		name string
		peer networkingv1.NetworkPolicyPeer
		want string
	}{
		{"pods", networkingv1.NetworkPolicyPeer{PodSelector: everything}, "ip saddr { 10.0.0.2, 10.0.0.3 } return"},
		{"namespace", networkingv1.NetworkPolicyPeer{NamespaceSelector: ops}, "ip saddr { 10.0.0.4 } return"},
		{"any namespace", networkingv1.NetworkPolicyPeer{NamespaceSelector: everything, PodSelector: labelled("scraper")}, "ip saddr { 10.0.0.4 } return"},
		{"block", networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: "10.0.0.0/8", Except: []string{"10.1.0.0/16", "10.2.0.0/16"}}},
			"ip saddr 10.0.0.0/8 ip saddr != 10.1.0.0/16 ip saddr != 10.2.0.0/16 return"},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			expectChain(t, from(test.peer), "ingress_10_0_0_2", "ip saddr 10.0.0.2 return", test.want, "counter drop")
		})
	}
	for name, peer := range map[string]networkingv1.NetworkPolicyPeer{
		"a selector that selects nobody": {PodSelector: labelled("nobody")},
		"an IPv6 block":                  {IPBlock: &networkingv1.IPBlock{CIDR: "fd00::/8"}},
	} {
		t.Run(name+" lets nobody in", func(t *testing.T) {
			expectChain(t, from(peer), "ingress_10_0_0_2", "ip saddr 10.0.0.2 return", "counter drop")
		})
	}
}

func TestARuleWithoutPeersLetsEverybodyIn(t *testing.T) {
	world := shop(policy("in", networkingv1.NetworkPolicySpec{
		PodSelector: *labelled("db"), PolicyTypes: bothTypes[:1], Ingress: []networkingv1.NetworkPolicyIngressRule{{}},
	}))
	expectChain(t, world, "ingress_10_0_0_2", "ip saddr 10.0.0.2 return", "return", "counter drop")
}

func TestPorts(t *testing.T) {
	udp, end := corev1.ProtocolUDP, int32(4010)
	ranged := port(intstr.FromInt32(4000))
	ranged.EndPort = &end
	dns := port(intstr.FromInt32(53))
	dns.Protocol = &udp
	cases := map[string]struct {
		port networkingv1.NetworkPolicyPort
		want []string
	}{
		"number, TCP unless said otherwise": {port(intstr.FromInt32(80)), []string{"tcp dport 80 return"}},
		"protocol":                          {dns, []string{"udp dport 53 return"}},
		"range":                             {ranged, []string{"tcp dport 4000-4010 return"}},
		"protocol alone":                    {networkingv1.NetworkPolicyPort{Protocol: &udp}, []string{"meta l4proto udp return"}},
		"name, looked up in the receivers":  {port(intstr.FromString("sql")), []string{"ip daddr 10.0.0.2 tcp dport 5432 return"}},
		"unknown name":                      {port(intstr.FromString("none")), nil},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			world := shop(policy("out", networkingv1.NetworkPolicySpec{
				PodSelector: *labelled("backend"), PolicyTypes: bothTypes[1:],
				Egress: []networkingv1.NetworkPolicyEgressRule{{Ports: []networkingv1.NetworkPolicyPort{test.port}}},
			}))
			want := append(append([]string{"ip daddr 10.0.0.3 return"}, test.want...), "counter drop")
			expectChain(t, world, "egress_10_0_0_3", want...)
		})
	}
}

func TestPeerAndPortMustMatchInTheSameRule(t *testing.T) {
	rule := func(app string, number int32) networkingv1.NetworkPolicyEgressRule {
		return networkingv1.NetworkPolicyEgressRule{
			To:    []networkingv1.NetworkPolicyPeer{{PodSelector: labelled(app)}},
			Ports: []networkingv1.NetworkPolicyPort{port(intstr.FromInt32(number))},
		}
	}
	world := shop(policy("out", networkingv1.NetworkPolicySpec{
		PodSelector: *labelled("backend"), PolicyTypes: bothTypes[1:],
		Egress: []networkingv1.NetworkPolicyEgressRule{rule("db", 5432), rule("backend", 3000)},
	}))
	expectChain(t, world, "egress_10_0_0_3", "ip daddr 10.0.0.3 return",
		"ip daddr { 10.0.0.2 } tcp dport 5432 return", "ip daddr { 10.0.0.3 } tcp dport 3000 return", "counter drop")
}

func TestNftAcceptsTheRules(t *testing.T) {
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("nft is not installed")
	}
	if err := exec.Command("nft", "list", "tables").Run(); err != nil {
		t.Skip("nft needs rights that this run does not have")
	}
	world := shop(
		policy("deny", networkingv1.NetworkPolicySpec{PolicyTypes: bothTypes}),
		policy("in", networkingv1.NetworkPolicySpec{PodSelector: *labelled("db"), PolicyTypes: bothTypes, Ingress: []networkingv1.NetworkPolicyIngressRule{{
			From: []networkingv1.NetworkPolicyPeer{
				{PodSelector: labelled("backend")},
				{IPBlock: &networkingv1.IPBlock{CIDR: "0.0.0.0/0", Except: []string{"10.0.0.0/8", "10.1.0.0/16"}}},
			},
			Ports: []networkingv1.NetworkPolicyPort{port(intstr.FromString("sql"))},
		}}}),
	)
	check := exec.Command("nft", "--check", "-f", "-")
	check.Stdin = strings.NewReader(world.Ruleset())
	if output, err := check.CombinedOutput(); err != nil {
		t.Errorf("nft: %v: %s\n%s", err, output, world.Ruleset())
	}
}
