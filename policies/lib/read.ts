/** Reads a nested field of untyped inputs; a step through anything absent gives undefined. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let here = value;
  for (const step of path) {
    if (typeof here !== "object" || here === null) return undefined;
    here = (here as Record<string | number, unknown>)[step];
  }
  return here;
}

/** Names of the fields of an object, or positions of a list; none for anything else. */
export function keysOf(collection: unknown): string[] {
  return typeof collection === "object" && collection !== null ? Object.keys(collection) : [];
}

/**
 * Visits every item of a list or map of untyped inputs, and every item even when one throws:
 * reading a value that a preview does not know yet throws, and one such value must not hide the
 * violations behind it.
 *
 * @throws the first error of any visit, after the last visit.
 */
export function visitEach(collection: unknown, visit: (item: unknown, key: string) => void): void {
  const errors: unknown[] = [];
  for (const key of keysOf(collection)) {
    try {
      visit(at(collection, key), key);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** True for a whole number of at least `minimum`; absent, fractional or textual values are not. */
export function isWholeNumber(value: unknown, minimum: number): boolean {
  return Number.isInteger(value) && (value as number) >= minimum;
}
