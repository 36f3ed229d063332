import { isDeepStrictEqual } from "node:util";
import { isList, isMap, reveal, type PropertyMap, type PropertyValue } from "./properties.ts";

export type Path = readonly (string | number)[];

/** One place where two sets of inputs differ. */
export interface Difference {
  readonly path: Path;
  readonly kind: "add" | "delete" | "update";
}

/** What an engine must do about a resource whose inputs changed. */
export interface Plan {
  readonly differences: readonly Difference[];
  /** Those among `differences` that the existing resource cannot take over. */
  readonly replaces?: readonly Difference[];
  readonly deleteBeforeReplace?: boolean;
}

/** The leaves that differ, secrets compared by value; null is the same as absent. */
export function differences(olds: PropertyMap, news: PropertyMap): Difference[] {
  return [...compare(reveal(olds), reveal(news), [])];
}

function* compare(old: PropertyValue, now: PropertyValue, path: Path): Generator<Difference> {
  if (isDeepStrictEqual(old, now)) return;
  if (isAbsent(old) && isAbsent(now)) return;
  if (isMap(old) && isMap(now)) {
    for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
      yield* compare(old[key], now[key], [...path, key]);
    }
  } else if (isList(old) && isList(now)) {
    for (let index = 0; index < Math.max(old.length, now.length); index++) {
      yield* compare(old[index], now[index], [...path, index]);
    }
  } else if (isAbsent(old)) yield { path, kind: "add" };
  else if (isAbsent(now)) yield { path, kind: "delete" };
  else yield { path, kind: "update" };
}

function isAbsent(value: PropertyValue): value is null | undefined {
  return value === null || value === undefined;
}

/** A plan that replaces when a difference lies at or below one of the given paths ("a.b"). */
export function planReplacing(found: readonly Difference[], paths: readonly string[]): Plan {
  const replaces = found.filter(({ path }) =>
    paths.some((replacing) => isAtOrBelow(path, replacing.split("."))),
  );
  return { differences: found, replaces };
}

export function isAtOrBelow(path: Path, prefix: Path): boolean {
  return prefix.every((step, index) => path[index] === step);
}

/** The value at a path, or undefined. */
export function valueAt(value: PropertyValue, path: Path): PropertyValue {
  return path.reduce<PropertyValue>((inner, step) => {
    if (isList(inner)) return typeof step === "number" ? inner[step] : undefined;
    return isMap(inner) ? inner[step] : undefined;
  }, value);
}

/** Pulumi's notation: `spec.ports[0]["a.b"]`. */
export function formatPath(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === "number") return `[${step}]`;
      if (!/^[A-Za-z_$][\w$]*$/.test(step)) return `[${JSON.stringify(step)}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join("");
}
