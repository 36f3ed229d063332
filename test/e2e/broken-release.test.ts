import { randomInt } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { jest } from "@jest/globals";
import { longestGapSeconds, type Ledger } from "../../rehearsal/ledger.ts";
import { broken, changeTo, good, releaseFilesOf, type Broken } from "./support/broken-releases.ts";
import { parseReviewEvidence } from "../../rehearsal/report/review-evidence.ts";
import { differences } from "./support/declared.ts";
import { lifeline } from "./support/lifeline.ts";
import { rehearsal, type Rehearsal } from "./support/rehearsal.ts";
import { writer } from "./support/trials.ts";

/** The first run may build every tool. */
jest.setTimeout(45 * 60_000);

/** Gates that give up soon: here it is only their end that is looked at. */
const quick = {
  "backend.deadlineSeconds": 30,
  "frontend.deadlineSeconds": 30,
  "gateway.deadlineSeconds": 10,
  "migration.deadlineSeconds": 60,
  "smoke.deadlineSeconds": 45,
};
/** What a run needs beside the deadline at which it stops: to get there, and to end. */
const overheadSeconds = 120;
/** Counted from when the engine takes the stack; a way back takes longer, so that it is killed somewhere in between. */
const killedBeforeSeconds = 10;

const table: string[] = [];
/** Ways back that were at work when they were killed. */
let hits = 0;
let stack: Rehearsal;
let releases: Record<string, string>;

beforeAll(async () => {
  stack = await rehearsal();
  releases = releaseFilesOf(stack.ground);
  const { refusal } = await stack.databases.change({ ...quick, ...changeTo(good) }, { releases });
  if (refusal !== undefined) throw new Error(refusal);
});

afterAll(() => {
  process.stderr.write(`${table.join("\n")}\n`);
});

it.each(broken.map((it) => [it.name, it] as const))(
  "%s: stops at its gate, says why, and the command that it prints brings the product back, although it was killed",
  async (_, bad) => {
    const { databases } = stack;
    const settings = { ...quick, ...bad.settings, ...changeTo(bad.version) };
    if (bad.before !== undefined) await databases.query("a", bad.before);
    const writing = writer(2);
    let ledger: Ledger;
    try {
      await sleep(1000);
      const [message, stopSeconds] = await timed(() => stops(bad, settings));
      const more = { releases, typed: wayBackIn(message) };
      const report = bad.isReviewed && (await keep());
      const killed: string[] = [];
      for (let kill = 0; kill < (bad.kills ?? 1); kill += 1) {
        const after = randomInt(killedBeforeSeconds * 1000);
        const wasAtWork = await databases.killedChange(settings, more, after);
        if (wasAtWork) hits += 1;
        killed.push(`${wasAtWork ? "killed" : "over"} after ${(after / 1000).toFixed(1)} s`);
      }
      const [back, backSeconds] = await timed(() => databases.change(settings, more));
      expect(back.refusal).toBeUndefined();
      await servesAgain(writing);
      if (report !== undefined) await review(report, bad);
      ledger = await writing.stop();
      table.push(
        [
          bad.name,
          `stopped after ${stopSeconds.toFixed(0)} s`,
          `way back ${killed.join(", ")}, then ${backSeconds.toFixed(0)} s`,
          `${String(ledger.acknowledged.length)} writes, ${String(ledger.failures)} failed`,
          `${longestGapSeconds(ledger).toFixed(1)} s without any`,
        ].join(" | "),
        message,
      );
      expect(stopSeconds).toBeLessThan(quick["backend.deadlineSeconds"] + overheadSeconds);
    } finally {
      await writing.stop();
      if (bad.after !== undefined) await databases.query("a", bad.after);
    }
    if (bad.serves) expect(longestGapSeconds(ledger)).toBeLessThan(10);
  },
);

it("has killed ways back while they were at work", () => {
  expect(hits).toBeGreaterThanOrEqual(8);
});

