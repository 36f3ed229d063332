import { setTimeout as sleep } from "node:timers/promises";
import type { CheckResult } from "../report/evidence.ts";

/** What a measurement found: the two values a reader compares, and whether they agree. */
export interface Finding {
  readonly ok: boolean;
  readonly expected: string;
  readonly measured: string;
  readonly detail?: string;
}

export interface CheckSubject {
  readonly name: string;
  readonly region?: string;
  /** Longest time the check may take. */
  readonly withinSeconds?: number;
}

/** What a measurement gives when there is nothing to measure: why not. */
export interface Omission {
  readonly skipped: string;
}

type Measured = Finding | Omission;
type Measure = () => Measured | Promise<Measured>;

/** Measures once. A measurement that throws, or takes longer than allowed (10 s), has failed. */
export async function check(subject: CheckSubject, measure: Measure): Promise<CheckResult> {
  const started = performance.now();
  const withinSeconds = subject.withinSeconds ?? 10;
  const measured = await bounded(measure, withinSeconds);
  return result(subject, measured, secondsSince(started));
}

/** Measures again every 0.5 s until it holds or the time allowed (30 s) is over. */
export async function eventually(subject: CheckSubject, measure: Measure): Promise<CheckResult> {
  const started = performance.now();
  const withinSeconds = subject.withinSeconds ?? 30;
  for (;;) {
    const measured = await bounded(measure, Math.max(withinSeconds - secondsSince(started), 0.1));
    const settled = "skipped" in measured || measured.ok;
    if (settled || secondsSince(started) + 0.5 >= withinSeconds) {
      return result(subject, measured, secondsSince(started));
    }
    await sleep(500);
  }
}

/** A check that was not made, and why: never a passed one. */
export function skipped(subject: CheckSubject, reason: string): CheckResult {
  return {
    ...named(subject),
    status: "skipped",
    seconds: 0,
    expected: "",
    measured: "",
    detail: reason,
  };
}

async function bounded(measure: Measure, withinSeconds: number): Promise<Measured> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<Finding>((resolve) => {
    timer = setTimeout(() => {
      resolve(unmeasured(`no answer within ${withinSeconds.toFixed(1)} s`));
    }, withinSeconds * 1000);
  });
  try {
    return await Promise.race([measure(), tooLate]);
  } catch (error) {
    return unmeasured(error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(timer);
  }
}

function unmeasured(reason: string): Finding {
  return { ok: false, expected: "a measurement", measured: "none", detail: reason };
}

function result(subject: CheckSubject, finding: Measured, seconds: number): CheckResult {
  if ("skipped" in finding) return skipped(subject, finding.skipped);
  return {
    ...named(subject),
    status: finding.ok ? "passed" : "failed",
    seconds: Math.round(seconds * 1000) / 1000,
    expected: finding.expected,
    measured: finding.measured,
    detail: finding.detail ?? "",
  };
}

function named({ name, region }: CheckSubject): Pick<CheckResult, "name" | "region"> {
  return region === undefined ? { name } : { name, region };
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}
