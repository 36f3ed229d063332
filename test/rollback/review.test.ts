import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  assembleReviewEvidence,
  parseReviewEvidence,
  type ReviewEvidence,
} from "../../rehearsal/report/review-evidence.ts";
import { renderReviewPage } from "../../rehearsal/report/review-page.ts";
import { repository } from "../../rehearsal/paths.ts";
import { Problem } from "../../rehearsal/problem.ts";
import { endsOf } from "../../rehearsal/rollback/phases.ts";
import { releaseCommand } from "../../rollback/release/command.ts";
import { keepRelease, keptBetween } from "../../rollback/release/keep.ts";
import { rehearsedRuns, spanOf } from "../../rollback/release/runs.ts";
import { Story } from "./story.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lifeline-review-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("how long a change took", () => {
  const runs = [
    { startedAt: 0, finishedAt: 10_000, isGood: true },
    { startedAt: 20_000, finishedAt: 30_000, isGood: false },
    { startedAt: 40_000, finishedAt: 55_000, isGood: true },
    { startedAt: 90_000, finishedAt: 99_000, isGood: true },
  ];

  test.each([
    ["the run that recorded it", 5000, [0, 10_000]],
    ["the one after that, where it stopped", 22_000, [20_000, 55_000]],
    ["its end in whole seconds", 10_900, [0, 10_000]],
  ])("is told by %s", (_, recordedAt, span) => {
    expect(spanOf(runs, recordedAt)).toEqual(span);
  });

  test("is not known while no run went well, or where none is logged", () => {
    expect(spanOf(runs.slice(0, 2), 22_000)).toBeUndefined();
    expect(spanOf([], 5000)).toBeUndefined();
    expect(rehearsedRuns(folder)).toEqual([]);
  });

  test("is read from what the engine logs: updates alone, in their order", () => {
    const history = join(folder, "state/.pulumi/history/lifeline/local");
    mkdirSync(history, { recursive: true });
    const write = (name: string, run: object) => {
      writeFileSync(join(history, name), JSON.stringify(run));
    };
    write("local-2.history.json", { kind: "update", startTime: 3, result: "failed", endTime: 4 });
    write("local-1.history.json", {
      kind: "update",
      startTime: 1,
      result: "succeeded",
      endTime: 2,
    });
    write("local-3.history.json", {
      kind: "refresh",
      startTime: 5,
      result: "succeeded",
      endTime: 6,
    });
    write("local-3.checkpoint.json", {});
    expect(rehearsedRuns(folder)).toEqual([
      { startedAt: 1000, finishedAt: 2000, isGood: true },
      { startedAt: 3000, finishedAt: 4000, isGood: false },
    ]);
  });
});

test("parts of a run are told by what the state says was changed within it", () => {
  const at = (seconds: number) => new Date(seconds * 1000).toISOString();
  const urn = (component: string) =>
    `urn:pulumi:production::lifeline::lifeline:${component}$kubernetes:it::x`;
  const changed = [
    { urn: urn("release:WebService"), at: at(24) },
    { urn: urn("release:WebService"), at: at(31) },
    { urn: urn("release:SmokeGate"), at: at(40.5) },
    { urn: urn("postgres:Backups"), at: at(5) },
    { urn: urn("release:ReleaseRecord"), at: at(90) },
  ];
  expect(endsOf(changed, [20_000, 40_000])).toEqual([
    { name: "code and configuration", endSeconds: 11 },
    { name: "smoke gate", endSeconds: 20.5 },
  ]);
});

test("what was kept of a release is found by its stack, its name, and while it ran", () => {
  const make = (name: string, ...files: string[]) => {
    mkdirSync(join(folder, "kept", name), { recursive: true });
    for (const file of files) writeFileSync(join(folder, "kept", name, file), "");
  };
  for (const name of [
    "20260101T000000Z-production-v1.4.0",
    "20260301T000000Z-production-v1.4.0",
    "20260501T000000Z-production-v1.4.0",
    "20260301T000000Z-staging-v1.4.0",
    "20260301T000000Z-production-v1.4.0-rc.1",
  ])
    make(name, "logs.txt");
  const kept = (report = folder) =>
    keptBetween(report, { stack: "production", release: "v1.4.0", regions: ["eu"] }, [
      new Date("2026-02-01T00:00:00Z"),
      new Date("2026-04-01T00:00:00Z"),
    ]);
  // As of one that was ended half-way.
  expect(kept()).toEqual({
    files: [join(folder, "kept/20260301T000000Z-production-v1.4.0/logs.txt")],
    isWhole: false,
  });
  const parts = ["eu-pods.json", "eu-logs.txt", "eu-events.json", "eu-record.json"];
  make("20260302T000000Z-production-v1.4.0", ...parts);
  expect(kept()).toMatchObject({ isWhole: true });
  make("20260302T000000Z-production-v1.4.0", "missing.txt");
  expect(kept()).toMatchObject({ isWhole: false });
  expect(kept().files).toHaveLength(6);
  expect(kept(join(folder, "none"))).toEqual({ files: [], isWhole: false });
});

