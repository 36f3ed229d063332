import type { Step } from "../../rehearsal/engine.ts";
import {
  type ChangeEvidence,
  assembleRollbackEvidence,
  parseRollbackEvidence,
} from "../../rehearsal/report/rollback-evidence.ts";
import { renderRollbackPage } from "../../rehearsal/report/rollback-page.ts";
import { summarizeRollback } from "../../rehearsal/report/rollback-summary.ts";
import { restarted } from "../../rehearsal/rollback/members.ts";
import { notification } from "../../rehearsal/rollback/notification.ts";
import { partsOf } from "../../rehearsal/rollback/phases.ts";
import { firstRelease, settingsOf, story } from "../../rehearsal/rollback/story.ts";

const back: ChangeEvidence = {
  ...{ from: "v1.4.0", to: "v1.3.0", back: true, level: "full" },
  reason: "notes lost <all> but their first word",
  ...{ seconds: 200, promisedSeconds: 900 },
  parts: [{ name: "smoke gate", startSeconds: 100, seconds: 7 }],
  traffic: { acknowledged: 900, failed: 12, gapSeconds: 61 },
  rows: { compared: 4000, missing: 0, lostSincePoint: 40 },
  checks: [
    {
      ...{ name: "No row from before is lost", status: "passed", seconds: 1 },
      ...{ expected: "0 missing", measured: "0 missing of 4000", detail: "" },
    },
  ],
  kept: ["report/kept/logs.txt"],
  notification: "RESOLVED",
};

const findings = {
  interruption: null,
  run: {
    startedAt: "2026-11-21T15:00:00.000Z",
    finishedAt: "2026-11-21T15:20:00.000Z",
    ...{ product: "gravl", host: "gravl.test" },
  },
  changes: [back],
  refusals: [{ tried: "v1.4.0 again", said: "taken back" }],
  objectives: [],
};

describe("the story", () => {
  test("goes back from each release to the one before, and from the last one further", () => {
    const ways = story.flatMap(({ release, back: isBack }, index) =>
      isBack ? [`${story[index - 1]?.release ?? firstRelease} to ${release}`] : [],
    );
    expect(ways).toEqual([
      "v1.1.0 to v1.0.0",
      "v1.2.0 to v1.1.0",
      "v1.3.0 to v1.2.0",
      "v1.4.0 to v1.3.0",
      "v1.4.0 to v1.2.0",
    ]);
  });

  test("never gives a reason twice: each counts once", () => {
    const reasons = story.map(({ reason }) => reason);
    expect(new Set(reasons).size).toBe(reasons.length);
  });

  test("accepts a loss by its name, and only where something is lost", () => {
    const change = { release: "v1.2.0", reason: "why", back: true };
    expect(settingsOf({ ...change, restoreTo: "v1.4.0" }, [])["change"]).toMatchObject({
      acceptLoss: "v1.4.0",
    });
    expect(settingsOf(change, [])["change"]).not.toHaveProperty("acceptLoss");
  });
});

describe("the evidence", () => {
  test("survives being written and read, and passes when every check did", () => {
    const evidence = assembleRollbackEvidence(findings);
    expect(evidence.verdict).toBe("passed");
    expect(parseRollbackEvidence(JSON.parse(JSON.stringify(evidence)))).toEqual(evidence);
  });

  test.each([
    ["it ended early", { interruption: "the link broke" }],
    ["nothing was changed", { changes: [] }],
    [
      "an objective was missed",
      {
        objectives: [
          { scenario: "s", objective: "5 min", status: "missed" as const, measured: "6 min" },
        ],
      },
    ],
    [
      "a check failed",
      {
        changes: [
          { ...back, checks: back.checks.map((it) => ({ ...it, status: "failed" as const })) },
        ],
      },
    ],
  ])("fails when %s", (_, overrides) => {
    expect(assembleRollbackEvidence({ ...findings, ...overrides }).verdict).toBe("failed");
  });

  test("refuses a prettier verdict", () => {
    const evidence = assembleRollbackEvidence({ ...findings, interruption: "no" });
    expect(() => parseRollbackEvidence({ ...evidence, verdict: "passed" })).toThrow();
  });

  test("becomes a page in which nothing that a person typed is markup", () => {
    const page = renderRollbackPage(assembleRollbackEvidence(findings));
    expect(page).toContain("notes lost &lt;all&gt; but");
    expect(page).toContain("v1.4.0 back to v1.3.0");
    expect(page).toContain("40 lost knowingly");
    expect(page).toContain("report/kept/logs.txt");
  });

  test("ends a terminal run in a line per change", () => {
    const files = { report: "rollback.html", evidence: "rollback.json" };
    const text = summarizeRollback(assembleRollbackEvidence(findings), files);
    expect(text).toMatch(
      /v1\.4\.0 to v1\.3\.0\s+full\s+3 min 20 s of 15 min 0 s, 12 requests failed/,
    );
  });
});

