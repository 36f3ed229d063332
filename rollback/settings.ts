import { set, unset } from "./commands.ts";

/** Settings of a stack file by their names without `lifeline:`; secrets are not among them. */
export type Settings = Readonly<Record<string, unknown>>;

/** What the record keeps elsewhere, or what says nothing about another machine. */
const left = new Set(["release", "change", "kubeconfig"]);

/**
 * Neither a restore nor a move of the write role is taken back by forgetting it: where the move stopped half-way, the
 * region that it left may be lost.
 */
const leftPaths = new Set(["postgres.generations", "postgres.promoteAlone", "activeRegion"]);

/** What the next run compares with, when it has to say how to go back. */
export function settingsToKeep(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !left.has(name)));
}

/** The commands that bring the settings of a stack file back to what they were; none where nothing was changed. */
export function settingsBack(before: Settings, now: Settings, stack: string): string[] {
  const [kept, present] = [settingsToKeep(before), settingsToKeep(now)];
  return differences(kept, present, []).map(({ path, value }) => {
    return value === undefined
      ? unset(stack, written(path))
      : set(stack, written(path), textOf(value), isMisread(value));
  });
}

type Path = readonly (string | number)[];

interface Difference {
  readonly path: Path;
  /** What it was; undefined where it was not there. */
  readonly value?: unknown;
}

const isLeft = (path: Path): boolean => leftPaths.has(path.join("."));

function differences(before: unknown, now: unknown, path: Path): Difference[] {
  if (isLeft(path)) return [];
  const [was, is] = [entriesOf(before), entriesOf(now)];
  if (was === undefined || (now !== undefined && is === undefined)) {
    if (before === now) return [];
    return [before === undefined ? { path } : { path, value: before }];
  }
  const old = new Map(was);
  const gone = (is ?? [])
    .filter(([key]) => !old.has(key))
    .map(([key]) => ({ path: [...path, key] }))
    .filter((it) => !isLeft(it.path));
  const present = new Map(is);
  return [
    ...was.flatMap(([key, value]) => differences(value, present.get(key), [...path, key])),
    // The last entry of a list goes first, so that the others keep their numbers.
    ...gone.toReversed(),
  ];
}

function entriesOf(value: unknown): [string | number, unknown][] | undefined {
  if (Array.isArray(value)) return value.map((it, index) => [index, it]);
  return typeof value === "object" && value !== null ? Object.entries(value) : undefined;
}

/** As `pulumi config` reads a path. */
function written([top = "", ...rest]: Path): string {
  const parts = rest.map((part) => {
    if (typeof part === "number") return `[${String(part)}]`;
    return /^\w+$/.test(part) ? `.${part}` : `["${part.replaceAll('"', '\\"')}"]`;
  });
  return `lifeline:${top}${parts.join("")}`;
}

const textOf = (value: unknown): string => String(value);

/** A text that looks like something else has to be called a text. */
const isMisread = (value: unknown): boolean =>
  typeof value === "string" && /^(true|false|[-+.\d][\d.eE+-]*)$/.test(value);
