import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { jest } from "@jest/globals";
import { cutPod, killContainer, killRegion } from "../../rehearsal/faults/pods.ts";
import { type Ground, prepareGround } from "../../rehearsal/ground.ts";
import {
  type Ledger,
  longestGapSeconds,
  lossSeconds,
  missingFrom,
  rowsOf,
  startWriter,
} from "../../rehearsal/ledger.ts";
import { kubeconfigFile, runFolder } from "../../rehearsal/paths.ts";
import { cutLink, healLink } from "../../rehearsal/regions/regions.ts";
import { type RegionKey, productHost, topology } from "../../rehearsal/regions/topology.ts";
import { lifeline } from "./support/lifeline.ts";
import { TwoDatabases } from "./support/two-databases.ts";

/** The first run may build every tool. */
jest.setTimeout(45 * 60_000);

const keys: readonly RegionKey[] = ["a", "b"];
/** How each trial went, shown at the end. */
const table: string[] = [];
let ground: Ground;
let databases: TwoDatabases;

beforeAll(async () => {
  if (process.env["CI"] === "true") await lifeline(["stop"]);
  if (existsSync(kubeconfigFile)) {
    throw new Error(
      `a rehearsal is there already (${runFolder}): these tests would destroy it. Fix: npm run stop`,
    );
  }
  const report = mkdtempSync(join(tmpdir(), "lifeline-report-"));
  const { code, output } = await lifeline(["start", "--report", report]);
  if (code !== 0) throw new Error(output);
  ground = await prepareGround(new AbortController().signal);
  databases = new TwoDatabases(ground);
  await databases.healthy("a");
});

afterAll(async () => {
  process.stderr.write(`${table.join("\n")}\n`);
  await lifeline(["stop"]);
});

const writer = () => {
  const authority = readFileSync(join(runFolder, "engine", "certificate-authority.crt"), "utf8");
  const entries = keys.map((key) => ({
    address: topology[key].ip,
    port: 443,
    host: productHost,
    authority,
  }));
  return startWriter({ entries });
};

interface Trial {
  readonly acknowledged: number;
  readonly missing: number;
  readonly lossSeconds: number;
  readonly gapSeconds: number;
}

/** Writes before, during and after a fault, then compares what was acknowledged with what the writing region has. */
async function under(
  name: string,
  fault: () => Promise<void>,
  active: RegionKey = "a",
): Promise<Trial> {
  const writing = writer();
  let ledger: Ledger;
  try {
    await sleep(3000);
    await fault();
    const healthySeconds = await databases.healthy(active);
    const before = writing.count();
    await sleep(3000);
    if (writing.count() === before) throw new Error("nothing is acknowledged after the fault");
    table.push(`${name}: healthy after ${healthySeconds.toFixed(0)} s more`);
  } finally {
    ledger = await writing.stop();
  }
  const missing = missingFrom(ledger, await databases.rows(active, rowsOf(ledger)));
  const trial = {
    acknowledged: ledger.acknowledged.length,
    missing: missing.length,
    lossSeconds: lossSeconds(missing),
    gapSeconds: longestGapSeconds(ledger),
  };
  table.push(
    `${name}: ${String(trial.acknowledged)} acknowledged, ${String(trial.missing)} missing (${trial.lossSeconds.toFixed(1)} s), ${trial.gapSeconds.toFixed(1)} s without writes`,
  );
  // What one region has acknowledged the other has, too, once it follows.
  const other = active === "a" ? "b" : "a";
  const lacking = async () => missingFrom(ledger, await databases.rows(other, rowsOf(ledger)));
  // A member that had to rewind is a moment behind.
  for (let turn = 0; turn < 60 && (await lacking()).length > missing.length; turn += 1)
    await sleep(2000);
  expect((await lacking()).length).toBe(missing.length);
  return trial;
}

const containerOf = (key: RegionKey): string =>
  databases.leader(key).status?.containerStatuses?.find(({ name }) => name === "postgres")
    ?.containerID ?? "";

describe("inside the active region", () => {
  it("loses nothing and is back within 30 s when the leader's pod is deleted", async () => {
    const trial = await under("leader's pod deleted", async () => {
      const leader = databases.leader("a").metadata?.name ?? "";
      databases.kubectl("a", ["delete", "pod", leader, "--wait=false"]);
      await sleep(5000);
    });
    expect(trial.missing).toBe(0);
    expect(trial.gapSeconds).toBeLessThan(30);
  });

  it("loses nothing and is back within 30 s when the leader is killed", async () => {
    const trial = await under("leader killed", async () => {
      await killContainer("a", containerOf("a"));
      await sleep(5000);
    });
    expect(trial.missing).toBe(0);
    expect(trial.gapSeconds).toBeLessThan(30);
  });

  it("loses nothing when the leader's network is cut for 60 s, and the leader comes back as a follower", async () => {
    const before = databases.leader("a");
    const trial = await under("leader's network cut for 60 s", async () => {
      const heal = await cutPod("a", before.status?.podIP ?? "");
      await sleep(60_000);
      await heal();
      await sleep(5000);
    });
    expect(trial.missing).toBe(0);
    expect(trial.gapSeconds).toBeLessThan(60);
    expect(databases.leader("a").metadata?.name).not.toBe(before.metadata?.name);
  });
});

describe("between the regions", () => {
  it("goes on writing while the standby region is cut off for 5 minutes, and the standby catches up", async () => {
    const trial = await under("standby region cut off for 5 min", async () => {
      await cutLink("b");
      await sleep(300_000);
      await healLink("b");
    });
    expect(trial.missing).toBe(0);
    expect(trial.gapSeconds).toBeLessThan(30);
  });

  it("moves to the other region and back without losing a row", async () => {
    for (const active of ["b", "a"] as const) {
      const settings = { activeRegion: topology[active].awsRegion };
      const trial = await under(
        `planned move to ${topology[active].awsRegion}`,
        async () => {
          expect(await databases.change(settings)).not.toHaveProperty("refusal");
        },
        active,
      );
      expect(trial.missing).toBe(0);
      expect(trial.gapSeconds).toBeLessThan(60);
    }
  });

  it("serves from the other region when the active one is killed; the lost one comes back, follows, and never writes", async () => {
    const moveTo = (active: RegionKey) =>
      databases.change({ activeRegion: topology[active].awsRegion });
    const trial = await under(
      "active region killed",
      async () => {
        killRegion("a");
        expect(await moveTo("b")).not.toHaveProperty("refusal");
        await sleep(10_000);
        await prepareGround(new AbortController().signal);
        await sleep(30_000);
        // Its own configuration still calls it the active region; only what the other one says holds it back.
        expect(wroteWhileAway()).toBe(false);
        expect(await moveTo("b")).not.toHaveProperty("refusal");
      },
      "b",
    );
    expect(trial.lossSeconds).toBeLessThan(60);
    expect(await moveTo("a")).not.toHaveProperty("refusal");
    await databases.healthy("a");
  });
});

/** Whether any member of the region that was failed away from accepts writes. */
function wroteWhileAway(): boolean {
  return databases.members("a").some((pod) => {
    const psql = ["psql", "-XAtq", "--username=postgres", "--dbname=postgres"];
    const ask = ["--command", "SELECT NOT pg_is_in_recovery()"];
    try {
      const name = pod.metadata?.name ?? "";
      return (
        databases.kubectl("a", ["exec", name, "-c", "postgres", "--", ...psql, ...ask]).trim() ===
        "t"
      );
    } catch {
      return false; // It does not even accept connections.
    }
  });
}
