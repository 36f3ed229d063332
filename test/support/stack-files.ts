import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";

import type { ReleaseFiles } from "../../config/release.ts";
import type { Seals } from "../../config/released.ts";

export const repository = resolve(import.meta.dirname, "../..");

/** Other products, each a folder with its own stack file and releases. */
export const products = join(repository, "test/fixtures");

const prefix = "lifeline:";

/** The keys of `Pulumi.<stack>.yaml` in `folder`, in their order, without their namespace. */
export function stackConfig(stack: string, folder = repository): Record<string, unknown> {
  const file = parse(readFileSync(join(folder, `Pulumi.${stack}.yaml`), "utf8")) as {
    config: Record<string, unknown>;
  };
  return Object.fromEntries(
    Object.entries(file.config).map(([key, value]) => [key.slice(prefix.length), value]),
  );
}

/** Gives `config` to the program as the engine does: structured values as JSON; `secrets` were encrypted. */
export function useConfig(
  config: Readonly<Record<string, unknown>>,
  secrets: readonly string[] = ["registryCredentials", "archiveCredentials"],
): void {
  const encoded = Object.entries(config).map(([key, value]) => [
    prefix + key,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  pulumi.runtime.setAllConfig(
    Object.fromEntries(encoded) as Record<string, string>,
    secrets.map((key) => prefix + key),
  );
}

/** A copy of `config` with `value` at `path`; without `value`, what stands there is removed. */
export function changed(
  config: Readonly<Record<string, unknown>>,
  path: readonly (string | number)[],
  value?: unknown,
): Record<string, unknown> {
  const copy = structuredClone(config) as Record<string, unknown>;
  const parent = path
    .slice(0, -1)
    .reduce<Record<string | number, unknown>>(
      (node, key) => node[key] as Record<string | number, unknown>,
      copy,
    );
  const key = path.at(-1) ?? "";
  if (value !== undefined) parent[key] = value;
  else if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else Reflect.deleteProperty(parent, key);
  return copy;
}

/** Releases held in memory: the content of each file by version, and what was sealed. */
export function releasesOf(
  texts: Readonly<Record<string, string>>,
  seals: Seals = {},
): ReleaseFiles {
  return {
    versions: () => Object.keys(texts),
    read: (version) => texts[version] ?? "",
    seals: () => seals,
  };
}

/** The text of one of the repository's releases. */
export function releaseText(version: string): string {
  return readFileSync(join(repository, `releases/${version}.yaml`), "utf8");
}

/** Every folder of `products`. */
export function productFolders(): string[] {
  return readdirSync(products, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}