const passed = {
  ...{ name: "replicas ready", region: "eu-north-1", status: "passed" as const, seconds: 1 },
  ...{ expected: "3", measured: "3", detail: "" },
};
const findings: Omit<ReviewEvidence, "version" | "verdict"> = {
  run: {
    ...{ stack: "production", product: "gravl", host: "gravl.test" },
    reviewedAt: "2026-12-01T06:00:00.000Z",
  },
  deployment: {
    ...{ number: 7, release: "v1.3.0", from: "v1.4.0", level: "full", by: "ada" },
    ...{ at: "2026-12-01T05:50:00.000Z", reason: "<b>rows</b> are wrong", emergency: true },
  },
  ...{ seconds: 120, promisedSeconds: 900 },
  parts: [{ name: "smoke gate", endSeconds: 118 }],
  phases: [{ id: "application", runbook: "T-10", title: "Backend", checks: [passed], seconds: 1 }],
  kept: ["report/kept/logs.txt"],
  byHand: ["your dashboards"],
  notification: "RESOLVED",
};

describe("the review", () => {
  test("survives being written and read, and fails with a check", () => {
    const evidence = assembleReviewEvidence(findings);
    expect(evidence.verdict).toBe("passed");
    expect(parseReviewEvidence(JSON.parse(JSON.stringify(evidence)))).toEqual(evidence);
    expect(() => parseReviewEvidence({ ...evidence, verdict: "failed" })).toThrow();
    const checks = [passed, { ...passed, status: "failed" as const }];
    const phases = findings.phases.map((phase) => ({ ...phase, checks }));
    expect(assembleReviewEvidence({ ...findings, phases }).verdict).toBe("failed");
  });

  test("becomes a page for people, in which nothing that a person typed is markup", () => {
    const page = renderReviewPage(assembleReviewEvidence(findings));
    for (const text of [
      "v1.3.0 runs as it should",
      "v1.4.0 back to v1.3.0, level full, by ada, 2026-12-01T05:50Z, as an emergency",
      "&lt;b&gt;rows&lt;/b&gt; are wrong",
      "your dashboards",
      "report/kept/logs.txt",
      "RESOLVED",
      "2 min 0 s",
    ])
      expect(page).toContain(text);
    const forward = {
      ...findings,
      notification: null,
      promisedSeconds: null,
      kept: [],
      seconds: null,
    };
    const other = renderReviewPage(assembleReviewEvidence(forward));
    expect(other).toContain("v1.4.0 to v1.3.0");
    expect(other).not.toContain("Notification");
  });
});

describe("of a stack of which nothing is known", () => {
  test.each(["keep", "review"])("%s says so", async (what) => {
    const state = join(folder, "export.json");
    writeFileSync(state, "{}");
    const asked = [what, "--stack", "production", "--report", folder, "--state"];
    await expect(releaseCommand([...asked, state])).rejects.toThrow(
      "production: nothing was deployed yet. Fix: pulumi up.",
    );
    await expect(releaseCommand([...asked, join(folder, "none.json")])).rejects.toThrow(
      /what was deployed is not known: .*none\.json/,
    );
    await expect(releaseCommand([what])).rejects.toThrow("Usage: npm run release");
  });
});

describe("clusters that cannot be reached", () => {
  const before = process.env["KUBECONFIG"];
  afterEach(() => {
    if (before === undefined) delete process.env["KUBECONFIG"];
    else process.env["KUBECONFIG"] = before;
  });

  test("are named, and nothing passes for kept", async () => {
    const kubeconfig = join(folder, "kubeconfig");
    const context = (region: string) => `arn:aws:eks:${region}:111122223333:cluster/production`;
    const cluster = { server: "https://127.0.0.1:1" };
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        ...{ apiVersion: "v1", kind: "Config", users: [{ name: "ops", user: {} }] },
        clusters: [{ name: "away", cluster }],
        contexts: [{ name: context("eu-west-1"), context: { cluster: "away", user: "ops" } }],
      }),
    );
    // As kubectl takes it: more than one file.
    writeFileSync(join(folder, "other"), JSON.stringify({ apiVersion: "v1", kind: "Config" }));
    process.env["KUBECONFIG"] = `${join(folder, "other")}:${kubeconfig}`;
    const known = {
      ...{ stack: "production", file: join(repository, "Pulumi.production.yaml"), changed: [] },
      state: new Story().through("v1.0.0").state,
    };
    const options = { folder: repository, isRehearsal: false, kubectl: "none", report: folder };
    const error: unknown = await keepRelease({ ...options, known }).catch((it: unknown) => it);
    const said = error instanceof Problem ? error.message : "";
    expect(said).toMatch(/eu-west-1: events\.json: https:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/);
    expect(said).toMatch(/eu-north-1: logs\.txt: context arn:\S+: .* Fix: set KUBECONFIG/);
    const until = new Date();
    const range = [new Date(0), until] as const;
    const about = { stack: "production", release: "v1.0.0", regions: ["eu-north-1", "eu-west-1"] };
    const kept = keptBetween(folder, about, range);
    expect(kept.isWhole).toBe(false);
    const file = join(folder, "Pulumi.production.yaml");
    await expect(keepRelease({ ...options, known: { ...known, file } })).rejects.toThrow(
      `there is no ${file}`,
    );
  });
});
