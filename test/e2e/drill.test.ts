import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { jest } from "@jest/globals";
import { cutSegmentShort, loseSegment } from "../../rehearsal/faults/archive.ts";
import { during } from "../../rehearsal/faults/fault.ts";
import { type RegionKey, topology } from "../../rehearsal/regions/topology.ts";
import { Archives } from "./support/backup-jobs.ts";
import { lifeline } from "./support/lifeline.ts";
import { rehearsal } from "./support/rehearsal.ts";
import type { TwoDatabases } from "./support/two-databases.ts";

/** The first run may build every tool. */
jest.setTimeout(45 * 60_000);

const keys: readonly RegionKey[] = ["a", "b"];
const inBoth = <Result>(work: (key: RegionKey) => Promise<Result>): Promise<Result[]> =>
  Promise.all(keys.map(work));

let databases: TwoDatabases;
let archives: Archives;

beforeAll(async () => {
  ({ databases } = await rehearsal());
  archives = new Archives(databases);
});

interface Drilled {
  readonly region: string;
  readonly trouble: string;
  readonly proof: {
    readonly result: string;
    readonly measuredRpoSeconds: number | null;
    readonly measuredRtoSeconds: number | null;
    readonly phases: readonly { readonly name: string; readonly ok: boolean }[];
  };
}

async function drill(): Promise<{ code: number; output: string; regions: Drilled[] }> {
  const { code, output } = await lifeline(["drill", "--json"]);
  const [json = "{}"] = /^\{"regions":.*\}$/m.exec(output) ?? [];
  return { code, output, regions: (JSON.parse(json) as { regions?: Drilled[] }).regions ?? [] };
}

const ladder = [
  ...["ledger", "listing", "restore", "recovery", "pages", "indexes", "dump", "constraints"],
  ...["point-in-time", "repository"],
];

/** The drill is green, rung by rung, in both regions. */
function expectGreen({ code, output, regions }: Awaited<ReturnType<typeof drill>>): void {
  expect(code === 0 ? "" : output).toBe("");
  expect(regions).toHaveLength(2);
  for (const { trouble, proof } of regions) {
    expect(trouble).toBe("");
    expect(proof.phases.map(({ name, ok }) => (ok ? name : "red"))).toEqual(ladder);
    expect(proof.measuredRpoSeconds).toBeLessThan(180);
    expect(proof.measuredRtoSeconds).toBeGreaterThan(0);
  }
}

describe("npm run drill", () => {
  it("says what to do where no rehearsal runs", async () => {
    const LIFELINE_CACHE = mkdtempSync(join(tmpdir(), "lifeline-empty-"));
    const { code, output } = await lifeline(["drill"], { LIFELINE_CACHE });
    expect(output).toContain("Fix: npm start");
    expect(code).toBe(3);
  });

  it("is red in both regions on poisoned archives, for the right reasons, and green once they are whole again: from the first backup on, through every failover and move since", async () => {
    const lost = await archives.segmentAfterBackup("a");
    const cut = await archives.segmentAfterBackup("b");
    await during(loseSegment(topology.a, lost), () =>
      during(cutSegmentShort(topology.b, cut), async () => {
        const { code, output, regions } = await drill();
        expect(regions.map(({ trouble }) => trouble)).toEqual([
          expect.stringContaining(`listing: WAL segment ${lost.segment} is missing`),
          expect.stringMatching(/^recovery: .*the WAL between is damaged/),
        ]);
        expect(code).toBe(1);
        expect(output).toContain("The drill failed");
        await inBoth((key) => archives.metric(key, "restore_proof_green", (value) => value === 0));
      }),
    );
    expectGreen(await drill());
    await inBoth(async (key) => {
      await archives.metric(key, "restore_proof_green", (value) => value === 1);
      await archives.metric(key, 'restore_proof_phase_ok{phase="repository"}', (ok) => ok === 1);
    });
  });

  it("leaves no volume behind", async () => {
    await inBoth(async (key) => {
      let volumes = "";
      for (let second = 0; second < 60; second += 1) {
        volumes = await databases.kubectl(key, ["get", "pvc", "-o", "name"]);
        if (!volumes.includes("restore-proof")) break;
        await sleep(1000);
      }
      expect(volumes).not.toContain("restore-proof");
    });
  });
});

describe("backups in the cluster", () => {
  it("takes one of each kind in each region, those started at once one after the other, and the metrics tell", async () => {
    await inBoth(async (key) => {
      const since = Date.now() / 1000;
      const full = await archives.startBackup(key, "full");
      const differential = await archives.startBackup(key, "differential");
      const incremental = await archives.startBackup(key, "differential", "incr");
      const ends = await Promise.all(
        [full, differential, incremental].map((job) => archives.endOfJob(key, job)),
      );
      expect(ends.map(({ passed, log }) => (passed ? "passed" : log.slice(-2000)))).toEqual(
        Array(3).fill("passed"),
      );
      // Two that overlap could expire each other's files.
      const [first, second, third] = ends
        .map(({ ran }) => ran)
        .sort((one, other) => +one.from - +other.from);
      expect(+second!.from).toBeGreaterThanOrEqual(+first!.to);
      expect(+third!.from).toBeGreaterThanOrEqual(+second!.to);
      for (const type of ["full", "diff", "incr"]) {
        const ended = `backup_last_completion_seconds{type="${type}"}`;
        await archives.metric(key, ended, (value) => value > since);
      }
      await archives.metric(key, "backup_failed", (value) => value === 0);
    });
  });

  it("fails where no member answers, and the metrics do not call it a backup", async () => {
    const before = await archives.metric("a", 'backup_last_completion_seconds{type="diff"}');
    const job = await archives.startBackup("a", "differential", "diff", { MEMBERS: "localhost" });
    const { passed, log } = await archives.endOfJob("a", job);
    expect(passed).toBe(false);
    expect(log).toContain("no member answers: localhost");
    expect(await archives.metric("a", 'backup_last_completion_seconds{type="diff"}')).toBe(before);
  });
});
