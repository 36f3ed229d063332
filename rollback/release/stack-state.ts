import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "yaml";

import { validReleases } from "../../config/parse.ts";
import { releaseFiles, type Release } from "../../config/release.ts";
import { run } from "../../rehearsal/command.ts";
import type { Situation } from "../change.ts";
import { lastDeployment, type RecordState } from "../record.ts";
import { currentUser, stateFrom, type KnownResource } from "../state.ts";

/** What is known of a stack from outside of a run. */
export interface KnownStack {
  readonly stack: string;
  /** Undefined when nothing was deployed yet, or nobody could be asked. */
  readonly state: RecordState | undefined;
  /** Why nobody could be asked. */
  readonly unknown?: string;
}

/** Asks the engine for the stack's state, or reads what `pulumi stack export` wrote to a file. */
export async function readStack(folder: string, stack: string, file?: string): Promise<KnownStack> {
  try {
    const text = file === undefined ? await exported(folder, stack) : readFileSync(file, "utf8");
    const { deployment } = JSON.parse(text) as {
      deployment?: { resources?: readonly Partial<KnownResource>[] } | null;
    };
    const resources = (deployment?.resources ?? []).map(({ type = "", outputs = {} }) => ({
      type,
      outputs,
    }));
    return { stack, state: stateFrom(resources) };
  } catch (error) {
    return {
      stack,
      state: undefined,
      unknown: error instanceof Error ? error.message : String(error),
    };
  }
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

/** The situation in which a stack would go to a release now. */
export function situationOf(
  folder: string,
  { stack, state }: KnownStack,
  target: Release,
  now: Date,
): Situation {
  const { postgres, backups } = settingsOf(folder, stack);
  const last = state === undefined ? undefined : lastDeployment(state);
  return {
    stack,
    target,
    releases: keptReleases(folder),
    state,
    data: {
      generation: last?.generation ?? 1,
      storage: postgres?.generations?.at(-1)?.storage ?? postgres?.storage ?? "<size>",
    },
    change: undefined,
    restoreWindowDays: backups?.restoreWindowDays ?? 0,
    now,
    user: currentUser(),
  };
}

interface Settings {
  readonly postgres?: {
    readonly storage?: string;
    readonly generations?: readonly { readonly storage?: string }[];
  };
  readonly backups?: { readonly restoreWindowDays?: number };
}

function settingsOf(folder: string, stack: string): Settings {
  const file = join(folder, `Pulumi.${stack}.yaml`);
  if (!existsSync(file)) return {};
  const { config = {} } = parse(readFileSync(file, "utf8")) as { config?: Record<string, unknown> };
  return { postgres: config["lifeline:postgres"], backups: config["lifeline:backups"] } as Settings;
}
