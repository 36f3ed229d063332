import { createHash, randomBytes } from "node:crypto";

/** `name-<hex>` for a resource whose program gives it no name; the same for the same seed. */
export function uniqueName(name: string, seed: Uint8Array, digits: number): string {
  const bytes = seed.length > 0 ? createHash("sha256").update(seed).digest() : randomBytes(32);
  return `${name}-${bytes.toString("hex").slice(0, digits)}`;
}
