import {
  assembleEvidence,
  evidenceVersion,
  parseEvidence,
  statusOf,
} from "../../../rehearsal/report/evidence.ts";
import type { Evidence } from "../../../rehearsal/report/evidence.ts";
import { judgeObjectives } from "../../../rehearsal/report/objectives.ts";
import { goLiveRunbook } from "../../../rehearsal/report/phases.ts";
import { assertNoSecrets } from "../../../rehearsal/report/secrets.ts";
import { checkResult, failedEvidence, findings, passedEvidence } from "./example.ts";

/** The evidence after a round through JSON, with one thing changed. */
function changed(change: (evidence: Evidence) => void): unknown {
  const copy = JSON.parse(JSON.stringify(passedEvidence())) as Evidence;
  change(copy);
  return copy;
}

describe("evidence", () => {
  test("survives being written and read", () => {
    expect(parseEvidence(changed(() => undefined))).toEqual(passedEvidence());
    expect(passedEvidence().version).toBe(evidenceVersion);
  });

  test("has every phase of the runbook, in its order", () => {
    expect(failedEvidence().phases.map((it) => it.id)).toEqual(goLiveRunbook.map((it) => it.id));
    expect(goLiveRunbook.map((it) => it.runbook).join(" ")).toBe(
      "T-60 T-30 T-20 T-10 T+0 T+20 T+40 T+60 T+90 T+120",
    );
  });

  test("a phase that was not run is skipped with the reason, never passed", () => {
    const phases = failedEvidence().phases.filter((it) => it.status === "skipped");
    expect(phases.map((it) => it.id)).toContain("load");
    for (const { checks } of phases) {
      expect(checks).toMatchObject([
        {
          status: "skipped",
          detail: "The rehearsal ended before it: the backend did not become ready within 120 s",
        },
      ]);
    }
  });

  test("a phase without a single check is skipped", () => {
    const { phases } = assembleEvidence(findings({ phases: { load: { checks: [], seconds: 3 } } }));
    expect(phases.find((it) => it.id === "load")).toMatchObject({ status: "skipped" });
  });

  test.each([
    [
      "a check failed",
      { phases: { load: { checks: [checkResult({ status: "failed" })], seconds: 1 } } },
    ],
    ["it ended early", { interruption: "the link broke" }],
    ["nothing was run", { phases: {} }],
    [
      "an objective was missed",
      {
        objectives: [
          { scenario: "s", objective: "5 min", status: "missed" as const, measured: "6 min" },
        ],
      },
    ],
  ])("the verdict is failed when %s", (_, overrides) => {
    expect(assembleEvidence(findings(overrides)).verdict).toBe("failed");
  });

  test("the verdict is passed when checks passed and some were skipped", () => {
    expect(passedEvidence().verdict).toBe("passed");
  });

  test.each([
    ["another version", (it: Evidence) => Object.assign(it, { version: 2 })],
    ["an unknown field", (it: Evidence) => Object.assign(it, { extra: 1 })],
    ["a prettier verdict", () => Object.assign(failedEvidence(), { verdict: "passed" })],
    ["a missing phase", (it: Evidence) => it.phases.pop()],
    ["phases out of order", (it: Evidence) => it.phases.reverse()],
    [
      "a phase prettier than its checks",
      (it: Evidence) => it.phases[0]?.checks.splice(0, 9, checkResult({ status: "failed" })),
    ],
    [
      "a skipped check without a reason",
      (it: Evidence) => it.phases[0]?.checks.push(checkResult({ status: "skipped" })),
    ],
    ["negative seconds", (it: Evidence) => it.phases[0]?.checks.push(checkResult({ seconds: -1 }))],
  ])("refuses %s", (name, change) => {
    const json =
      name === "a prettier verdict" ? { ...failedEvidence(), verdict: "passed" } : changed(change);
    expect(() => parseEvidence(json)).toThrow();
  });

  test("the worst status wins", () => {
    const of = (...statuses: ("passed" | "failed" | "skipped")[]) =>
      statusOf(statuses.map((status) => ({ status })));
    expect(of("passed", "failed", "skipped")).toBe("failed");
    expect(of("passed", "skipped")).toBe("passed");
    expect(of("skipped")).toBe("skipped");
    expect(of()).toBe("skipped");
  });
});

describe("assertNoSecrets", () => {
  const secret = 'p"ä<s>&/ w0rd';

  test.each([
    ["plain text", secret],
    ["JSON", JSON.stringify({ secret })],
    ["HTML", "p&quot;ä&lt;s&gt;&amp;/ w0rd"],
    ["a URL", `https://u:${encodeURIComponent(secret)}@host`],
    ["base64", Buffer.from(secret).toString("base64")],
  ])("finds a secret written as %s and never repeats it", (spelling, text) => {
    const look = () => {
      assertNoSecrets(`first\n${text}\n`, ["other", secret], "state.json");
    };
    expect(look).toThrow(`secret 2 of 2 is in state.json, line 2, as ${spelling}`);
    expect(look).not.toThrow("w0rd");
  });

  test("accepts a text without them", () => {
    expect(() => {
      assertNoSecrets("nothing here", [secret], "state.json");
    }).not.toThrow();
  });

  test("refuses an empty secret, which would be found everywhere", () => {
    expect(() => {
      assertNoSecrets("x", [""], "state.json");
    }).toThrow("secret 1 of 1 is empty");
  });
});

describe("judgeObjectives", () => {
  const of = (scenario: string, measured: Parameters<typeof judgeObjectives>[0]) =>
    judgeObjectives(measured).find((it) => it.scenario === scenario);

  test("says of every objective that it was not measured, when none was", () => {
    const results = judgeObjectives({});
    expect(results.length).toBeGreaterThan(5);
    expect(new Set(results.map((it) => it.status))).toEqual(new Set(["not measured in this run"]));
  });

  test("is met at the limit and missed beyond it", () => {
    expect(of("primary pod lost", { primaryPodLost: { recoverySeconds: 30 } })).toMatchObject({
      status: "met",
      measured: "30.0 s",
    });
    expect(of("primary pod lost", { primaryPodLost: { recoverySeconds: 30.1 } })).toMatchObject({
      status: "missed",
    });
  });

  test("is missed when one of two limits was not measured", () => {
    expect(of("region lost", { regionLost: { recoverySeconds: 10 } })).toMatchObject({
      status: "missed",
    });
    expect(
      of("region lost", { regionLost: { recoverySeconds: 10, lossSeconds: 0 } }),
    ).toMatchObject({ status: "met" });
  });
});
