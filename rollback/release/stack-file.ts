import { existsSync, readFileSync } from "node:fs";

import { parse } from "yaml";
import { z } from "zod";

import { generation } from "../../config/data-schema.ts";
import { originOf } from "../../config/generations.ts";
import { problemsOf, writePath } from "../../config/issues.ts";
import { describe } from "../../config/problems.ts";
import { settings } from "../../config/schema.ts";
import { exitCode, Problem } from "../../rehearsal/problem.ts";
import type { ChangeRequest, DataTarget } from "../change.ts";

/** What a stack file says of itself; nothing of it is checked. */
interface StackFile {
  readonly activeRegion?: string;
  readonly change?: unknown;
  readonly postgres?: {
    readonly storage?: string;
    readonly generations?: readonly { readonly storage?: string }[];
  };
  readonly backups?: { readonly restoreWindowDays?: number };
}

/** What a stack file says about the next run. */
export interface Written {
  readonly data: DataTarget;
  readonly change: ChangeRequest | undefined;
  readonly restoreWindowDays: number;
}

/** The part of a stack file that holds whatever is asked: `serving` is the data generation that there is. */
export function neutralView(file: string, serving: number): Written {
  const { activeRegion, postgres, backups } = read(file);
  return {
    data: {
      generation: serving,
      region: activeRegion ?? "<region>",
      storage: postgres?.generations?.at(-1)?.storage ?? postgres?.storage ?? "<size>",
    },
    change: undefined,
    restoreWindowDays: backups?.restoreWindowDays ?? 0,
  };
}

/**
 * What a run with the stack file as it is would be asked for: the generations of the data that it lists, and what it says
 * of a change.
 * @throws Problem for each of both that is not valid
 */
export function asWritten(file: string, serving: number): Written {
  const neutral = neutralView(file, serving);
  const { postgres, change } = read(file);
  const generations = valid(
    z.array(generation),
    ["postgres", "generations"],
    postgres?.generations,
  );
  return {
    ...neutral,
    ...(generations !== undefined && {
      data: { ...neutral.data, ...lastOf(generations) },
    }),
    change: valid(settings.change, ["change"], change),
  };
}

function lastOf(generations: readonly z.infer<typeof generation>[]) {
  const from = generations.at(-1)?.from;
  const origin = originOf(from);
  return {
    generation: generations.length,
    ...(origin !== undefined && {
      from: origin,
      of: from?.generation ?? generations.length - 1,
    }),
  };
}

function valid<Value>(
  schema: z.ZodType<Value>,
  setting: readonly string[],
  value: unknown,
): Value | undefined {
  if (value === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(
    schema,
    value,
    (path) => `lifeline:${writePath([...setting, ...path])}`,
  );
  throw new Problem(problems.map(describe).join("\n\n"), exitCode.usage);
}

function read(file: string): StackFile {
  if (!existsSync(file)) return {};
  const { config = {} } = parse(readFileSync(file, "utf8")) as { config?: Record<string, unknown> };
  return {
    activeRegion: config["lifeline:activeRegion"],
    change: config["lifeline:change"],
    postgres: config["lifeline:postgres"],
    backups: config["lifeline:backups"],
  } as StackFile;
}
