import type { PhaseOfUpdate } from "../../rehearsal/phases-of-update.ts";
import { RehearsalRecord } from "../../rehearsal/record.ts";
import { assembleEvidence } from "../../rehearsal/report/evidence.ts";
import { renderReport } from "../../rehearsal/report/html.ts";
import { provenBy } from "../../rehearsal/report/proven.ts";
import { summarize } from "../../rehearsal/report/summary.ts";
import { checkResult, findings, passedEvidence } from "./report/example.ts";

const ready: PhaseOfUpdate = { resources: 12, failed: [], seconds: 3 };
const files = { report: "report.html", evidence: "evidence.json" };

/** The evidence of a rehearsal whose update stopped at the backend. */
function stoppedEvidence() {
  const record = new RehearsalRecord();
  record.stoppedAt({
    foundation: ready,
    application: { resources: 4, failed: ["backend"], seconds: 120 },
  });
  return assembleEvidence(
    findings({ interruption: "backend: not ready", phases: record.phases, proofs: [] }),
  );
}

describe("an update that stopped", () => {
  it("proves nothing of what it only declared", () => {
    expect(provenBy(stoppedEvidence())).toEqual([]);
    expect(renderReport(stoppedEvidence())).not.toContain("What was proven");
  });

  it("tells what it declared, and that nobody checked it", () => {
    const { phases } = stoppedEvidence();
    expect(phases.find(({ id }) => id === "foundation")?.checks).toMatchObject([
      { name: "Declared and ready", status: "passed", measured: "12 resources" },
      { status: "skipped", detail: "Declared, not checked: the update stopped before its end." },
    ]);
    expect(phases.find(({ id }) => id === "application")).toMatchObject({
      status: "failed",
      checks: [{ detail: "not ready: backend" }, { status: "skipped" }],
    });
  });

  it("calls no such phase passed, for a reader of the summary or of the report", () => {
    const summary = summarize(stoppedEvidence(), files);
    expect(summary).toMatch(/^ {2}T-60 +declared Namespace.* {2}not checked$/m);
    expect(summary).toMatch(/^ {2}T-10 +FAILED /m);
    expect(summary).not.toMatch(/^ {2}T.* passed /m);
    expect(renderReport(stoppedEvidence())).not.toContain('class="lane passed"');
  });
});

describe("a phase of which something was measured", () => {
  it("is proven by that, whatever else was skipped", () => {
    const { phases } = findings();
    const skipped = checkResult({ status: "skipped", detail: "No Prometheus here." });
    const checks = [...(phases.load?.checks ?? []), skipped];
    const evidence = assembleEvidence(
      findings({ phases: { ...phases, load: { checks, seconds: 1 } } }),
    );
    expect(provenBy(evidence)).toEqual(provenBy(passedEvidence()));
  });
});

describe("secrets that must not be in the report", () => {
  it("add up: none is forgotten when more are found", () => {
    const record = new RehearsalRecord();
    record.keepOut(["canary", "key"]);
    record.keepOut(["key", "password"]);
    expect(record.secrets).toEqual(["canary", "key", "password"]);
  });
});
