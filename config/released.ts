import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { contentHash } from "../components/lib/content-hash.ts";
import { writePath } from "./issues.ts";
import { printable, type Problem } from "./problems.ts";
import type { Release } from "./release.ts";

/** Checksums of a release's values by their path: enough to name what was changed, without keeping it twice. */
export type Seal = Readonly<Record<string, string>>;

/** Every release that may not change any more, by version. */
export type Seals = Readonly<Record<string, Seal>>;

/** Beside the releases; not a release itself. */
export const sealsFile = "released.json";

/** The seals of a folder of releases; a folder without any has none. @throws SyntaxError for a broken file */
export function readSeals(folder: string): Seals {
  const file = join(folder, sealsFile);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Seals) : {};
}

/** What a release is sealed with. Comments, order and layout of its file are free. */
export function sealOf(release: Release): Seal {
  return Object.fromEntries(
    leaves(release, []).map(([path, value]) => [writePath(path), contentHash(value)]),
  );
}

/** Every value of a release that is not what was sealed; none when it was not sealed. */
export function brokenSeal(release: Release, seal: Seal | undefined): Problem[] {
  if (seal === undefined) return [];
  const file = `releases/${release.version}.yaml`;
  const fix = `restore the value (git log -p ${file}); a change is a new release: npm run release -- new <version> --from ${release.version}`;
  const found = new Map(leaves(release, []).map(([path, value]) => [writePath(path), value]));
  const paths = [...new Set([...Object.keys(seal), ...found.keys()])];
  return paths.flatMap((path) => {
    const value = found.get(path);
    const sealed = seal[path];
    if (value !== undefined && sealed === contentHash(value)) return [];
    return [
      {
        field: `${file}: ${path}`,
        value: printable(value),
        allowed:
          sealed === undefined
            ? "nothing: it was released without it"
            : `what was released, with the checksum ${sealed}`,
        fix,
      },
    ];
  });
}

/** Changes between two states of `released.json` that take back what was sealed, by version. */
export function unsealed(before: Seals, now: Seals): string[] {
  return Object.entries(before)
    .filter(([version, seal]) => contentHash(now[version] ?? {}) !== contentHash(seal))
    .map(([version]) => version);
}

function leaves(value: unknown, path: readonly PropertyKey[]): [readonly PropertyKey[], unknown][] {
  if (typeof value !== "object" || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}
