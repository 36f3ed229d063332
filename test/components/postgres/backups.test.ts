import { Backups } from "../../../components/postgres/backups.ts";
import type { GraphView } from "../../../rehearsal/graph-view.ts";
import { backupsArgs } from "../../support/args.ts";
import { all, at, declare, environment, objectName, only } from "../../support/declare.ts";

describe("Backups", () => {
  let graph: GraphView;
  beforeAll(async () => {
    graph = await declare(() => new Backups("it", backupsArgs));
  });
  const template = (name: string) =>
    at(only(graph, "CronJob", name).inputs, "spec", "jobTemplate", "spec", "template", "spec");

  test("runs each kind on its own schedule, and only those that have one", async () => {
    const schedules = (it: GraphView) =>
      all(it, "CronJob").map((job) => [objectName(job), at(job.inputs, "spec", "schedule")]);
    expect(schedules(graph)).toEqual([
      ["postgres-backup-full", "0 1 * * SUN"],
      ["postgres-backup-differential", "0 2 * * *"],
      ["postgres-restore-proof", "0 3 * * SUN"],
    ]);
    const hourly = { ...backupsArgs.schedules, incremental: "45 * * * *" };
    const more = await declare(() => new Backups("it", { ...backupsArgs, schedules: hourly }));
    expect(schedules(more)).toContainEqual(["postgres-backup-incremental", "45 * * * *"]);
  });

  test("never runs two at once, ends after an hour, tries three times more, and shows a week", () => {
    for (const { inputs } of all(graph, "CronJob")) {
      expect(at(inputs, "spec")).toMatchObject({
        timeZone: "Etc/UTC",
        suspend: false,
        concurrencyPolicy: "Forbid",
        successfulJobsHistoryLimit: 7,
        failedJobsHistoryLimit: 7,
        jobTemplate: { spec: { activeDeadlineSeconds: 3600, backoffLimit: 3 } },
      });
      // Below ten seconds the controller might never start it.
      expect(at(inputs, "spec", "startingDeadlineSeconds")).toBeGreaterThanOrEqual(10);
    }
  });

  test("tells the backup where the members are, and the other region's leader", () => {
    expect(at(template("postgres-backup-differential"), "containers", 0)).toMatchObject({
      command: ["/opt/lifeline/backup.sh", "diff"],
    });
    expect(environment(at(template("postgres-backup-full"), "containers", 0, "env"))).toMatchObject(
      {
        MEMBERS: [0, 1, 2]
          .map(
            (ordinal) => `postgres-1-eu-north-1-${String(ordinal)}.postgres-members.acme-test.svc`,
          )
          .join(" "),
        BACKUP_PORT: "8432",
        PEER_BACKUP: "db.west.acme.test:30843",
        RESTORE_WINDOW_DAYS: "30",
        MONTHLY_BACKUPS: "12",
        DEADLINE_SECONDS: "3600",
        PGBACKREST_CONFIG_INCLUDE_PATH: "/etc/lifeline/archive/own",
      },
    );
  });

  test.each(["postgres-backup-full", "postgres-backup-differential", "postgres-1-first-backup"])(
    "%s does not run beside another backup of the region",
    (name) => {
      const pod = name.endsWith("first-backup")
        ? at(only(graph, "Job").inputs, "spec", "template")
        : at(only(graph, "CronJob", name).inputs, "spec", "jobTemplate", "spec", "template");
      const [term, ...more] = at(
        pod,
        ...["spec", "affinity", "podAntiAffinity"],
        "requiredDuringSchedulingIgnoredDuringExecution",
      ) as { topologyKey: string; labelSelector: { matchLabels: Record<string, string> } }[];
      expect(more).toEqual([]);
      // Every node has it, with the same value.
      expect(term?.topologyKey).toBe("kubernetes.io/os");
      expect(at(pod, "metadata", "labels")).toMatchObject(term!.labelSelector.matchLabels);
    },
  );

  test("proves a restore with keys that can only read, into a volume that goes with the pod", () => {
    const proof = template("postgres-restore-proof");
    expect(environment(at(proof, "containers", 0, "env"))).toMatchObject({
      PGBACKREST_CONFIG_INCLUDE_PATH: "/etc/lifeline/archive/proof",
      REPORTS_FOLDER: "/etc/lifeline/archive/reports",
      MAX_RPO_SECONDS: "180",
      DATABASE_HOST: "postgres",
    });
    // The Job's own limit ends it.
    expect(environment(at(proof, "containers", 0, "env"))).not.toHaveProperty("DEADLINE_SECONDS");
    expect(JSON.stringify(proof)).not.toMatch(/archive-(own|peer)|database-tls\/tls.key/);
    expect(at(proof, "volumes")).toContainEqual({
      name: "data",
      ephemeral: {
        volumeClaimTemplate: {
          spec: {
            accessModes: ["ReadWriteOnce"],
            storageClassName: "fast",
            resources: { requests: { storage: "10Gi" } },
          },
        },
      },
    });
  });

  test("holds one volume for all attempts of a proof, and gives it back soon after", () => {
    const { inputs } = only(graph, "CronJob", "postgres-restore-proof");
    const job = at(inputs, "spec", "jobTemplate", "spec");
    expect(at(job, "template", "spec", "restartPolicy")).toBe("OnFailure");
    expect(at(job, "ttlSecondsAfterFinished")).toBe(600);
    const backup = only(graph, "CronJob", "postgres-backup-full").inputs;
    expect(JSON.stringify(backup)).not.toContain("ttlSecondsAfterFinished");
  });

  test("mounts no keys where roles open the archive", async () => {
    const args = { ...backupsArgs, archiveAccess: "webIdentity" } as const;
    const byRole = await declare(() => new Backups("it", args));
    expect(JSON.stringify(byRole.resources)).not.toContain("archive-reports");
    expect(JSON.stringify(graph.resources)).toContain("archive-reports");
  });

  test("takes a generation's first full backup as soon as it serves, and leaves the record of it", () => {
    const first = only(graph, "Job");
    expect(objectName(first)).toMatch(/^postgres-1-first-backup-[0-9a-f]{10}$/);
    expect(first.options).toMatchObject({ retainOnDelete: true, createTimeout: "3660s" });
    expect(at(first.inputs, "spec", "template", "spec", "containers", 0, "command")).toEqual([
      "/opt/lifeline/backup.sh",
      // Does nothing when there is one already, so that a Job of other content costs nothing.
      "first",
    ]);
  });

  test.each(["postgres-backup-full", "postgres-restore-proof"])(
    "gives %s no rights in the cluster",
    (name) => {
      expect(at(template(name), "automountServiceAccountToken")).toBe(false);
      expect(JSON.stringify(template(name))).not.toContain("serviceAccountToken");
    },
  );
});
