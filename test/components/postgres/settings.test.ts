import { parse } from "yaml";

import type { ClusterConfigArgs } from "../../../components/postgres/cluster-config.ts";
import { clusterConfig } from "../../../components/postgres/cluster-config.ts";
import { patroniYml } from "../../../components/postgres/patroni-yml.ts";
import { memberConf, peerConf } from "../../../components/postgres/pgbackrest-conf.ts";
import { settingsOf } from "../../../components/postgres/settings.ts";
import { postgresArgs } from "../../support/args.ts";
import { at } from "../../support/declare.ts";

describe("Patroni's dynamic configuration", () => {
  const config = (overrides: Partial<ClusterConfigArgs> = {}) =>
    clusterConfig({ memory: "8Gi", storage: "100Gi", ...overrides });
  const follow = { host: "db.north.acme.test", port: 30432 };

  test("differs between the roles in the standby cluster alone", () => {
    const { standby_cluster, ...rest } = config({ follow });
    expect(rest).toEqual(config());
    expect(standby_cluster).toEqual({
      host: "db.north.acme.test",
      port: 30432,
      primary_slot_name: "peer",
      create_replica_methods: ["pgbackrest", "basebackup"],
      restore_command: '/opt/lifeline/archive-get.sh %f "%p"',
    });
  });

  test("keeps Patroni's own rule about its times, which it would else change silently", () => {
    const { ttl, loop_wait, retry_timeout } = config();
    expect(ttl).toBeGreaterThanOrEqual(20);
    expect(loop_wait + 2 * retry_timeout).toBeLessThanOrEqual(ttl);
  });

  test("waits for a second member at each commit, and keeps the other region's slot in both roles", () => {
    expect(config({ follow })).toMatchObject({
      synchronous_mode: true,
      failsafe_mode: true,
      slots: { peer: { type: "physical", cluster_type: "primary" } },
    });
  });

  test("lets every member archive, by a script that knows who does, at least every minute", () => {
    expect(config().postgresql.parameters).toMatchObject({
      archive_mode: "always",
      // The last word is there for pgBackRest, which looks for its own name in the command.
      archive_command: '/opt/lifeline/archive-push.sh "%p" "%f" pgbackrest',
      archive_timeout: "60s",
    });
  });

  test("sizes memory by the container's limit, and what piles up by the volume", () => {
    expect(config().postgresql.parameters).toMatchObject({
      shared_buffers: "2048MB",
      effective_cache_size: "5734MB",
      max_slot_wal_keep_size: "20480MB",
      max_wal_size: "4096MB",
      wal_keep_size: "1024MB",
    });
    expect(config({ storage: "2Gi" }).postgresql.parameters).toMatchObject({
      max_slot_wal_keep_size: "409MB",
      max_wal_size: "204MB",
      wal_keep_size: "102MB",
    });
  });

  test("never logs a statement that failed, which may hold a password", () => {
    expect(config().postgresql.parameters.log_min_error_statement).toBe("panic");
  });

  test.each([
    ["memory", "8 GB"],
    ["storage", "much"],
  ])("fails when %s is not a quantity", (name, value) => {
    expect(() => config({ [name]: value })).toThrow(
      `postgres: ${name} must be a Kubernetes quantity such as 1Gi, got "${value}"`,
    );
  });
});

