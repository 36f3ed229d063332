import { Backups } from "../../components/postgres/backups.ts";
import { DatabaseCertificates } from "../../components/database-certificates.ts";
import { Migration } from "../../components/migration.ts";
import type { PostgresArgs } from "../../components/postgres/postgres.ts";
import { Postgres } from "../../components/postgres/postgres.ts";
import { PostgresRole } from "../../components/postgres/role.ts";
import { WritableGate } from "../../components/writable-gate.ts";
import type { GraphView } from "../../rehearsal/graph-view.ts";
import {
  backupsArgs,
  databaseCertificatesArgs,
  migrationArgs,
  postgresArgs,
  postgresRoleArgs,
  writableGateArgs,
} from "../support/args.ts";
import { all, at, declare, objectName, only } from "../support/declare.ts";

const postgres = (overrides: Partial<PostgresArgs> = {}) =>
  declare(() => new Postgres("it", { ...postgresArgs, ...overrides }));
const migration = (overrides: Partial<typeof migrationArgs> = {}) =>
  declare(() => new Migration("it", { ...migrationArgs, ...overrides }));

const pod = (graph: GraphView, name?: string) =>
  at(only(graph, "StatefulSet", name).inputs, "spec", "template");
const containers = (graph: GraphView) =>
  at(pod(graph), "spec", "containers") as { name: string; env?: Variable[] }[];
const environment = (variables: unknown) =>
  Object.fromEntries((variables as Variable[]).map(({ name, value }) => [name, value]));

interface Variable {
  readonly name: string;
  readonly value?: string;
}

const labels = {
  "app.kubernetes.io/name": "postgres",
  "app.kubernetes.io/component": "database",
  "postgres-cluster": "postgres-1",
};

