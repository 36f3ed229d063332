import { networkEdgesNamed, oneEntrance } from "../../../policies/rules/network.ts";
import { violations } from "../support/judge.ts";
import { change, networkPolicy, service, workload } from "../support/resources.ts";

describe("one entrance", () => {
  test("allows a Service inside the cluster, stated or by default", () => {
    expect(violations(oneEntrance, service())).toEqual([]);
    expect(violations(oneEntrance, change(service(), ["spec", "type"], "ClusterIP"))).toEqual([]);
  });

  test.each([
    ["a port of every node", "type", "NodePort"],
    ["a load balancer", "type", "LoadBalancer"],
    ["another name", "type", "ExternalName"],
    ["an address outside", "externalIPs", ["198.51.100.1"]],
  ])("refuses a Service on %s", (_description, field, value) => {
    expect(violations(oneEntrance, change(service(), ["spec", field], value))).toHaveLength(1);
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
    ])("with %s", (_description, peer) => {
      const broken = change(networkPolicy(), [...rule, peers, 0], peer);
      expect(violations(networkEdgesNamed, broken)).toHaveLength(1);
    });

    test("that allows everything", () => {
      const broken = change(networkPolicy(), rule, {});
      expect(violations(networkEdgesNamed, broken)).toHaveLength(2);
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
