import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { run } from "../../rehearsal/command.ts";

/** One update of a stack, as its engine logged it. */
export interface EngineRun {
  /** Milliseconds since 1970, as the other. */
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly isGood: boolean;
}

/** From the command to the end, where the change came to it. */
export type Span = readonly [startedAt: number, finishedAt: number];

/** How many runs back are asked for. */
const asked = 50;

/** The last updates of a stack. @throws Error with the engine's first words when it cannot say */
export async function runsOf(folder: string, stack: string): Promise<EngineRun[]> {
  const args = ["stack", "history", "--stack", stack, "--json", "--page-size", String(asked)];
  const { code, stdout, lines } = await run("pulumi", [...args, "--cwd", folder]);
  if (code !== 0) {
    const said = lines.find((line) => line.trim() !== "");
    throw new Error(said ?? `pulumi stack history ended with ${String(code)}`);
  }
  return read(JSON.parse(stdout) as LoggedRun[]);
}

/** The updates of a rehearsal, out of its engine's own files. */
export function rehearsedRuns(engineFolder: string): EngineRun[] {
  const folder = join(engineFolder, "state/.pulumi/history/lifeline/local");
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((file) => file.endsWith(".history.json"));
  return read(
    files.map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as LoggedRun),
  );
}

interface LoggedRun {
  readonly kind: string;
  readonly result: string;
  /** Text as the command prints it, seconds as the file has it. */
  readonly startTime: string | number;
  readonly endTime?: string | number;
}

function read(logged: readonly LoggedRun[]): EngineRun[] {
  return logged
    .filter(({ kind, endTime }) => kind === "update" && endTime !== undefined)
    .map(({ startTime, endTime = 0, result }) => ({
      startedAt: momentOf(startTime),
      finishedAt: momentOf(endTime),
      isGood: result === "succeeded",
    }))
    .sort((a, b) => a.startedAt - b.startedAt);
}

/** An end in whole seconds lies up to one after what it says. */
const momentOf = (time: string | number): number =>
  typeof time === "number" ? time * 1000 : Date.parse(time);

/**
 * How long a change took that was recorded at a moment: from the begin of the run that recorded it to the end of the first
 * one that went well, which may be a later one; undefined when none did.
 */
export function spanOf(runs: readonly EngineRun[], recordedAt: number): Span | undefined {
  const since = runs.filter(({ finishedAt }) => finishedAt + 1000 > recordedAt);
  const good = since.find(({ isGood }) => isGood);
  const [first] = since;
  return first === undefined || good === undefined
    ? undefined
    : [Math.min(first.startedAt, recordedAt), good.finishedAt];
}
