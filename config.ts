import { resolve } from "node:path";

import * as pulumi from "@pulumi/pulumi";

import { parseConfig, validReleases } from "./config/parse.ts";
import { releaseFiles, type Release } from "./config/release.ts";
import { ConfigError, printable } from "./config/problems.ts";
import type { Config } from "./config/schema.ts";
import { missingArchiveCredentials, type ArchiveHolder } from "./config/secrets.ts";

export type * from "./config/schema.ts";
export { environmentOf, type Release } from "./config/release.ts";
export type { Problem } from "./config/problems.ts";
export { ConfigError } from "./config/problems.ts";
export { dataTarget, originOf } from "./config/generations.ts";
export { exampleValues, refuseExampleValues } from "./config/examples.ts";

const namespace = "lifeline";

export interface ReleaseSource {
  /** Folder of the release files. @default the folder `releases` beside this file */
  readonly releasesFolder?: string;
}

/**
 * The configuration of the current stack, complete and valid. Reads when called, never at import.
 * @throws ConfigError naming every problem at once
 */
export function loadConfig({ releasesFolder }: ReleaseSource = {}): Config {
  return parseConfig(pulumi.getStack(), rawSettings(), filesOf(releasesFolder), secretKeys());
}

/** Every release that is kept and valid: what there is to go back to. */
export function loadReleases({ releasesFolder }: ReleaseSource = {}): Release[] {
  return validReleases(filesOf(releasesFolder));
}

function filesOf(folder: string = resolve(import.meta.dirname, "releases")) {
  return releaseFiles(folder);
}

/** The SDK leaves this out of its types, and offers nothing else that tells a secret from a plain value. */
const { isConfigSecret } = pulumi.runtime as unknown as {
  isConfigSecret: (key: string) => boolean;
};

/** Keys of the current stack, without their namespace, that hold something encrypted. */
export function secretKeys(): ReadonlySet<string> {
  const prefix = `${namespace}:`;
  const all = Object.keys(pulumi.runtime.allConfig());
  return new Set(
    all
      .filter((key) => key.startsWith(prefix) && isConfigSecret(key))
      .map((key) => key.slice(prefix.length)),
  );
}

/** Every setting of the current stack that is no secret, by its name without the namespace, as it is written. */
export function plainSettings(): Record<string, unknown> {
  const secret = secretKeys();
  return Object.fromEntries(Object.entries(rawSettings()).filter(([name]) => !secret.has(name)));
}

function rawSettings(): Record<string, unknown> {
  const raw: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(pulumi.runtime.allConfig())) {
    const [owner, name] = key.split(/:(.*)/s);
    if (owner === namespace && name !== undefined) raw[name] = structured(value);
  }
  return raw;
}

/** Values that stay secret: they are never parsed into `Config` and never printed. */
export interface SecretValues {
  /** Content of a `.dockerconfigjson`; absent when images are pulled without credentials. */
  readonly registryCredentials: pulumi.Output<string> | undefined;
  /** Keys of S3 servers; absent when pods reach S3 by their service account. */
  readonly archiveCredentials: pulumi.Output<ArchiveCredentials> | undefined;
}

/** By region and by holder. */
export type ArchiveCredentials = Readonly<
  Record<string, Readonly<Record<ArchiveHolder, { accessKey: string; secretKey: string }>>>
>;

/**
 * The secrets of the current stack. Call it after `loadConfig`, which checks them.
 * @throws ConfigError when the archives are reached with keys and there are none
 */
export function loadSecrets({ backups }: Pick<Config, "backups">): SecretValues {
  const config = new pulumi.Config(namespace);
  const archiveCredentials = config.getSecretObject<ArchiveCredentials>("archiveCredentials");
  if (backups.access.kind === "keys" && archiveCredentials === undefined) {
    throw new ConfigError(pulumi.getStack(), [
      { ...missingArchiveCredentials, value: printable(undefined) },
    ]);
  }
  return { registryCredentials: config.getSecret("registryCredentials"), archiveCredentials };
}

/** The engine hands structured values over as JSON, and plain ones as they are. */
function structured(value: string): unknown {
  if (!/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