describe("parts of a change", () => {
  const step = (name: string, component: string, from: number, to: number, operation = "update") =>
    ({
      urn: `urn:pulumi:local::lifeline::lifeline:${component}$kubernetes:it::${name}`,
      ...{ type: "kubernetes:it", name, operation, startedAt: from, finishedAt: to },
    }) satisfies Step;

  test("are told by the clock, from the flag on", () => {
    const steps = [
      step("record", "release:ReleaseRecord", 11_000, 12_000),
      step("a", "release:WebService", 14_000, 20_000),
      step("b", "release:WebService", 15_000, 24_000),
      step("c", "postgres:Postgres", 15_000, 99_000, "same"),
    ];
    expect(partsOf(steps, 10_000)).toEqual([
      { name: "recorded, and the bad release denied", startSeconds: 1, seconds: 1 },
      { name: "code and configuration", startSeconds: 4, seconds: 10 },
    ]);
  });
});

test("a member that is not the one of before was restarted", () => {
  const before = new Map([
    ["a", "uid, postgres 0"],
    ["b", "uid, postgres 0"],
    ["c", "uid, postgres 0"],
  ]);
  const after = new Map([
    ["a", "uid, postgres 0"],
    ["b", "uid, postgres 1"],
  ]);
  expect(restarted(before, after)).toEqual(["b", "c"]);
});

describe("people are told", () => {
  const told = (facts: Partial<ChangeEvidence> = {}) =>
    notification({
      ...back,
      isKept: true,
      ...facts,
      product: "gravl",
      host: "gravl.test",
      at: new Date(0),
    });
  const failed = back.checks.map((it) => ({
    ...it,
    status: "failed" as const,
    region: "eu-west-1",
  }));
  const rows = { compared: 4000, missing: 0, lostSincePoint: 0 };

  test("only what somebody measured, where nobody watched the traffic", () => {
    const facts = { ...back, isKept: false, product: "gravl", host: "gravl.test", at: new Date(0) };
    const { seconds, traffic, rows: counted, ...measured } = facts;
    void [seconds, traffic, counted];
    const unseen = { ...measured, isLossy: true };
    const text = notification(unseen);
    expect(text).toContain("Went back: code, configuration and data.\n");
    expect(text).toContain("is in the export of lost rows");
    expect(text).not.toMatch(/requests failed|are kept|undefined/);
    const data = notification({ ...unseen, from: "v1.3.0", level: "database", seconds: 60 });
    expect(data).toContain("Its data went back: notes lost");
    expect(data).toContain("It took 1 min 0 s.");
    expect(data).not.toContain("cannot be deployed again");
    expect(notification({ ...unseen, isLossy: false })).not.toContain("lost rows");
  });

  test("what went back, how long it took and what is lost", () => {
    const text = told();
    expect(text).toContain("RESOLVED: gravl is back on v1.3.0 (1970-01-01T00:00Z)");
    expect(text).toContain("https://gravl.test serves again.");
    expect(text).toContain("It took 3 min 20 s; 12 requests failed");
    expect(text).toContain("40 rows written after the restore point");
    expect(told({ rows })).toContain("No acknowledged row was lost.");
  });

  test("of rows that are missing beside those after the restore point", () => {
    const text = told({ rows: { ...rows, missing: 7 } });
    expect(text).toContain("7 acknowledged rows are missing, and should not be.");
    expect(text).not.toContain("No acknowledged row was lost");
    expect(told({ rows: { ...rows, missing: 7, lostSincePoint: 40 } })).toMatch(
      /7 acknowledged rows are missing.*\n40 rows written after the restore point/,
    );
  });

  test("that it is not over where a check failed, and which", () => {
    const text = told({ checks: [...back.checks, ...failed] });
    expect(text).toMatch(/^NOT RESOLVED: gravl went back to v1\.3\.0/);
    expect(text).toContain("Failed: No row from before is lost (eu-west-1).");
    expect(text).not.toContain("serves again");
  });
});

test("the page counts missing rows where something was promised: on the ways back", () => {
  const rows = { compared: 4000, missing: 3000, lostSincePoint: 0 };
  const forward = { ...back, back: false, rows, checks: [], notification: null };
  const page = (...changes: ChangeEvidence[]) =>
    renderRollbackPage(assembleRollbackEvidence({ ...findings, changes })).replace(/\s+/g, " ");
  const shown = /Rows missing.{0,60}?>\s*(\d+)\s*</;
  expect(shown.exec(page(forward, back))?.[1]).toBe("0");
  const lost = { ...back, rows: { ...rows, missing: 2 } };
  expect(shown.exec(page(forward, lost))?.[1]).toBe("2");
});
