import { Migration } from "../../components/migration.ts";
import { migrationArgs } from "../support/args.ts";
import { at, declare, environment, objectName, only } from "../support/declare.ts";

const migration = (overrides: Partial<typeof migrationArgs> = {}) =>
  declare(() => new Migration("it", { ...migrationArgs, ...overrides }));

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
    // Restored data may come from before what this release has already migrated once.
    expect(await name({ generation: 2 })).not.toBe(original);
    // A later release may have changed the schema since this one was last brought out.
    expect(await name({ deployment: 8 })).not.toBe(original);
  });

  test("ends by itself, and is waited for a little longer than that", async () => {
    const job = only(await migration(), "Job");
    expect(at(job.inputs, "spec")).toMatchObject({ activeDeadlineSeconds: 120, backoffLimit: 1 });
    expect(job.options.createTimeout).toBe("180s");
  });

  test("stays as a record, and is replaced when it failed", async () => {
    const { inputs } = only(await migration(), "Job");
    expect(at(inputs, "spec", "ttlSecondsAfterFinished")).toBeUndefined();
    expect(at(inputs, "metadata", "annotations", "pulumi.com/replaceUnready")).toBe("true");
  });

  test("takes a restore point, named by the release, and waits for it before it changes anything", async () => {
    const { inputs, options } = only(await migration(), "Job");
    const point = at(inputs, "spec", "template", "spec", "initContainers", 0);
    expect(at(point, "command")).toEqual(["/opt/lifeline/restore-point.sh", "v1.2.3"]);
    expect(environment(at(point, "env"))).toMatchObject({
      PEER_POSTGRES: "db.west.acme.test:30432",
      DEADLINE_SECONDS: "60",
      PGSSLMODE: "verify-full",
    });
    // After a move the region may be lost.
    expect(options.retainOnDelete).toBe(true);
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
