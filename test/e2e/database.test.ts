import { setTimeout as sleep } from "node:timers/promises";
import { jest } from "@jest/globals";
import type { V1Pod } from "@kubernetes/client-node";
import { containerId } from "../../rehearsal/faults/containers.ts";
import { cutPod, killContainer, killRegion } from "../../rehearsal/faults/pods.ts";
import { prepareGround } from "../../rehearsal/ground.ts";
import { type RegionKey, topology } from "../../rehearsal/regions/topology.ts";
import { allArchived, gaps } from "./support/archives.ts";
import { rehearsal } from "./support/rehearsal.ts";
import { Trials } from "./support/trials.ts";
import type { TwoDatabases } from "./support/two-databases.ts";

/** The first run may build every tool. */
jest.setTimeout(45 * 60_000);

let databases: TwoDatabases;
let trials: Trials;

beforeAll(async () => {
  ({ databases } = await rehearsal());
  trials = new Trials(databases);
});

afterAll(() => {
  process.stderr.write(`${trials.table.join("\n")}\n`);
});

const containerOf = async (key: RegionKey): Promise<string> =>
  containerId(topology[key], (await databases.leader(key)).metadata?.name ?? "", "postgres");

describe("inside the active region", () => {
  it("loses nothing and is back within 30 s when the leader's pod is deleted", async () => {
    const trial = await trials.under("leader's pod deleted", async () => {
      const leader = (await databases.leader("a")).metadata?.name ?? "";
      await databases.kubectl("a", ["delete", "pod", leader, "--wait=false"]);
      await sleep(5000);
    });
    expect(trial.missing).toBe(0);
    expect(trial.gapSeconds).toBeLessThan(30);
  });

  it("loses nothing and is back within 30 s when the leader is killed", async () => {
    const trial = await trials.under("leader killed", async () => {
      await killContainer("a", await containerOf("a"));
      await sleep(5000);
    });
    expect(trial.missing).toBe(0);
    expect(trial.gapSeconds).toBeLessThan(30);
  });

  it("loses nothing when the leader's network is cut for 60 s, and the leader comes back as a follower", async () => {
    const before = await databases.leader("a");
    const trial = await trials.under("leader's network cut for 60 s", async () => {
      const heal = await cutPod("a", before.status?.podIP ?? "");
      await sleep(60_000);
      await heal();
      await sleep(5000);
    });
    expect(trial.missing).toBe(0);
    expect(trial.gapSeconds).toBeLessThan(60);
    expect((await databases.leader("a")).metadata?.name).not.toBe(before.metadata?.name);
  });
});

describe("between the regions", () => {
  it("moves to the other region and back without losing a row", async () => {
    for (const active of ["b", "a"] as const) {
      const settings = { activeRegion: topology[active].awsRegion };
      const trial = await trials.under(
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
    const trial = await trials.under(
      "active region killed",
      async () => {
        killRegion("a");
        expect(await moveTo("b")).not.toHaveProperty("refusal");
        await sleep(10_000);
        await prepareGround(new AbortController().signal);
        // Its own configuration still calls it the active region; only what the other one says holds it back.
        await expectNeverWrites(90);
        expect(await moveTo("b")).not.toHaveProperty("refusal");
      },
      "b",
    );
    expect(trial.lossSeconds).toBeLessThan(60);
    expect(await moveTo("a")).not.toHaveProperty("refusal");
    await databases.healthy("a");
    // Also what the other region wrote and archived meanwhile.
    await allArchived(databases);
    for (const key of ["a", "b"] as const) expect(await gaps(databases, key)).toEqual([]);
  });
});

/**
 * Watches the region that was failed away from, longer than its members wait before one of them leads again: none ever
 * accepts writes, and by the end some have answered.
 */
async function expectNeverWrites(seconds: number): Promise<void> {
  const ask = async ({ metadata }: V1Pod) =>
    databases.query("a", "SELECT NOT pg_is_in_recovery()", metadata?.name).catch(() => "silent");
  let answered = false;
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(2000)) {
    const answers = await Promise.all((await databases.members("a").catch(() => [])).map(ask));
    expect(answers).not.toContain("t");
    answered ||= answers.includes("f");
  }
  expect(answered).toBe(true);
}
