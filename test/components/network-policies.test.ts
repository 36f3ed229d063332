import { NetworkPolicies } from "../../components/network-policies/network-policies.ts";
import type { GraphView } from "../../rehearsal/graph-view.ts";
import { networkPoliciesArgs } from "../support/args.ts";
import { all, at, declare, objectName, only } from "../support/declare.ts";

describe("NetworkPolicies", () => {
  let graph: GraphView;
  beforeAll(async () => {
    graph = await declare(() => new NetworkPolicies("it", networkPoliciesArgs));
  });
  const spec = (name: string) => at(only(graph, "NetworkPolicy", name).inputs, "spec");
  const pods = (workload: string, name = workload) => ({
    podSelector: {
      matchLabels: {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/component": workload,
      },
    },
  });

  test("refuses everything that no other policy allows, in both directions", () => {
    expect(spec("default-deny")).toEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
  });

  test("opens the database to the backend on both sides, on its port alone", () => {
    const ports = [{ protocol: "TCP", port: 5432 }];
    expect(spec("backend-to-database-egress")).toEqual({
      ...pods("backend"),
      policyTypes: ["Egress"],
      egress: [{ to: [pods("database", "postgres")], ports }],
    });
    expect(spec("backend-to-database-ingress")).toEqual({
      ...pods("database", "postgres"),
      policyTypes: ["Ingress"],
      ingress: [{ from: [pods("backend")], ports }],
    });
  });

  test("admits outside pods by namespace and label together, not by either", () => {
    expect(at(spec("gateway-to-frontend-ingress"), "ingress", 0, "from")).toEqual([
      {
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "entry" } },
        podSelector: { matchLabels: { app: "gateway" } },
      },
    ]);
  });

  test("lets pods ask the cluster's resolver, and nobody else, by either protocol", () => {
    for (const workload of ["backend", "migration", "smoke"]) {
      expect(at(spec(`${workload}-to-dns-egress`), "egress")).toEqual([
        {
          to: [
            {
              namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "names" } },
              podSelector: { matchLabels: { app: "resolver" } },
            },
          ],
          ports: [
            { protocol: "UDP", port: 53 },
            { protocol: "TCP", port: 53 },
          ],
        },
      ]);
    }
  });

  const egressOf = (component: string) =>
    Object.fromEntries(
      all(graph, "NetworkPolicy").flatMap((policy) => {
        const [rule] = (at(policy.inputs, "spec", "egress") ?? []) as Rule[];
        const selected = at(policy.inputs, "spec", "podSelector", "matchLabels", componentLabel);
        if (rule === undefined || selected !== component) return [];
        return [[objectName(policy).replace(/-egress$/, ""), rule]];
      }),
    );
  const componentLabel = "app.kubernetes.io/component";
  const portsOf = (rule: Rule | undefined) => rule?.ports.map(({ port }) => port);

  test("lets nobody into the database who is not named, here or in the other region", () => {
    const reaching = all(graph, "NetworkPolicy").filter((policy) => {
      const ports = JSON.stringify(at(policy.inputs, "spec", "ingress") ?? []);
      return ports.includes('"port":5432');
    });
    expect(reaching.map(objectName).sort()).toEqual([
      "backend-to-database-ingress",
      "backup-to-database-ingress",
      "database-to-database-ingress",
      "gate-to-database-ingress",
      "migration-to-database-ingress",
      "other-region-to-database-ingress",
      "restore-proof-to-database-ingress",
      "smoke-to-database-ingress",
    ]);
    const { inputs } = only(graph, "NetworkPolicy", "other-region-to-database-ingress");
    expect(at(inputs, "spec", "ingress")).toEqual([
      {
        from: [{ ipBlock: { cidr: "10.2.0.0/16" } }],
        ports: [5432, 8008, 8432].map((port) => ({ protocol: "TCP", port })),
      },
    ]);
  });

  test("lets the database out to its members, the other region's entrances, S3 and the API server", () => {
    const ways = egressOf("database");
    expect(Object.keys(ways).sort()).toEqual([
      "database-to-database",
      "database-to-dns",
      "database-to-other-region",
      "database-to-storage-and-api-server",
    ]);
    expect(portsOf(ways["database-to-database"])).toEqual([5432, 8008, 8432]);
    expect(ways["database-to-other-region"]?.to).toEqual([{ ipBlock: { cidr: "10.2.0.0/16" } }]);
    expect(portsOf(ways["database-to-other-region"])).toEqual([30432, 30008, 30843]);
    expect(portsOf(ways["database-to-storage-and-api-server"])).toEqual([443, 6443, 9000]);
  });

  test.each([
    ["backup", ["backup-to-database", "backup-to-dns", "backup-to-other-region"]],
    ["restore-proof", ["restore-proof-to-database", "restore-proof-to-dns"]],
  ])("lets the %s out to S3 by its ports, and no further than it works", (component, others) => {
    const ways = egressOf(component);
    expect(Object.keys(ways).sort()).toEqual([...others, `${component}-to-storage`]);
    expect(portsOf(ways[`${component}-to-storage`])).toEqual([443, 9000]);
  });
});

interface Rule {
  readonly to: unknown[];
  readonly ports: { readonly port: number }[];
}
