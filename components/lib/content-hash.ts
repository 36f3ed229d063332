import { createHash } from "node:crypto";

/**
 * Ten hexadecimal digits that change when the value does. Plain data only: the order of keys does not count, and a key
 * whose value is undefined counts as absent.
 */
export function contentHash(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value, sortKeys)).digest("hex").slice(0, 10);
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
