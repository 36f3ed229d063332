import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { validReleases } from "../../config/parse.ts";
import { releaseFiles, type Release } from "../../config/release.ts";
import { run } from "../../rehearsal/command.ts";
import { exitCode, Problem } from "../../rehearsal/problem.ts";
import type { Changed } from "../../rehearsal/rollback/phases.ts";
import type { Situation } from "../change.ts";
import { lastDeployment, type RecordState } from "../record.ts";
import { currentUser, stateFrom, type KnownResource } from "../state.ts";
import type { asWritten } from "./stack-file.ts";

/** What is known of a stack from outside of a run. */
export interface KnownStack {
  readonly stack: string;
  /** Its stack file. */
  readonly file: string;
  /** Undefined when nothing was deployed yet, or nobody could be asked. */
  readonly state: RecordState | undefined;
  /** Every resource, and when it was changed last. */
  readonly changed: readonly Changed[];
  /** Why nobody could be asked. */
  readonly unknown?: string;
}

/** Asks the engine for the stack's state, or reads what `pulumi stack export` wrote to a file. */
export async function readStack(
  folder: string,
  stack: string,
  exportFile?: string,
): Promise<KnownStack> {
  const file = join(folder, `Pulumi.${stack}.yaml`);
  try {
    const text =
      exportFile === undefined ? await exported(folder, stack) : readFileSync(exportFile, "utf8");
    const { deployment } = JSON.parse(text) as { deployment?: Snapshot };
    return { stack, file, ...knownIn(deployment) };
  } catch (error) {
    return {
      ...{ stack, file },
      ...{ state: undefined, changed: [] },
      unknown: error instanceof Error ? error.message : String(error),
    };
  }
}

/** Which stacks somebody asks about, and where what is known of them stands. */
export interface Asked {
  readonly folder: string;
  /** @default every stack that has a file */
  readonly stack?: readonly string[];
  /** In place of stacks: the one of a rehearsal. */
  readonly rehearsal?: KnownStack;
  /** In place of asking the engine: the output of `pulumi stack export`. */
  readonly state?: string;
}

export async function knownStacks(asked: Asked): Promise<KnownStack[]> {
  const { folder, rehearsal, state, stack = stacksOf(folder) } = asked;
  if (rehearsal !== undefined) return [rehearsal];
  const known: KnownStack[] = [];
  for (const name of stack) known.push(await readStack(folder, name, state));
  return known;
}

function stacksOf(folder: string): string[] {
  return readdirSync(folder).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
}

/** A line for each stack of which nobody could say what was deployed. */
export const unknownOf = (known: readonly KnownStack[]): string[] =>
  known.flatMap(({ stack, unknown }) =>
    unknown === undefined ? [] : [`${stack}: what was deployed is not known: ${unknown}`],
  );

interface StateResource extends KnownResource {
  readonly urn: string;
  readonly created: string;
  readonly modified: string;
}

type Snapshot = { readonly resources?: readonly Partial<StateResource>[] } | null | undefined;

function knownIn(snapshot: Snapshot): Pick<KnownStack, "state" | "changed"> {
  const resources = snapshot?.resources ?? [];
  return {
    state: stateFrom(resources.map(({ type = "", outputs = {} }) => ({ type, outputs }))),
    changed: resources.flatMap(({ urn, created, modified }) => {
      const at = modified ?? created;
      return urn === undefined || at === undefined ? [] : [{ urn, at }];
    }),
  };
}

/**
 * The stack of a running rehearsal, out of its engine's own file.
 * @throws Problem when none was started
 */
export function readRehearsal(engineFolder: string): KnownStack {
  const file = join(engineFolder, "project", "Pulumi.local.yaml");
  const checkpoint = join(engineFolder, "state/.pulumi/stacks/lifeline/local.json");
  if (!existsSync(checkpoint)) {
    throw new Problem("There is no rehearsal. Fix: npm start.", exitCode.cannotRun);
  }
  const { checkpoint: { latest } = {} } = JSON.parse(readFileSync(checkpoint, "utf8")) as {
    checkpoint?: { latest?: Snapshot };
  };
  return { stack: "local", file, ...knownIn(latest) };
}

async function exported(folder: string, stack: string): Promise<string> {
  const args = ["stack", "export", "--stack", stack, "--cwd", folder, "--non-interactive"];
  const { code, stdout, lines } = await run("pulumi", args);
  if (code === 0) return stdout;
  throw new Error(
    lines.find((line) => line.trim() !== "") ?? `pulumi stack export ended with ${String(code)}`,
  );
}

/** Every release file of the program. */
export function keptReleases(folder: string): Release[] {
  return validReleases(releaseFiles(join(folder, "releases")));
}

/** The situation in which a stack would go to a release now, by its stack file as it is, or by what holds of it anyway. */
export function situationOf(
  folder: string,
  { stack, file, state }: KnownStack,
  target: Release,
  { now, view }: { readonly now: Date; readonly view: typeof asWritten },
): Situation {
  const last = state === undefined ? undefined : lastDeployment(state);
  return {
    ...{ stack, target, releases: keptReleases(folder), state },
    ...view(file, last?.generation ?? 1),
    ...{ now, user: currentUser() },
  };
}
