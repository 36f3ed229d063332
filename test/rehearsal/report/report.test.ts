import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "@jest/globals";
import { assembleEvidence, parseEvidence } from "../../../rehearsal/report/evidence.ts";
import { renderReport } from "../../../rehearsal/report/html.ts";
import { escapeHtml, html as markup } from "../../../rehearsal/report/markup.ts";
import { summarize } from "../../../rehearsal/report/summary.ts";
import { duration } from "../../../rehearsal/report/words.ts";
import { writeReport } from "../../../rehearsal/report/write.ts";
import { checkResult, failedEvidence, findings, passedEvidence, proofOf } from "./example.ts";

const files = { report: "/run/report.html", evidence: "/run/evidence.json" };

describe("html", () => {
  test("escapes every value but its own", () => {
    const item = markup`<li title="${'"'}">${"<b>&'"}</li>`;
    expect(markup`<ul>${[item, item]}${3}</ul>`.source).toBe(
      `<ul>${'<li title="&quot;">&lt;b&gt;&amp;&#39;</li>'.repeat(2)}3</ul>`,
    );
  });
});

describe("renderReport", () => {
  const passed = renderReport(passedEvidence());
  const failed = renderReport(failedEvidence());

  test("needs nothing but itself", () => {
    expect(passed).not.toMatch(/<script|<link|<img|@import|url\(|src=|https?:\/\//i);
  });

  test("says at the top whether it may go live", () => {
    expect(passed).toContain("<h1>Ready to go live</h1>");
    expect(failed).toContain("<h1>Not ready to go live</h1>");
  });

  test("names what stands in the way, and only when something does", () => {
    expect(passed).not.toContain("What stands in the way");
    const [, alarm = ""] = /class="alarm"([\s\S]*?)<\/section>/.exec(failed) ?? [];
    expect(alarm).toContain("backend: replicas ready (eu-north-1)");
    expect(alarm).toContain("1/3 ready");
    expect(alarm).toContain("did not become ready within 120 s");
  });

  test("escapes what the clusters said", () => {
    expect(failed).not.toContain("<script>");
    expect(failed).toContain("&lt;script&gt;alert(&quot;1 &amp; 2&quot;)");
  });

  test("claims only what a passed phase shows", () => {
    const load = "Under a light load the answers stay fast";
    expect(passed).toContain(load);
    expect(failed).not.toContain(load);
  });

  test("shows each check with what was expected and measured", () => {
    for (const { checks } of passedEvidence().phases) {
      for (const { name, measured, detail } of checks) {
        expect(passed).toContain(escapeHtml(name));
        expect(passed).toContain(escapeHtml(measured === "" ? detail : measured));
      }
    }
  });

  test("draws both regions with their ready counts, in words too", () => {
    expect(passed).toContain(
      "eu-north-1, primary. Ready: Gateway 1/1, Frontend 2/2, Backend 3/3, Postgres 1/1.",
    );
    expect(failed).toContain("Backend 1/3");
    expect(failed.match(/class="pod "/g)).toHaveLength(4);
  });

  test("names what was not real, what was skipped, the images and the tools", () => {
    for (const text of [
      "provider aws",
      "External Secrets operator",
      "No Prometheus and no Alertmanager in this cluster.",
      `backend@sha256:${"a".repeat(64)}`,
      "3.256.0",
      "not measured in this run",
      "npm run stop",
      "4f2a9c1d0b7e",
    ]) {
      expect(passed).toContain(text);
    }
  });

  test("shows every rung of each region's restore proof, and where the climb ended", () => {
    const red = { rung: "recovery", detail: "the WAL between is <damaged>" };
    const proofs = [proofOf("eu-north-1", red), proofOf("eu-west-1")];
    const page = renderReport(assembleEvidence(findings({ proofs })));
    const [, ladder = ""] = /aria-labelledby="ladder"([\s\S]*?)<\/section>/.exec(page) ?? [];
    for (const text of [
      "eu-north-1: red",
      "eu-west-1: green",
      "the WAL between is &lt;damaged&gt;",
      "pages of eu-west-1",
      "3.3 s",
      "41.5 s",
    ]) {
      expect(ladder).toContain(text);
    }
    expect(ladder.match(/not reached/g)).toHaveLength(1);
    expect(ladder.match(/not measured/g)).toHaveLength(2);
  });

  test("says so when a region could not be read", () => {
    const { regions } = findings();
    const silent = findings({ regions: regions.map((it) => ({ ...it, workloads: null })) });
    expect(renderReport(assembleEvidence(silent))).toContain("could not be read");
  });

  test("leaves out sections that have nothing to say", () => {
    const bare = {
      ...{ tools: [], images: [], standIns: [], absent: [], runs: [], objectives: [] },
      proofs: [],
    };
    const page = renderReport(assembleEvidence(findings(bare)));
    expect(page).not.toMatch(
      /Toolchain|Container images|What was not real|Runs of the program|objectives|Rung/,
    );
  });
});

describe("summarize", () => {
  test("ends a good run with the verdict, each phase, and where the report is", () => {
    const text = summarize(passedEvidence(), files);
    expect(text.split("\n")[0]).toMatch(
      /^PASSED {2}gravl v1\.0\.0 went live in eu-north-1 and eu-west-1/,
    );
    expect(text).toMatch(/T\+60 {3}passed {3}Load test {2}1\/1 in 10\.2 s/);
    expect(text).toContain("Report: /run/report.html");
    expect(text).toContain("provider aws in place of pulumi-resource-aws");
  });

  test("ends a bad run with what is in the way", () => {
    const text = summarize(failedEvidence(), files);
    expect(text).toMatch(/^FAILED {2}The rehearsal ended early/);
    expect(text).toMatch(
      /backend: replicas ready \(eu-north-1\): expected at least 3 .*measured 1\/3/,
    );
    expect(text).toMatch(/T\+60 {3}skipped {2}Load test$/m);
  });

  test("lets nothing a cluster said steer the terminal", () => {
    const check = checkResult({ status: "failed", detail: "\u001b[2Jgone\nFAKE" });
    const evidence = assembleEvidence(
      findings({ phases: { load: { checks: [check], seconds: 1 } } }),
    );
    const text = summarize(evidence, files);
    expect(text).not.toContain("\u001b");
    expect(text).not.toMatch(/^FAKE/m);
  });
});

describe("duration", () => {
  test.each([
    [0.244, "0.24 s"],
    [4.12, "4.1 s"],
    [59.96, "1 min 0 s"],
    [134, "2 min 14 s"],
  ])("%f s reads %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});

describe("writeReport", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lifeline-report-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test("writes both files, readable by all, and nothing else", () => {
    const target = join(folder, "new", "place");
    const written = writeReport(passedEvidence(), target, ["canary"]);
    expect(readdirSync(target).toSorted()).toEqual(["evidence.json", "report.html"]);
    expect(parseEvidence(JSON.parse(readFileSync(written.evidence, "utf8")))).toEqual(
      passedEvidence(),
    );
    expect(readFileSync(written.report, "utf8")).toBe(renderReport(passedEvidence()));
    expect(statSync(written.report).mode & 0o777).toBe(0o644);
    expect(statSync(written.evidence).mode & 0o777).toBe(0o644);
  });

  test("replaces an older report", () => {
    writeReport(failedEvidence(), folder, []);
    const { report } = writeReport(passedEvidence(), folder, []);
    expect(readFileSync(report, "utf8")).toContain("<h1>Ready to go live</h1>");
  });

  test("writes nothing when a secret would be in it", () => {
    const phases = { load: { checks: [checkResult({ measured: "canary-77" })], seconds: 1 } };
    const evidence = assembleEvidence(findings({ phases }));
    expect(() => writeReport(evidence, folder, ["canary-77"])).toThrow(
      /secret 1 of 1 is in the report/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});
