import { exitCode, Problem } from "../../rehearsal/problem.ts";
import { advise, type Observation } from "../advice.ts";
import { decide } from "../decide.ts";
import { commands } from "../commands.ts";
import { keptReleases, readStack, situationOf } from "./stack-state.ts";

export interface PlanOptions {
  readonly folder: string;
  readonly version: string;
  readonly stack: string;
  readonly state?: string;
  /** `name=value` of an Observation, as typed. */
  readonly seen?: readonly string[];
}

/** Prints whether one should go to a release, by what is seen, and how one can. @throws Problem when one cannot */
export async function planRelease({
  folder,
  version,
  stack,
  state,
  seen,
}: PlanOptions): Promise<void> {
  const target = keptReleases(folder).find((it) => it.version === version);
  if (target === undefined) {
    const known = keptReleases(folder).map((it) => it.version);
    throw new Problem(
      `There is no release ${version}. Fix: one of ${known.join(", ")}.`,
      exitCode.usage,
    );
  }
  if (seen !== undefined) {
    const { verdict, rule, reason, next } = advise(observationOf(seen));
    console.log(`${verdict} (${rule}): ${reason}\n  next: ${next}`);
  }
  const known = await readStack(folder, stack, state);
  if (known.unknown !== undefined) {
    throw new Problem(
      `${stack}: what was deployed is not known: ${known.unknown}`,
      exitCode.cannotRun,
    );
  }
  const decision = decide(situationOf(folder, known, target, new Date()));
  if (decision.verdict === "refused") {
    const ways = decision.ways.map((way) =>
      [way.what, ...way.commands.map((it) => `  ${it}`)].join("\n  "),
    );
    throw new Problem(
      `${stack} cannot go to ${version} like this: ${decision.reason}.\n\n  ${ways.join("\n\n  ")}`,
    );
  }
  if (decision.verdict === "unchanged") {
    console.log(`${stack} has ${version} already`);
    return;
  }
  const minutes = decision.objective?.recoverySeconds;
  const promise = minutes === undefined ? "" : `, promised within ${String(minutes / 60)} minutes`;
  console.log(`${stack} to ${version}: ${decision.type}${promise}`);
  for (const command of commands.deploy(stack, version)) console.log(`  ${command}`);
}

function observationOf(seen: readonly string[]): Observation {
  return Object.fromEntries(
    seen.map((text) => {
      const [name = "", value = "true"] = text.split("=");
      if (value === "true" || value === "false") return [name, value === "true"];
      return [name, Number.isNaN(Number(value)) ? value : Number(value)];
    }),
  ) as Observation;
}
