import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { jest } from "@jest/globals";
import type { V1PersistentVolumeClaim, V1Pod } from "@kubernetes/client-node";
import { openCertificateAuthority } from "../../rehearsal/certificate-authority.ts";
import { containerId, killProcesses } from "../../rehearsal/faults/containers.ts";
import { during } from "../../rehearsal/faults/fault.ts";
import { cutPod, killContainer } from "../../rehearsal/faults/pods.ts";
import {
  leaveS3Unanswered,
  overloadS3,
  refuseS3,
  resetS3,
  revokeAccounts,
  silenceS3,
} from "../../rehearsal/faults/s3.ts";
import { fillVolume } from "../../rehearsal/faults/volume.ts";
import { engineFolder } from "../../rehearsal/paths.ts";
import type { Ground } from "../../rehearsal/ground.ts";
import { cutLink, healLink } from "../../rehearsal/regions/regions.ts";
import { type RegionKey, topology } from "../../rehearsal/regions/topology.ts";
import { clusterOf } from "../../rehearsal/verify.ts";
import {
  allArchived,
  archivedSegments,
  gaps,
  measured,
  switchWal,
  until,
} from "./support/archives.ts";
import { rehearsal } from "./support/rehearsal.ts";
import {
  certificateEnds,
  changePassword,
  endSessions,
  hurryKubelets,
  password,
} from "./support/rotation.ts";
import { SecondCluster } from "./support/second-cluster.ts";
import { type Trial, Trials } from "./support/trials.ts";
import { type TwoDatabases, isReady } from "./support/two-databases.ts";

/** What the running database does when what it stands on breaks; docs/faults.md shows the same as a table. */

jest.setTimeout(45 * 60_000);

const { a, b } = topology;
const keys: readonly RegionKey[] = ["a", "b"];
/** More segments than this waiting is the condition of the alert WalArchiveBacklog. */
const backlog = 32;

let ground: Ground;
let databases: TwoDatabases;
let trials: Trials;

beforeAll(async () => {
  ({ ground, databases } = await rehearsal());
  trials = new Trials(databases);
});

afterAll(() => {
  process.stderr.write(`${trials.table.join("\n")}\n`);
});

const leaderOf = async (key: RegionKey): Promise<string> =>
  (await databases.leader(key)).metadata?.name ?? "";

/** A trial in which the leader stays, nobody waits for long, and both archives are whole afterwards. */
async function undisturbed(name: string, fault: () => Promise<void>): Promise<Trial> {
  const leader = await leaderOf("a");
  const trial = await trials.under(name, async () => {
    await fault();
    await allArchived(databases);
  });
  expect(trial.missing).toBe(0);
  // A failover takes longer.
  expect(trial.gapSeconds).toBeLessThan(10);
  expect(await leaderOf("a")).toBe(leader);
  for (const key of keys) expect(await gaps(databases, key)).toEqual([]);
  return trial;
}

/** Segments that wait for the archive. */
const waiting = async (key: RegionKey): Promise<number> =>
  (await measured(databases, key, await leaderOf(key)))("wal_ready_count");

/** Makes a segment a second, which the volume has room for: for so long, and until so many wait. */
async function fill(seconds: number, segments = 0): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end || !((await waiting("a").catch(() => 0)) >= segments)) {
    await switchWal(databases).catch(() => undefined);
    await sleep(1000);
  }
}

const killArchiver = async (): Promise<boolean> =>
  (await killProcesses(a, await containerId(a, await leaderOf("a"), "postgres"), /archive-push/)) >
  0;

/** What an archive can do to the leader that writes to it, one after the other. */
async function failInTurn(): Promise<void> {
  await during(silenceS3(a), async () => {
    await fill(1);
    await until("an archiver was killed before its file was stored", 20, killArchiver);
    await fill(60, backlog + 1);
  });
  await until("no WAL waits", 120, async () => (await waiting("a")) === 0);
  await during(leaveS3Unanswered(a), async () => {
    const wal = await switchWal(databases);
    await until(`${wal} is stored`, 60, async () =>
      (await archivedSegments(databases, "a")).has(wal),
    );
    await until("an archiver was killed after its file was stored", 20, killArchiver);
  });
  for (const fault of [overloadS3, resetS3, (region: typeof a) => revokeAccounts(region, ["own"])])
    await during(fault(a), () => fill(15));
}

/** A member of the active region that no commit waits for. */
async function spare(): Promise<V1Pod> {
  const asynchronous =
    "SELECT application_name FROM pg_stat_replication WHERE sync_state = 'async'";
  const names = (await databases.query("a", asynchronous)).split("\n");
  const found = (await databases.members("a")).find(({ metadata }) =>
    names.includes(metadata?.name ?? ""),
  );
  if (found === undefined) throw new Error(`no member of a among ${names.join(", ")}`);
  return found;
}

/** Has a follower become a leader of its own, with a table that nobody else has. */
async function leadAstray(stray: string): Promise<void> {
  // Patroni takes it back within seconds: what it writes has to follow at once, in a transaction of its own.
  const write = "CREATE TABLE IF NOT EXISTS stray AS SELECT generate_series(1, 1000)";
  await until("it has written for itself", 60, async () => {
    await databases.query("a", "SELECT pg_promote()", stray, write);
    return true;
  });
  await until("it is no member any more", 60, async () => {
    const pod = (await databases.members("a")).find(({ metadata }) => metadata?.name === stray);
    return pod !== undefined && !isReady(pod);
  });
}

