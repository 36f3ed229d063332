import { networkEdgesNamed, oneEntrance } from "../../../policies/rules/network.ts";
import { violations } from "../support/judge.ts";
import { change, networkPolicy, service, workload } from "../support/resources.ts";

describe("one entrance", () => {
  test("allows a Service inside the cluster, stated or by default", () => {
    expect(violations(oneEntrance, service())).toEqual([]);
    expect(violations(oneEntrance, change(service(), ["spec", "type"], "ClusterIP"))).toEqual([]);
  });

  test.each([
    ["another name", "type", "ExternalName"],
    ["an address outside", "externalIPs", ["198.51.100.1"]],
  ])("refuses a Service on %s", (_description, field, value) => {
    expect(violations(oneEntrance, change(service(), ["spec", field], value))).toHaveLength(1);
  });

  const open = (spec: object) =>
    change(service(), ["spec"], { selector: { app: "db" }, ports: [{ port: 5432 }], ...spec });
  const balanced = open({
    type: "LoadBalancer",
    loadBalancerSourceRanges: ["192.0.2.0/25"],
    externalTrafficPolicy: "Local",
  });
  const onNodes = open({ type: "NodePort", externalTrafficPolicy: "Local" });

  test.each([
    ["a load balancer", balanced],
    ["ports of nodes", onNodes],
  ])("allows %s for named networks", (_description, entrance) => {
    expect(violations(oneEntrance, entrance)).toEqual([]);
  });

  test.each([
    ["a load balancer for everybody", balanced, "loadBalancerSourceRanges", undefined],
    ["a load balancer for nobody", balanced, "loadBalancerSourceRanges", []],
    [
      "a load balancer for all of IPv4",
      balanced,
      "loadBalancerSourceRanges",
      ["192.0.2.0/25", "0.0.0.0/0"],
    ],
    [
      "a load balancer for both halves of IPv4",
      balanced,
      "loadBalancerSourceRanges",
      ["0.0.0.0/1", "128.0.0.0/1"],
    ],
    ["a load balancer that hides who connects", balanced, "externalTrafficPolicy", "Cluster"],
    ["ports of nodes that hide who connects", onNodes, "externalTrafficPolicy", undefined],
  ])("refuses %s", (_description, entrance, field, value) => {
    expect(violations(oneEntrance, change(entrance, ["spec", field], value))).toHaveLength(1);
  });

  test("does not mistake a custom resource for a Service", () => {
    const type = "kubernetes:serving.knative.dev/v1:Service";
    const other = change(service(), ["spec", "type"], "LoadBalancer");
    expect(violations(oneEntrance, { ...other, type })).toEqual([]);
  });
});

describe("named network edges", () => {
  test("allow named peers on stated ports", () => {
    expect(violations(networkEdgesNamed, networkPolicy())).toEqual([]);
  });

  test("allow the policy that denies everything", () => {
    const spec = { podSelector: {}, policyTypes: ["Ingress", "Egress"] };
    expect(violations(networkEdgesNamed, change(networkPolicy(), ["spec"], spec))).toEqual([]);
  });

  test("allow pods of another namespace by both labels", () => {
    const peer = {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } },
      podSelector: { matchExpressions: [{ key: "app", operator: "Exists" }] },
    };
    const policy = change(networkPolicy(), ["spec", "ingress", 0, "from", 0], peer);
    expect(violations(networkEdgesNamed, policy)).toEqual([]);
  });

  test.each([
    ["without policy types", ["spec", "policyTypes"], undefined],
    ["with no policy type", ["spec", "policyTypes"], []],
  ])("refuse a policy %s", (_description, path, value) => {
    const broken = change(networkPolicy(), path, value);
    expect(violations(networkEdgesNamed, broken)).toHaveLength(1);
  });

  describe.each([
    ["ingress", "from"],
    ["egress", "to"],
  ])("refuse %s", (direction, peers) => {
    const rule = ["spec", direction, 0];

    test.each([
      ["without peers", [...rule, peers], undefined],
      ["with an empty list of peers", [...rule, peers], []],
      ["without ports", [...rule, "ports"], undefined],
      ["with an empty list of ports", [...rule, "ports"], []],
    ])("%s", (_description, path, value) => {
      const broken = change(networkPolicy(), path, value);
      expect(violations(networkEdgesNamed, broken)).toHaveLength(1);
    });

    test.each([
      ["an empty peer", {}],
      ["every pod of the namespace", { podSelector: {} }],
      ["every namespace", { namespaceSelector: {} }],
      [
        "a label in any namespace",
        { namespaceSelector: {}, podSelector: { matchLabels: { app: "backend" } } },
      ],
      ["selectors that select nothing", { podSelector: { matchLabels: {} } }],
      ["the whole of IPv4", { ipBlock: { cidr: "0.0.0.0/0" } }],
      ["the whole of IPv6", { ipBlock: { cidr: "::/0" } }],
      ["half of IPv4", { ipBlock: { cidr: "128.0.0.0/1" } }],
      ["all of IPv6 that is in use", { ipBlock: { cidr: "2000::/3" } }],
    ])("with %s", (_description, peer) => {
      const broken = change(networkPolicy(), [...rule, peers, 0], peer);
      expect(violations(networkEdgesNamed, broken)).toHaveLength(1);
    });

    test("that allows everything", () => {
      const broken = change(networkPolicy(), rule, {});
      expect(violations(networkEdgesNamed, broken)).toHaveLength(2);
    });
  });

  describe("where something has no address that could be named", () => {
    const byLabel = change(networkPolicy(), ["spec", "podSelector"], {
      matchLabels: { app: "backup" },
    });
    const anywhere = change(byLabel, ["spec", "egress", 0], {
      to: [{ ipBlock: { cidr: "0.0.0.0/0" } }],
      ports: [{ protocol: "TCP", port: 443 }],
    });

    test("allow chosen pods to go anywhere by single TCP ports", () => {
      expect(violations(networkEdgesNamed, anywhere)).toEqual([]);
    });

    test.each<[string, (string | number)[], unknown]>([
      ["for every pod", ["podSelector"], {}],
      ["by a range of ports", ["egress", 0, "ports", 0, "endPort"], 65535],
      ["by UDP, as DNS tunnels do", ["egress", 0, "ports", 0, "protocol"], "UDP"],
      ["by a port with a name", ["egress", 0, "ports", 0, "port"], "https"],
    ])("refuse it %s", (_description, path, value) => {
      const broken = change(anywhere, ["spec", ...path], value);
      expect(violations(networkEdgesNamed, broken)).toHaveLength(1);
    });

    test("refuse it as a way in", () => {
      const peer = { ipBlock: { cidr: "0.0.0.0/0" } };
      const broken = change(anywhere, ["spec", "ingress", 0, "from", 0], peer);
      expect(violations(networkEdgesNamed, broken)).toHaveLength(1);
    });
  });

  test("name the policy, the peer and what it found", () => {
    const broken = change(networkPolicy(), ["spec", "ingress", 0, "from", 0], { podSelector: {} });
    const [message] = violations(networkEdgesNamed, broken);
    expect(message).toMatch(
      /^network policy backend-to-postgres: spec\.ingress\[0\]\.from\[0\] must .*, found \{"podSelector":\{\}\}\./,
    );
  });

  test("have nothing to say about other kinds", () => {
    expect(violations(networkEdgesNamed, workload("Pod"))).toEqual([]);
  });
});