it("leaves nothing behind and nothing to do, after all of that", async () => {
  const more = { releases, looksForDrift: true };
  const { refusal, drift } = await stack.databases.change(changeTo("v1.0.0"), more);
  expect(refusal).toBeUndefined();
  expect(Object.keys(drift ?? {})).toEqual(["same"]);
  for (const key of ["a", "b"] as const) {
    const { predecessors, ...others } = differences(key, stack.databases.kubectlSync(key));
    expect(others).toEqual({ missing: [], stray: [] });
    expect(predecessors).toBeLessThanOrEqual(3);
  }
});

/** Brings a bad release out, which must fail; resolves with what it said. */
async function stops(bad: Broken, settings: Record<string, unknown>): Promise<string> {
  const { databases } = stack;
  const ended = new AbortController();
  const meanwhile = bad.meanwhile?.(databases, ended.signal);
  const { refusal = "" } = await databases.change(settings, { releases });
  ended.abort();
  await meanwhile;
  expect(refusal).toContain(`${bad.version} stopped at `);
  for (const words of bad.says) expect(refusal).toMatch(words);
  for (const secret of await secrets()) expect(refusal).not.toContain(secret);
  return refusal;
}

/** Keeps what the release left behind, as somebody does before going back. @returns the folder of the report */
async function keep(): Promise<string> {
  const report = mkdtempSync(join(tmpdir(), "lifeline-review-"));
  const { code, output } = await lifeline(["release", "keep", "--rehearsal", "--report", report]);
  expect([code, output]).toEqual([0, expect.stringContaining("8 files")]);
  const files = readdirSync(report, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name, parentPath }) => readFileSync(join(parentPath, name), "utf8"));
  expect(files.filter((text) => text.includes("[secret]"))).toHaveLength(2);
  for (const secret of await secrets())
    expect(files.filter((text) => text.includes(secret))).toEqual([]);
  return report;
}

async function review(report: string, { version }: Broken): Promise<void> {
  const { output } = await lifeline(["release", "review", "--rehearsal", "--report", report]);
  const [file = "none"] = readdirSync(report).filter((name) => name.endsWith(".json"));
  expect(file).toMatch(/^review-local-\d+\.json$/);
  const evidence = parseReviewEvidence(JSON.parse(readFileSync(join(report, file), "utf8")));
  const checks = evidence.phases.flatMap((phase) => phase.checks);
  const unproven = checks.filter(({ status }) => status !== "passed");
  // No Prometheus runs here.
  expect([...new Set(unproven.map(({ name }) => name))]).toEqual([
    "Prometheus sees every target up",
  ]);
  expect(evidence.deployment).toMatchObject({ from: version, release: good, level: "config" });
  expect(evidence.kept).toHaveLength(8);
  expect(evidence.parts.map(({ name }) => name)).toContain("code and configuration");
  expect(evidence.seconds).toBeGreaterThan(5);
  expect(output).toContain(`RESOLVED: gravl is back on ${good}`);
}

/** The line after "back:", without the update itself, which needs a language host to be typed. */
function wayBackIn(message: string): string {
  const [, line = ""] = /\n {2}back: .*\n +(pulumi .*)/.exec(message) ?? [];
  expect(line).toMatch(
    new RegExp(
      `^pulumi config set lifeline:release ${good} --stack local && .*pulumi up --stack local$`,
    ),
  );
  return line.replace(/ && pulumi up --stack local$/, "");
}

async function secrets(): Promise<string[]> {
  const text = await stack.databases.kubectl("a", [
    ...["get", "secret", "app-secret", "postgres-secret", "-o"],
    "jsonpath={range .items[*]}{.data.JWT_SECRET}{.data.POSTGRES_PASSWORD} {end}",
  ]);
  const values = text.trim().split(/\s+/);
  expect(values).toHaveLength(2);
  return values.map((value) => Buffer.from(value, "base64").toString());
}

async function servesAgain(writing: ReturnType<typeof writer>): Promise<void> {
  const before = writing.count();
  for (let turn = 0; turn < 100 && writing.count() === before; turn += 1) await sleep(100);
  expect(writing.count()).toBeGreaterThan(before);
}

async function timed<Result>(work: () => Promise<Result>): Promise<[Result, number]> {
  const started = performance.now();
  const result = await work();
  return [result, (performance.now() - started) / 1000];
}