describe("an archive that fails", () => {
  it("in every way, in 5 minutes in which the other region is cut off and a follower astray, is seen by no user, and all of it heals", async () => {
    const stray = (await spare()).metadata?.name ?? "";
    await undisturbed("standby region cut off for 5 min, archive failing, one astray", async () => {
      const since = performance.now();
      await cutLink("b");
      try {
        await leadAstray(stray);
        await failInTurn();
        await sleep(Math.max(0, 300_000 - (performance.now() - since)));
      } finally {
        await healLink("b");
      }
      await databases.healthy("a");
      expect(await databases.query("a", "SELECT to_regclass('stray') IS NULL", stray)).toBe("t");
    });
  });

  it("in the other region does not hold up the own one", async () => {
    await undisturbed("the standby region's S3 refuses", () =>
      during(refuseS3(b), async () => {
        await fill(10);
        await until("no WAL waits in a", 60, async () => (await waiting("a")) === 0);
      }),
    );
  });
});

describe("what is killed", () => {
  it("agent and backup server: they come back, and the users see nothing", async () => {
    const listens = ["timeout", "2", "bash", "-c", "</dev/tcp/localhost/8432"];
    await undisturbed("agent and backup server killed", async () => {
      const pod = await leaderOf("a");
      for (const container of ["agent", "pgbackrest"])
        await killContainer("a", await containerId(a, pod, container));
      await until("both are back", 60, async () => {
        await databases.exec("a", pod, "postgres", listens);
        return (await measured(databases, "a", pod))('role{role="leader"}') === 1;
      });
    });
  });
});

describe("a full volume", () => {
  it("of the leader costs no row: it lives on the WAL that it has, starts anew, or another member leads", async () => {
    const server = async () =>
      `${await leaderOf("a")} since ${await databases.query("a", "SELECT pg_postmaster_start_time()")}`;
    const before = await server();
    const volume = `data-${await leaderOf("a")}`;
    const claim = await databases.kubectl("a", ["get", "pvc", volume, "-o", "json"]);
    const trial = await trials.under("leader's volume full", async () => {
      const full = fillVolume(a, JSON.parse(claim) as V1PersistentVolumeClaim, 2 ** 20);
      await during(full, async () => {
        const rows =
          "CREATE TABLE large AS SELECT repeat('x', 1000) FROM generate_series(1, 50000)";
        await expect(databases.query("a", rows)).rejects.toThrow(
          /No space left on device|server closed the connection|crash of another server process/,
        );
        await fill(40);
      });
      // The agent has a member that does not come back made anew, after 5 minutes.
      await databases.healthy("a", 600);
      await allArchived(databases);
    });
    trials.table.push(`leader's volume full: ${before} before, ${await server()} after`);
    expect(trial.missing).toBe(0);
    expect(trial.gapSeconds).toBeLessThan(60);
    for (const key of keys) expect(await gaps(databases, key)).toEqual([]);
  });
});

describe("followers", () => {
  it("beyond the WAL that is kept for them, or without their volume, follow again by themselves", async () => {
    const lost =
      "SELECT count(*) FILTER (WHERE wal_status = 'lost') FROM pg_replication_slots WHERE NOT active";
    await undisturbed("a member and the other region lag beyond the bound", async () => {
      const heal = await cutPod("a", (await spare()).status?.podIP ?? "");
      await cutLink("b");
      try {
        await until("their slots are given up", 240, async () => {
          await databases.query(
            "a",
            "SELECT count(pg_logical_emit_message(false, 'fault', repeat('x', 1000000))) FROM generate_series(1, 32)",
          );
          return (await databases.query("a", `CHECKPOINT; ${lost}`)) === "2";
        });
      } finally {
        await heal();
        await healLink("b");
      }
      const anew = (await databases.members("b")).at(-1)?.metadata?.name ?? "";
      await databases.kubectl("b", ["delete", "pvc", `data-${anew}`, "--wait=false"]);
      await databases.kubectl("b", ["delete", "pod", anew, "--wait=false"]);
      await sleep(5000);
      await databases.healthy("a");
    });
  });
});

describe("the first start", () => {
  it("is made again when its member was killed in the middle", async () => {
    const second = new SecondCluster(databases, ground.kubectl);
    await second.make();
    try {
      await until("the cluster is being made", 60, async () => (await second.initialize()) === "");
      await killContainer("a", await containerId(a, second.member, "postgres"));
      expect(await second.initialize()).toBe("");
      await until("the cluster is made", 120, async () => {
        const answer = await databases.query("a", "SELECT NOT pg_is_in_recovery()", second.member);
        return answer === "t" && /^\d+$/.test((await second.initialize()) ?? "");
      });
    } finally {
      await second.remove();
    }
  });
});

describe("rotation", () => {
  it("of certificates reaches every service of every member under writes", async () => {
    const clusters = ground.places.map(({ context }) => clusterOf(ground, context));
    const authority = await openCertificateAuthority(engineFolder, clusters, () => undefined);
    const latest = Math.max(...(await certificateEnds(databases)));
    authority.start();
    try {
      await undisturbed("certificates renewed", async () => {
        for (const key of keys) await databases.kubectl(key, ["delete", "secret", "database-tls"]);
        await sleep(5000);
        await hurryKubelets(databases);
        await until("every service presents the new one", 240, async () =>
          (await certificateEnds(databases)).every((end) => end > latest),
        );
      });
    } finally {
      await authority.stop();
    }
  });

  it("of the database's password loses nothing, and new sessions use it", async () => {
    const old = await password(databases);
    const other = Buffer.from(randomUUID()).toString("base64");
    await undisturbed("password changed and changed back", async () => {
      for (const next of [other, old]) {
        await changePassword(databases, next);
        await endSessions(databases);
        await sleep(5000);
      }
    });
  });
});
