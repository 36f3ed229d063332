import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { Postgres, type PostgresArgs } from "../../../components/postgres/postgres.ts";
import type { GraphView } from "../../../rehearsal/graph-view.ts";
import { postgresArgs } from "../../support/args.ts";
import { at, declare, environment, only } from "../../support/declare.ts";

const postgres = (overrides: Partial<PostgresArgs> = {}) =>
  declare(() => new Postgres("it", { ...postgresArgs, ...overrides }));
const pod = (graph: GraphView, name?: string) =>
  at(only(graph, "StatefulSet", name).inputs, "spec", "template");
const containers = (graph: GraphView) =>
  at(pod(graph), "spec", "containers") as { name: string; env?: { name: string }[] }[];

const labels = {
  "app.kubernetes.io/name": "postgres",
  "app.kubernetes.io/component": "database",
  "postgres-cluster": "postgres-1",
};

describe("Postgres", () => {
  let graph: GraphView;
  beforeAll(async () => {
    graph = await postgres();
  });

  test("is neither deleted nor replaced, and leaves its volumes whatever happens to it", () => {
    const server = only(graph, "StatefulSet");
    expect(server.options).toMatchObject({ protect: true, retainOnDelete: true });
    expect(at(server.inputs, "spec", "persistentVolumeClaimRetentionPolicy")).toEqual({
      whenDeleted: "Retain",
      whenScaled: "Retain",
    });
  });

  test("keeps the fields that only a replacement could change", () => {
    const server = only(graph, "StatefulSet", "postgres-1-eu-north-1");
    const spec = server.inputs["spec"];
    expect({
      serviceName: at(spec, "serviceName"),
      selector: at(spec, "selector"),
      podManagementPolicy: at(spec, "podManagementPolicy"),
      revisionHistoryLimit: at(spec, "revisionHistoryLimit"),
      volumeClaimTemplates: at(spec, "volumeClaimTemplates"),
    }).toEqual({
      serviceName: "postgres-members",
      selector: { matchLabels: labels },
      podManagementPolicy: "Parallel",
      revisionHistoryLimit: 10,
      volumeClaimTemplates: [
        {
          metadata: { name: "data", labels },
          spec: {
            accessModes: ["ReadWriteOnce"],
            storageClassName: "fast",
            resources: { requests: { storage: "10Gi" } },
          },
        },
      ],
    });
  });

  test("gives Patroni exactly the rights that it was measured to use", () => {
    const states = ["config", "leader", "sync", "failover", "failsafe"];
    expect(at(only(graph, "Role").inputs, "rules")).toEqual([
      { apiGroups: [""], resources: ["configmaps"], verbs: ["create", "list", "watch"] },
      {
        apiGroups: [""],
        resources: ["configmaps"],
        verbs: ["get", "patch"],
        resourceNames: states.map((state) => `postgres-1-${state}`),
      },
      { apiGroups: [""], resources: ["pods"], verbs: ["list", "watch"] },
      {
        apiGroups: [""],
        resources: ["pods"],
        verbs: ["patch"],
        resourceNames: [0, 1, 2].map((ordinal) => `postgres-1-eu-north-1-${String(ordinal)}`),
      },
    ]);
  });

  test("hands the API's token to Patroni and to no other container", () => {
    expect(at(pod(graph), "spec", "automountServiceAccountToken")).toBe(false);
    const holders = containers(graph).filter((it) => JSON.stringify(it).includes("api-token"));
    expect(holders.map(({ name }) => name)).toEqual(["postgres"]);
  });

  test("hands the password to those that set it, and no archive's key to the exporter", () => {
    const holders = (secret: string) =>
      containers(graph)
        .filter((it) => JSON.stringify(it).includes(secret))
        .map(({ name }) => name);
    expect(holders('"postgres-secret"')).toEqual(["postgres", "agent"]);
    expect(holders('"archive-own"')).toEqual(["postgres", "pgbackrest", "agent"]);
    expect(holders('"archive-peer"')).toEqual(["postgres"]);
  });

  test.each(["postgres", "pgbackrest", "agent"])("tells the scripts of %s everything", (name) => {
    const container = containers(graph).find((it) => it.name === name);
    expect(environment(container?.env)).toMatchObject({
      PGDATA: "/var/lib/postgresql/data/pgdata",
      PGHOST: "/var/run/postgresql",
      REGION: "eu-north-1",
      GENERATION: "1",
      PEER_REGION: "eu-west-1",
      PEER_API: "https://db.west.acme.test:30008",
      PEER_POSTGRES: "db.west.acme.test:30432",
      POSTGRES_DB: "acme",
      POSTGRES_USER: "acme_user",
      POSTGRES_PASSWORD_FILE: "/etc/secrets/postgres/POSTGRES_PASSWORD",
      PGBACKREST_CONFIG: "/etc/lifeline/postgres/pgbackrest.conf",
      PGBACKREST_CONFIG_INCLUDE_PATH: "/etc/lifeline/archive/own",
      TLS_FOLDER: "/etc/lifeline/tls",
    });
    expect(container?.env).toContainEqual({
      name: "POD_NAME",
      valueFrom: { fieldRef: { fieldPath: "metadata.name" } },
    });
  });

  test("tells the scripts nothing that none of them reads", () => {
    const folder = join(import.meta.dirname, "../../../images/postgres");
    const scripts = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(py|sh|sql)$/.test(name))
      .map((name) => readFileSync(join(folder, name), "utf8"))
      .join("\n");
    const told = containers(graph)
      .filter(({ name }) => name !== "exporter")
      .flatMap(({ env = [] }) => env.map(({ name }) => name));
    expect(told).toContain("PEER_REGION");
    expect(told.filter((name) => !new RegExp(`\\b${name}\\b`).test(scripts))).toEqual(
      // These are Patroni's own.
      told.filter((name) => /^PATRONI_(NAME|KUBERNETES_POD_IP|\w+_CONNECT_ADDRESS)$/.test(name)),
    );
  });

  test("is reached by its members under names that its certificate carries", () => {
    const [server] = containers(graph);
    expect(environment(server?.env)).toMatchObject({
      PATRONI_RESTAPI_CONNECT_ADDRESS: "$(POD_NAME).postgres-members.acme-test.svc:8008",
      PATRONI_POSTGRESQL_CONNECT_ADDRESS: "$(POD_NAME).postgres-members.acme-test.svc:5432",
    });
    // A variable is known to those after it.
    const names = server?.env?.map(({ name }) => name) ?? [];
    expect(names.indexOf("POD_NAME")).toBeLessThan(names.indexOf("PATRONI_NAME") + 1);
    expect(names.indexOf("POD_NAME")).toBeLessThan(
      names.indexOf("PATRONI_RESTAPI_CONNECT_ADDRESS"),
    );
  });

  test("starts alone after a cold start only where the stack says so", async () => {
    const alone = (it: GraphView) => environment(containers(it)[0]?.env)["PROMOTE_ALONE"];
    expect(alone(graph)).toBeUndefined();
    expect(alone(await postgres({ promoteAlone: true }))).toBe("true");
  });

  test("remembers that it lives in memory only, which ends with the pod and with the node", () => {
    expect(at(pod(graph), "spec", "volumes")).toContainEqual({
      name: "state",
      emptyDir: { medium: "Memory", sizeLimit: "1Mi" },
    });
  });

  test("restarts when its settings change, and only then", async () => {
    const checksum = (it: GraphView) => at(pod(it), "metadata", "annotations", "checksum/settings");
    expect(checksum(await postgres())).toBe(checksum(graph));
    expect(checksum(await postgres({ database: "other" }))).not.toBe(checksum(graph));
  });

  test("is ready by its own script, and not for the sake of what runs beside it", () => {
    const [server, ...others] = containers(graph) as { readinessProbe?: object }[];
    expect(server?.readinessProbe).toMatchObject({ exec: { command: ["/opt/lifeline/ready.sh"] } });
    expect(others.every(({ readinessProbe }) => readinessProbe === undefined)).toBe(true);
  });

  test("spreads its members over zones and nodes, and gives one of them up at a time", () => {
    expect(at(pod(graph), "spec", "topologySpreadConstraints")).toMatchObject(
      ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((topologyKey) => ({
        topologyKey,
        maxSkew: 1,
        labelSelector: { matchLabels: labels },
      })),
    );
    expect(at(only(graph, "PodDisruptionBudget").inputs, "spec")).toEqual({
      maxUnavailable: 1,
      selector: { matchLabels: labels },
    });
  });

  test("leads clients and the other region to the leader, and to any member's Patroni", () => {
    const spec = (name: string) => at(only(graph, "Service", name).inputs, "spec");
    const leader = { ...labels, "postgres-role": "leader" };
    expect(spec("postgres")).toMatchObject({ selector: leader, ports: [{ port: 5432 }] });
    expect(spec("postgres-peer")).toMatchObject({
      type: "NodePort",
      externalTrafficPolicy: "Local",
      selector: leader,
      ports: [
        { port: 5432, nodePort: 30432 },
        { port: 8432, nodePort: 30843 },
      ],
    });
    expect(spec("postgres-peer-api")).toMatchObject({
      type: "NodePort",
      externalTrafficPolicy: "Local",
      publishNotReadyAddresses: true,
      selector: labels,
      ports: [{ port: 8008, nodePort: 30008 }],
    });
    expect(spec("postgres-members")).toMatchObject({
      clusterIP: "None",
      publishNotReadyAddresses: true,
    });
  });

  test("opens load balancers to the other region alone, named for whoever makes DNS records", async () => {
    const balanced = await postgres({
      peering: { kind: "loadBalancer", annotations: { scheme: "internal" } },
      entrance: { host: "db.acme.test", apiHost: "api.acme.test" },
    });
    for (const [name, host] of [
      ["postgres-peer", "db.acme.test"],
      ["postgres-peer-api", "api.acme.test"],
    ]) {
      const { inputs } = only(balanced, "Service", name);
      expect(at(inputs, "metadata", "annotations")).toEqual({
        scheme: "internal",
        "external-dns.alpha.kubernetes.io/hostname": host,
      });
      expect(at(inputs, "spec")).toMatchObject({
        type: "LoadBalancer",
        externalTrafficPolicy: "Local",
        loadBalancerSourceRanges: ["10.2.0.0/16"],
      });
    }
  });

  test("fails without a generation", async () => {
    await expect(postgres({ generations: [] })).rejects.toThrow(
      "it: generations must have an entry, got none",
    );
  });
});