describe("PostgresRole", () => {
  const follow = { host: "db.west.acme.test", port: 30432 };
  const config = (graph: GraphView) =>
    JSON.parse(
      String(at(only(graph, "ConfigMap").inputs, "metadata", "annotations", "config")),
    ) as object;

  test("owns one annotation of the ConfigMap that Patroni finds by its labels", async () => {
    const graph = await declare(() => new PostgresRole("it", postgresRoleArgs));
    const { inputs } = only(graph, "ConfigMap", "postgres-1-config");
    expect(at(inputs, "metadata", "labels")).toMatchObject(labels);
    expect(at(inputs, "data")).toBeUndefined();
    expect(Object.keys(at(inputs, "metadata", "annotations") as object)).toEqual([
      "config",
      // Not the object's: what the engine does with a conflict.
      "pulumi.com/patchForce",
    ]);
  });

  test("keeps what Patroni knows about the cluster, whatever happens to the program", async () => {
    const graph = await declare(() => new PostgresRole("it", postgresRoleArgs));
    expect(only(graph, "ConfigMap").options).toMatchObject({ protect: true, retainOnDelete: true });
  });

  test("follows the other region where it does not write, and else nobody", async () => {
    const standby = await declare(() => new PostgresRole("it", { ...postgresRoleArgs, follow }));
    const primary = await declare(() => new PostgresRole("it", postgresRoleArgs));
    expect(config(standby)).toMatchObject({ standby_cluster: follow });
    expect(config(primary)).not.toHaveProperty("standby_cluster");
  });

  test("says it for every generation", async () => {
    const generations = [
      { number: 1, storage: "10Gi" },
      { number: 2, storage: "20Gi" },
    ];
    const graph = await declare(() => new PostgresRole("it", { ...postgresRoleArgs, generations }));
    expect(all(graph, "ConfigMap").map(objectName)).toEqual([
      "postgres-1-config",
      "postgres-2-config",
    ]);
  });
});

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
      NAMESPACE: "acme-test",
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
      S3_PROBE_PEER: "s3.eu-west-1.amazonaws.com:443",
    });
    expect(container?.env).toContainEqual({
      name: "POD_NAME",
      valueFrom: { fieldRef: { fieldPath: "metadata.name" } },
    });
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
        allocateLoadBalancerNodePorts: false,
        loadBalancerSourceRanges: ["10.2.0.0/16"],
      });
    }
  });

  describe("restored", () => {
    let restored: GraphView;
    beforeAll(async () => {
      restored = await postgres({
        generations: [
          { number: 1, storage: "10Gi" },
          {
            number: 2,
            storage: "20Gi",
            from: { region: "eu-west-1", generation: 1, target: { point: "v1.4.0" } },
          },
        ],
      });
    });

    test("runs beside the old data until it serves, and then the old members go, without their volumes", () => {
      const [before, after] = ["postgres-1-eu-north-1", "postgres-2-eu-north-1"].map((name) =>
        only(restored, "StatefulSet", name),
      );
      expect(at(before?.inputs, "spec", "replicas")).toBe(0);
      expect(at(after?.inputs, "spec", "replicas")).toBe(3);
      const client = only(restored, "Service", "postgres");
      expect(at(client.inputs, "spec", "selector", "postgres-cluster")).toBe("postgres-2");
      expect(restored.dependsOn(client)).toEqual(["it-2"]);
      expect(before === undefined ? [] : restored.dependsOn(before)).toContain("it-service");
    });

    test("says to its script what to restore, and to the old one nothing", () => {
      const told = (name: string) =>
        environment(at(pod(restored, name), "spec", "containers", 0, "env"));
      expect(told("postgres-2-eu-north-1")).toMatchObject({
        GENERATION: "2",
        RESTORE_FROM_REGION: "eu-west-1",
        RESTORE_FROM_GENERATION: "1",
        RESTORE_TARGET_KIND: "point",
        RESTORE_TARGET: "v1.4.0",
      });
      expect(told("postgres-1-eu-north-1")).not.toHaveProperty("RESTORE_FROM_REGION");
    });

    test("changes nothing about the old members but their number", () => {
      const old = structuredClone(only(restored, "StatefulSet", "postgres-1-eu-north-1").inputs);
      const serving = structuredClone(only(graph, "StatefulSet").inputs);
      expect({ ...old, spec: { ...(old["spec"] as object), replicas: 3 } }).toEqual(serving);
    });

    test("has rights on both", () => {
      const rules = JSON.stringify(at(only(restored, "Role").inputs, "rules"));
      expect(rules).toContain("postgres-1-leader");
      expect(rules).toContain("postgres-2-leader");
      expect(rules).toContain("postgres-2-eu-north-1-2");
    });
  });

  test("fails without a generation", async () => {
    await expect(postgres({ generations: [] })).rejects.toThrow(
      "it: generations must have an entry, got none",
    );
  });
});

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

  test("proves a restore with keys that can only read, into a volume that goes with the pod", () => {
    const proof = template("postgres-restore-proof");
    expect(environment(at(proof, "containers", 0, "env"))).toMatchObject({
      PGBACKREST_CONFIG_INCLUDE_PATH: "/etc/lifeline/archive/proof",
      REPORTS_FOLDER: "/etc/lifeline/archive/reports",
      MAX_RPO_SECONDS: "180",
      DATABASE_HOST: "postgres",
    });
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

describe("DatabaseCertificates", () => {
  test("names everything that the database is reached by, and nothing else", async () => {
    const graph = await declare(() => new DatabaseCertificates("it", databaseCertificatesArgs));
    expect(at(only(graph, "Certificate", "database-tls").inputs, "spec")).toMatchObject({
      secretName: "database-tls",
      commonName: "database",
      dnsNames: [
        "localhost",
        "postgres",
        "postgres.acme-test",
        "postgres.acme-test.svc",
        "*.postgres-members.acme-test.svc",
        "*.postgres-members.acme-test.svc.cluster.local",
        "db.north.acme.test",
        "api.north.acme.test",
      ],
      issuerRef: { kind: "Issuer", name: "database-ca" },
      usages: ["digital signature", "server auth", "client auth"],
    });
    expect(at(only(graph, "Issuer").inputs, "spec")).toEqual({ ca: { secretName: "database-ca" } });
  });

  test("waits for both, the Issuer first", async () => {
    const graph = await declare(() => new DatabaseCertificates("it", databaseCertificatesArgs));
    for (const kind of ["Issuer", "Certificate"]) {
      expect(at(only(graph, kind).inputs, "metadata", "annotations")).toEqual({
        "pulumi.com/waitFor": "condition=Ready",
      });
    }
    expect(graph.dependsOn(only(graph, "Certificate"))).toContain("it-issuer");
  });
});

describe("WritableGate", () => {
  let graph: GraphView;
  beforeAll(async () => {
    graph = await declare(() => new WritableGate("it", writableGateArgs));
  });

  test("ends before the engine gives up on it, and is forgotten rather than deleted", () => {
    const job = only(graph, "Job");
    expect(job.options).toMatchObject({ retainOnDelete: true, createTimeout: "180s" });
    expect(at(job.inputs, "spec")).toMatchObject({ activeDeadlineSeconds: 120, backoffLimit: 0 });
    const [container] = at(job.inputs, "spec", "template", "spec", "containers") as unknown[];
    expect(at(container, "command")).toEqual(["/opt/lifeline/writable.sh"]);
    expect(environment(at(container, "env"))).toMatchObject({
      DEADLINE_SECONDS: "90",
      PGSSLMODE: "verify-full",
    });
  });

  test("is asked again in each turn of the region: the Job of an earlier one answers for nothing", () => {
    expect(objectName(only(graph, "Job"))).toMatch(/^writable-[0-9a-f]{10}-00000000$/);
    // Made with the gate and, since nothing keeps it, made anew with the next one.
    expect(only(graph, "RandomId").options).toMatchObject({ protect: false });
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
