import { Migration } from "../../../components/migration.ts";
import type { Origin } from "../../../components/postgres/generation.ts";
import { Postgres } from "../../../components/postgres/postgres.ts";
import { RestoreGate } from "../../../components/postgres/restore-gate.ts";
import { PostgresRole } from "../../../components/postgres/role.ts";
import type { GraphView } from "../../../rehearsal/graph-view.ts";
import { migrationArgs, postgresArgs, postgresRoleArgs } from "../../support/args.ts";
import { at, declare, objectName, only } from "../../support/declare.ts";

const generations = [
  { number: 1, storage: "10Gi" },
  {
    number: 2,
    storage: "10Gi",
    from: { region: "eu-north-1", generation: 1, target: { point: "v1.4.0" } },
  },
] as const;

const readOnly = async (number: number): Promise<unknown> => {
  const graph = await declare(() => new PostgresRole("it", { ...postgresRoleArgs, generations }));
  const object = only(graph, "ConfigMap", `postgres-${String(number)}-config`);
  const config = at(object.inputs, "metadata", "annotations", "config") as string;
  return at(
    JSON.parse(config) as object,
    "postgresql",
    "parameters",
    "default_transaction_read_only",
  );
};

describe("a restore", () => {
  let graph: GraphView;
  beforeAll(async () => {
    graph = await declare(() => new Postgres("it", { ...postgresArgs, generations }));
  });

  test("stops whoever writes to the generation before, and nobody else", async () => {
    expect(await readOnly(1)).toBe("on");
    expect(await readOnly(2)).toBeUndefined();
  });

  test("counts what it took away while the generation before still stands", () => {
    const job = only(graph, "Job");
    expect(objectName(job)).toMatch(/^postgres-1-lost-rows-[0-9a-f]{10}$/);
    expect(graph.dependsOn(job)).toEqual(["it-2"]);
    expect(graph.dependsOn(only(graph, "StatefulSet", "postgres-1-eu-north-1"))).toContain(
      "it-lost-rows-2",
    );
    expect(variablesOf(at(job.inputs, "spec", "template", "spec", "containers", 0))).toMatchObject({
      OLD_MEMBERS: expect.stringMatching(/^postgres-1-eu-north-1-0\.postgres-members\.\S+ /),
      NEW_MEMBERS: expect.stringMatching(/^postgres-2-eu-north-1-0\.postgres-members\.\S+ /),
      OLD_GENERATION: "1",
      RESTORED_TO: "point v1.4.0",
    });
  });

  test("may file what it exports, and holds no other key of S3", () => {
    const mounts = at(only(graph, "Job").inputs, "spec", "template", "spec", "containers", 0);
    const names = JSON.stringify(at(mounts, "volumeMounts"));
    expect(names).toContain("archive-reports");
    expect(names).not.toContain("archive-own");
  });

  test("is migrated again: the same release on other data is another Job", async () => {
    const name = async (generation: number) =>
      objectName(
        only(await declare(() => new Migration("it", { ...migrationArgs, generation })), "Job"),
      );
    expect(await name(2)).not.toBe(await name(1));
  });
});

describe("the gate before a restore", () => {
  const from = { region: "eu-north-1", generation: 1, target: { point: "v1.4.0" } };
  const gate = (askedAt: string) =>
    declare(
      () =>
        new RestoreGate("it", {
          ...postgresArgs,
          ...{ generation: { number: 2, storage: "10Gi", from }, askedAt },
        }),
    );
  const asked = "2026-01-05T09:00:00.000Z";

  test("asks the script that restores, with the keys of both archives", async () => {
    const graph = await gate(asked);
    const job = only(graph, "Job");
    expect(objectName(job)).toMatch(/^postgres-2-restore-gate-[0-9a-f]{10}$/);
    expect(at(job.inputs, "spec", "backoffLimit")).toBe(0);
    const container = at(job.inputs, "spec", "template", "spec", "containers", 0);
    expect(at(container, "command")).toEqual(["/opt/lifeline/restore-generation.sh", "--check"]);
    expect(variablesOf(container)).toMatchObject({
      RESTORE_FROM_GENERATION: "1",
      RESTORE_TARGET_KIND: "point",
      RESTORE_TARGET: "v1.4.0",
      EARLIER_MEMBERS: expect.stringMatching(/^postgres-1-eu-north-1-0\./),
    });
    // A backup that is under way holds back other backups, and no restore.
    expect(at(job.inputs, "spec", "template", "metadata", "labels")).not.toHaveProperty(
      "lifeline/takes",
    );
    const volumes = at(job.inputs, "spec", "template", "spec", "volumes") as { name: string }[];
    expect(volumes.map(({ name }) => name).sort()).toEqual([
      "archive-own",
      "archive-peer",
      "database-tls",
      "postgres-secret",
      "settings",
      "tmp",
    ]);
    const files = at(only(graph, "ConfigMap").inputs, "data") as object;
    expect(Object.keys(files)).not.toContain("patroni.yml");
  });

  test("asks once, whatever changes later; another attempt asks again", async () => {
    const graph = await gate(asked);
    for (const kind of ["Job", "ConfigMap"]) {
      const { options } = only(graph, kind);
      expect(options.ignoreChanges).toEqual(expect.arrayContaining(["metadata", "spec"]));
      // In a region that is lost it is forgotten.
      expect(options.retainOnDelete).toBe(true);
    }
    const again = await gate("2026-01-05T09:30:00.000Z");
    expect(objectName(only(again, "Job"))).not.toBe(objectName(only(graph, "Job")));
    expect(objectName(only(again, "ConfigMap"))).not.toBe(objectName(only(graph, "ConfigMap")));
  });
});

test("a restore knows whom to ask for the end and the points of the generation before", async () => {
  const members = async (generation: number, target: Origin["target"]) => {
    const from = { region: "eu-north-1", generation, target };
    const graph = await declare(
      () =>
        new Postgres("it", {
          ...postgresArgs,
          generations: [...generations, { number: 3, storage: "10Gi", from }],
        }),
    );
    const { inputs } = only(graph, "StatefulSet", "postgres-3-eu-north-1");
    return variablesOf(at(inputs, "spec", "template", "spec", "containers", 0))["EARLIER_MEMBERS"];
  };
  expect(await members(2, { latest: true })).toMatch(
    /^postgres-2-eu-north-1-0\.postgres-members\.\S+:5432 postgres-2-eu-north-1-1\./,
  );
  expect(await members(2, { point: "v1.4.0" })).toBe(await members(2, { latest: true }));
  expect(await members(1, { latest: true })).toBeUndefined();
  expect(await members(2, { time: "2026-01-05T09:00:00Z" })).toBeUndefined();
});

function variablesOf(container: unknown): Record<string, string> {
  const variables = at(container, "env") as { name: string; value: string }[];
  return Object.fromEntries(variables.map(({ name, value }) => [name, value]));
}

test("a first generation lost nothing", async () => {
  const graph = await declare(() => new Postgres("it", postgresArgs));
  expect(() => only(graph, "Job")).toThrow();
});
