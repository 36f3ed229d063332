import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jest } from "@jest/globals";
import { parseRollbackEvidence } from "../../rehearsal/report/rollback-evidence.ts";
import type { RollbackEvidence } from "../../rehearsal/report/rollback-evidence.ts";
import { differences } from "./support/declared.ts";
import { lifeline } from "./support/lifeline.ts";
import { claim, clearTheWay, failureOf, isOfTests, rehearsal } from "./support/rehearsal.ts";

/** The first run may build every tool. */
jest.setTimeout(60 * 60_000);

beforeAll(async () => {
  // The command itself goes live where nothing is.
  await (isOfTests() ? rehearsal() : clearTheWay());
});
afterAll(claim);

describe("npm run rehearse:rollback", () => {
  let evidence: RollbackEvidence;

  it("goes live, goes back from each release under traffic, and keeps every promise", async () => {
    const report = mkdtempSync(join(tmpdir(), "lifeline-rollback-"));
    expect(failureOf(await lifeline(["rehearse:rollback", "--report", report], {}, 30))).toBe("");
    evidence = parseRollbackEvidence(
      JSON.parse(readFileSync(join(report, "rollback.json"), "utf8")),
    );
    expect(evidence.verdict).toBe("passed");
    const ways = evidence.changes.map(
      ({ from, to, level, seconds, traffic, rows }) =>
        `${from} to ${to}: ${level}, ${seconds.toFixed(0)} s, ${String(traffic.acknowledged)} acknowledged, ${String(traffic.failed)} failed, ${traffic.gapSeconds.toFixed(1)} s without writes, ${String(rows.missing)} of ${String(rows.compared)} missing, ${String(rows.lostSincePoint)} lost since the point`,
    );
    process.stderr.write(`${ways.join("\n")}\n`);
  });

  it("computes the level of each way back", () => {
    const ways = evidence.changes.filter(({ back }) => back);
    expect(ways.map(({ from, to, level }) => `${from} to ${to}: ${level}`)).toEqual([
      "v1.1.0 to v1.0.0: app",
      "v1.2.0 to v1.1.0: config",
      "v1.3.0 to v1.2.0: app",
      "v1.4.0 to v1.3.0: full",
      "v1.4.0 to v1.2.0: full",
    ]);
  });

  it("loses no row from before a restore point, and counts those after it", () => {
    for (const { level, rows } of evidence.changes.filter(({ back }) => back)) {
      expect(rows.compared).toBeGreaterThan(100);
      expect(rows.missing).toBe(0);
      expect(rows.lostSincePoint > 0).toBe(level === "full");
    }
  });

  it("refuses what cannot be, with the commands that can", () => {
    const said = (tried: string) => evidence.refusals.find((it) => it.tried === tried)?.said;
    expect(said("v1.4.0 again, without a reason")).toContain("was taken back on");
    const kept = said("v1.2.0 while the data stays");
    expect(kept).toContain("the database has schema version 4, v1.2.0 runs on 1 to 3");
    expect(kept).toContain("--set 'postgres.generations[2].from.point=v1.4.0.2'");
  });

  it("leaves nothing behind, after two of them went there and back twice", async () => {
    const { databases } = await rehearsal();
    for (const key of ["a", "b"] as const) {
      const { predecessors, ...others } = differences(key, databases.kubectlSync(key));
      expect(others).toEqual({ missing: [], stray: [] });
      expect(predecessors).toBeLessThanOrEqual(3);
    }
  });
});
