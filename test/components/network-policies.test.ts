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

  test("lets nobody but backend, migration and smoke test reach the database", () => {
    const reaching = all(graph, "NetworkPolicy").filter((policy) => {
      const ports = JSON.stringify(at(policy.inputs, "spec", "ingress") ?? []);
      return ports.includes('"port":5432');
    });
    expect(reaching.map(objectName)).toEqual([
      "backend-to-database-ingress",
      "migration-to-database-ingress",
      "smoke-to-database-ingress",
    ]);
  });

  test("gives the database no way out, not even DNS", () => {
    const leaving = all(graph, "NetworkPolicy").filter(
      ({ inputs }) =>
        at(inputs, "spec", "egress") !== undefined &&
        at(inputs, "spec", "podSelector", "matchLabels", "app.kubernetes.io/component") ===
          "database",
    );
    expect(leaving).toEqual([]);
  });
});