describe("patroni.yml", () => {
  const text = (restores = false) =>
    patroniYml({ generation: 2, restores, database: "acme", user: "acme_user" });
  const yml = (restores = false) => parse(text(restores)) as object;

  test("finds its cluster by the labels that the program writes", () => {
    expect(yml()).toMatchObject({
      scope: "postgres-2",
      kubernetes: {
        use_endpoints: false,
        labels: {
          "app.kubernetes.io/name": "postgres",
          "app.kubernetes.io/component": "database",
        },
        scope_label: "postgres-cluster",
        role_label: "postgres-role",
        leader_label_value: "leader",
        standby_leader_label_value: "leader",
        follower_label_value: "replica",
      },
    });
  });

  test("lets nobody in over the network without TLS, and nodes by certificate only", () => {
    const rules = (at(yml(), "postgresql", "pg_hba") as string[]).map((rule) => rule.split(" "));
    expect(rules.filter(([type]) => type !== "local")).toEqual([
      ["hostssl", "replication", "replicator_2", "all", "cert", "map=member"],
      ["hostssl", "postgres", "rewinder_2", "all", "cert", "map=member"],
      ["hostssl", "acme", "acme_user", "all", "scram-sha-256"],
    ]);
    const local = rules.filter(([type]) => type === "local");
    expect(new Set(local.map(([, , , method]) => method))).toEqual(new Set(["peer"]));
  });

  test("maps the pod's user and the members' certificate to exactly the roles they need", () => {
    expect(at(yml(), "postgresql", "pg_ident")).toEqual([
      "pod lifeline postgres",
      "pod lifeline exporter",
      "pod lifeline replicator_2",
      "member database replicator_2",
      "member database rewinder_2",
    ]);
  });

  test("admits no member of another generation", () => {
    expect(text(true)).toMatch(/hostssl replication replicator_2 .*cert/);
    expect(text(true)).not.toMatch(/(replicator|rewinder)_1/);
  });

  test("knows every server by the name in its certificate, and no password of any node", () => {
    for (const role of ["replication", "rewind"]) {
      expect(at(yml(), "postgresql", "authentication", role, "sslmode")).toBe("verify-full");
    }
    expect(text()).not.toMatch(/password/i);
  });

  test("asks before it promotes, and writes checksums from the first page on", () => {
    expect(at(yml(), "postgresql", "pre_promote")).toBe("/opt/lifeline/may-promote.py");
    expect(at(yml(), "bootstrap", "initdb")).toContain("data-checksums");
    expect(at(yml(), "bootstrap", "post_bootstrap")).toBe("/opt/lifeline/post-bootstrap.sh");
  });

  test("begins with a restore where the generation does, and only there", () => {
    expect(at(yml(true), "bootstrap")).toMatchObject({
      method: "restore",
      restore: { command: "/opt/lifeline/restore-generation.sh", no_params: true },
    });
    expect(at(yml(), "bootstrap", "method")).toBeUndefined();
  });
});

describe("pgbackrest.conf", () => {
  const repository = {
    archive: { bucket: "acme-archive-eu-north-1", region: "eu-north-1" },
    access: "webIdentity",
    ownAuthority: false,
    generation: 2,
  } as const;

  test("keeps each generation in a folder of its own, compressed and encrypted", () => {
    expect(memberConf(repository).split("\n")).toEqual(
      expect.arrayContaining([
        "repo1-path=/postgres-2",
        "repo1-cipher-type=aes-256-cbc",
        "compress-type=zst",
        "repo1-s3-endpoint=s3.eu-north-1.amazonaws.com",
        "repo1-s3-key-type=web-id",
      ]),
    );
  });

  test("speaks to an S3 server of one's own by path, with the authority that is given", () => {
    const archive = { ...repository.archive, endpoint: "s3.acme.test:9000" };
    const conf = memberConf({ ...repository, archive, access: "keys", ownAuthority: true });
    expect(conf.split("\n")).toEqual(
      expect.arrayContaining([
        "repo1-s3-endpoint=s3.acme.test:9000",
        "repo1-s3-uri-style=path",
        "repo1-storage-ca-file=/etc/lifeline/postgres/storage-ca.pem",
      ]),
    );
    expect(conf).not.toContain("key-type");
  });

  test.each([
    ["the member's", memberConf],
    ["the peer's", peerConf],
  ])("%s never drops WAL, expires nothing by itself and holds no secret", (_, conf) => {
    const text = conf(repository);
    expect(text).not.toMatch(/queue-max|cipher-pass|s3-key=|s3-key-secret/);
    expect(text).toContain("expire-auto=n");
    expect(text).toContain("archive-mode-check=n");
  });

  test("serves only who has the members' certificate", () => {
    expect(memberConf(repository)).toContain("tls-server-auth=database=main");
    expect(peerConf(repository)).not.toContain("tls-server");
  });
});

test("the settings lead to this region's archive, and to the other's for reading", () => {
  const files = settingsOf({ ...postgresArgs, generation: { number: 1, storage: "10Gi" } });
  expect(Object.keys(files).sort()).toEqual([
    "patroni.yml",
    "pgbackrest-peer.conf",
    "pgbackrest.conf",
    "storage-ca.pem",
  ]);
  expect(files["pgbackrest.conf"]).toContain("acme-archive-eu-north-1");
  expect(files["pgbackrest-peer.conf"]).toContain("acme-archive-eu-west-1");
  expect(files["storage-ca.pem"]).toBe("");
});
