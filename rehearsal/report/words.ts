import type { CheckResult, Evidence, Status } from "./evidence.ts";

/** Seconds as a person reads them: 0.24 s, 4.1 s, 2 min 14 s. */
export function duration(seconds: number): string {
  if (seconds < 1) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

export type Tally = Readonly<Record<Status, number>>;

export function tally(checks: readonly Pick<CheckResult, "status">[]): Tally {
  const count = (status: Status) => checks.filter((it) => it.status === status).length;
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}

export function checksOf(evidence: Evidence): CheckResult[] {
  return evidence.phases.flatMap((phase) => phase.checks);
}

/** From the first to the last moment of the run, in seconds. */
export function elapsedSeconds({ run }: Evidence): number {
  return (Date.parse(run.finishedAt) - Date.parse(run.startedAt)) / 1000;
}

/** What came out, in one sentence. */
export function headline(evidence: Evidence): string {
  const { product, release } = evidence.run;
  const { passed, failed, skipped } = tally(checksOf(evidence));
  const where = evidence.regions.map((region) => region.name).join(" and ");
  const counts = `${plural(passed, "check")} passed, ${failed} failed, ${skipped} skipped`;
  if (evidence.interruption !== null) return `The rehearsal ended early: ${counts}.`;
  return evidence.verdict === "passed"
    ? `${product} ${release} went live in ${where}, as rehearsed: ${counts}.`
    : `${product} ${release} must not go live like this: ${counts}.`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Where a check looked, and what it is about. */
export function fullName({ name, region }: CheckResult): string {
  return region === undefined ? name : `${name} (${region})`;
}

/** Lines for a terminal: what a cluster said must not steer it. */
export function plainText(lines: readonly string[]): string {
  return `${lines.join("\n").replace(/[\x00-\x09\x0b-\x1f\x7f]/g, " ")}\n`;
}
