import { exitCode, Problem } from "../../rehearsal/problem.ts";
import { decide } from "../decide.ts";
import { commands } from "../commands.ts";
import { asRehearsalCommands } from "../../rehearsal/hints.ts";
import { adviceFor } from "./seen.ts";
import { asWritten, neutralView } from "./stack-file.ts";
import { keptReleases, type KnownStack, readStack, situationOf } from "./stack-state.ts";

export interface PlanOptions {
  readonly folder: string;
  readonly version: string;
  readonly stack: string;
  /** In place of the stack: the one of a rehearsal. */
  readonly rehearsal?: KnownStack;
  readonly state?: string;
  /** What somebody sees, as typed. */
  readonly seen?: readonly string[];
}

/**
 * Prints whether one should go to a release, by what is seen, and how one can with the stack file as it is.
 * @throws Problem when one cannot
 */
export async function planRelease({
  folder,
  version,
  stack,
  rehearsal,
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
  if (seen !== undefined) console.log(adviceFor(seen));
  const known = rehearsal ?? (await readStack(folder, stack, state));
  const told = (text: string) =>
    rehearsal === undefined ? text : asRehearsalCommands(text, { release: version });
  if (known.unknown !== undefined) {
    throw new Problem(
      `${stack}: what was deployed is not known: ${known.unknown}`,
      exitCode.cannotRun,
    );
  }
  // A rehearsal writes its stack file anew with each start: what stands there is of the last one.
  const view = rehearsal === undefined ? asWritten : neutralView;
  const decision = decide(situationOf(folder, known, target, { now: new Date(), view }));
  if (decision.verdict === "refused") {
    const ways = decision.ways.map((way) =>
      [way.what, ...way.commands.map((it) => `  ${it}`)].join("\n  "),
    );
    throw new Problem(
      told(
        `${stack} cannot go to ${version} like this: ${decision.reason}.\n\n  ${ways.join("\n\n  ")}`,
      ),
    );
  }
  if (decision.verdict === "unchanged") {
    console.log(`${stack} has ${version} already`);
    return;
  }
  const minutes = decision.objective?.recoverySeconds;
  const promise = minutes === undefined ? "" : `, promised within ${String(minutes / 60)} minutes`;
  console.log(`${stack} to ${version}: ${decision.type}${promise}`);
  const lines = commands.deploy(stack, version).map((it) => `  ${it}`);
  for (const line of told(lines.join("\n")).split("\n")) console.log(line);
}
