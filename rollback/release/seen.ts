import { exitCode, Problem } from "../../rehearsal/problem.ts";
import { advise, type Observation } from "../advice.ts";

const number = "a number";
const flag = "true or false";

/** What can be said of each thing that somebody sees. */
const allowed: Readonly<Record<keyof Observation, string | readonly string[]>> = {
  errorPercent: number,
  errorMinutes: number,
  p95Milliseconds: number,
  crashLoopingPods: number,
  restartedPods: number,
  readyPods: number,
  desiredPods: number,
  outOfMemoryKillsIn5Minutes: number,
  failedHealthChecksInARow: number,
  queueGrowing: flag,
  smokeTestFailed: flag,
  gatewayDown: flag,
  breach: flag,
  dataCorrupted: flag,
  dataMissing: flag,
  migration: ["failed before its change", "failed during its change", "failed after its change"],
  nameNotResolved: flag,
  certificateInvalid: flag,
  secretMissing: flag,
  settingWrong: flag,
  knownGoodRelease: flag,
};

/** Whether to go back, by what somebody typed that they see: `name=value`, or a name for true. @throws Problem for what nobody can see */
export function adviceFor(seen: readonly string[]): string {
  const { verdict, rule, reason, next } = advise(observationOf(seen));
  const advice = `${verdict} (${rule}): ${reason}\n  next: ${next}`;
  return verdict === "roll back" ? advice : `${advice}\n  to go there all the same:`;
}

function observationOf(seen: readonly string[]): Observation {
  return Object.fromEntries(
    seen.map((text) => {
      const [, name = "", written = "true"] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
      const values = (allowed as Readonly<Record<string, string | readonly string[]>>)[name];
      if (values === undefined) throw refused(text, `one of ${Object.keys(allowed).join(", ")}`);
      const value = parsed(written, values);
      if (value !== undefined) return [name, value];
      const words = typeof values === "string" ? values : values.join(", or ");
      throw refused(text, `${name}=${words}`);
    }),
  );
}

function parsed(text: string, values: string | readonly string[]) {
  if (values === flag) return /^(true|false)$/.test(text) ? text === "true" : undefined;
  if (values === number) return /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
  return values.includes(text) ? text : undefined;
}

function refused(text: string, instead: string): Problem {
  return new Problem(`--seen: got "${text}"; allowed is ${instead}.`, exitCode.usage);
}
