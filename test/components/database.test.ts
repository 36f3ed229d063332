import { Migration } from "../../components/migration.ts";
import type { PostgresArgs } from "../../components/postgres/postgres.ts";
import { Postgres } from "../../components/postgres/postgres.ts";
import type { GraphView } from "../../rehearsal/graph-view.ts";
import { migrationArgs, postgresArgs } from "../support/args.ts";
import { at, declare, objectName, only } from "../support/declare.ts";

const postgres = (overrides: Partial<PostgresArgs> = {}) =>
  declare(() => new Postgres("it", { ...postgresArgs, ...overrides }));
const migration = (overrides: Partial<typeof migrationArgs> = {}) =>
  declare(() => new Migration("it", { ...migrationArgs, ...overrides }));

const pod = (graph: GraphView) => at(only(graph, "StatefulSet").inputs, "spec", "template");
const config = (graph: GraphView) => at(only(graph, "ConfigMap").inputs, "data", "postgresql.conf");

describe("Postgres", () => {
  let graph: GraphView;
  beforeAll(async () => {
    graph = await postgres();
  });

  test("is neither deleted nor replaced, and leaves its volume whatever happens to it", () => {
    const server = only(graph, "StatefulSet");
    expect(server.options).toMatchObject({ protect: true, retainOnDelete: true });
    expect(at(server.inputs, "spec", "persistentVolumeClaimRetentionPolicy")).toEqual({
      whenDeleted: "Retain",
      whenScaled: "Retain",
    });
  });

  test("keeps the fields that only a replacement could change", () => {
    const spec = only(graph, "StatefulSet").inputs["spec"];
    const labels = {
      "app.kubernetes.io/name": "postgres",
      "app.kubernetes.io/component": "database",
    };
    expect({
      serviceName: at(spec, "serviceName"),
      selector: at(spec, "selector"),
      podManagementPolicy: at(spec, "podManagementPolicy"),
      revisionHistoryLimit: at(spec, "revisionHistoryLimit"),
      volumeClaimTemplates: at(spec, "volumeClaimTemplates"),
    }).toEqual({
      serviceName: "postgres-headless",
      selector: { matchLabels: labels },
      podManagementPolicy: "OrderedReady",
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

  test("accepts the application's writes in the primary region only", async () => {
    expect(config(graph)).toContain("default_transaction_read_only = 'off'");
    expect(config(await postgres({ role: "standby" }))).toContain(
      "default_transaction_read_only = 'on'",
    );
  });

  test("changes nothing but its configuration when the role does", async () => {
    const standby = await postgres({ role: "standby" });
    const differing = graph.resources.filter(
      (resource, index) =>
        resource.custom &&
        JSON.stringify(resource.inputs) !== JSON.stringify(standby.resources[index]?.inputs),
    );
    expect(differing.map(objectName)).toEqual(["postgres-config", "postgres"]);
  });

  test("restarts when its configuration changes, and only then", async () => {
    const checksum = (it: GraphView) => at(pod(it), "metadata", "annotations", "checksum/config");
    expect(checksum(await postgres())).toBe(checksum(graph));
    expect(checksum(await postgres({ role: "standby" }))).not.toBe(checksum(graph));
  });

  test("stays in its Service when only the exporter is broken", () => {
    expect(at(pod(graph), "spec", "containers", 1)).toMatchObject({ name: "exporter" });
    expect(at(pod(graph), "spec", "containers", 1, "readinessProbe")).toBeUndefined();
  });

  test("hands the password to the init container as a file, and to no other container", () => {
    const holders = [
      ...(at(pod(graph), "spec", "initContainers") as { name: string }[]),
      ...(at(pod(graph), "spec", "containers") as { name: string }[]),
    ].filter((container) => JSON.stringify(container).includes("postgres-secret"));
    expect(holders.map(({ name }) => name)).toEqual(["init"]);
  });

  test("gives recovery after a crash a quarter of an hour before it restarts the server", () => {
    const probe = at(pod(graph), "spec", "containers", 0, "startupProbe");
    expect(Number(at(probe, "periodSeconds")) * Number(at(probe, "failureThreshold"))).toBe(900);
  });

  test("is not evicted by a drain without a person's decision", () => {
    expect(at(only(graph, "PodDisruptionBudget").inputs, "spec", "maxUnavailable")).toBe(0);
  });

  test("fails when the memory is not a quantity", async () => {
    const resources = {
      ...postgresArgs.resources,
      limits: { ...postgresArgs.resources.limits, memory: "much" },
    };
    await expect(postgres({ resources })).rejects.toThrow(
      'postgres: memory must be a Kubernetes quantity such as 1Gi, got "much"',
    );
  });
});

describe("Migration", () => {
  test("is the same Job for the same content and another one for any change", async () => {
    const name = async (...args: Parameters<typeof migration>) =>
      objectName(only(await migration(...args), "Job"));
    const original = await name();
    expect(original).toMatch(/^db-migration-[0-9a-f]{10}$/);
    expect(await name()).toBe(original);
    expect(await name({ image: `images.test/migrations@sha256:${"b".repeat(64)}` })).not.toBe(
      original,
    );
    expect(await name({ schema: { min: 3, max: 5, target: 5 } })).not.toBe(original);
  });

  test("ends by itself, and is waited for a little longer than that", async () => {
    const job = only(await migration(), "Job");
    expect(at(job.inputs, "spec")).toMatchObject({ activeDeadlineSeconds: 120, backoffLimit: 2 });
    expect(job.options.createTimeout).toBe("180s");
  });

  test("stays as a record, and is replaced when it failed", async () => {
    const { inputs } = only(await migration(), "Job");
    expect(at(inputs, "spec", "ttlSecondsAfterFinished")).toBeUndefined();
    expect(at(inputs, "metadata", "annotations", "pulumi.com/replaceUnready")).toBe("true");
  });

  test("knows the release's schema window and target", async () => {
    const { inputs } = only(await migration(), "Job");
    expect(at(inputs, "spec", "template", "spec", "containers", 0, "env")).toEqual(
      expect.arrayContaining([
        { name: "SCHEMA_MIN", value: "3" },
        { name: "SCHEMA_MAX", value: "5" },
        { name: "SCHEMA_TARGET", value: "4" },
      ]),
    );
  });
});
