import type * as pulumi from "@pulumi/pulumi";

import type { ArchiveKeys } from "../components/database-secrets.ts";
import { GeneratedSecrets } from "../components/generated-secrets.ts";
import { PrivateCa } from "../components/private-ca.ts";
import { type ArchiveCredentials, type Config, loadSecrets } from "../config.ts";
import type { RegionSecrets } from "./ground.ts";

/**
 * Where each region takes its secrets from: those made here are the same in both, others are kept per region.
 * @throws ConfigError when keys that the configuration speaks of are missing
 */
export function declareSecrets(config: Config): (region: string, peer: string) => RegionSecrets {
  const { secrets, regions } = config;
  const { registryCredentials, archiveCredentials } = loadSecrets(config);
  if (secrets.mode === "external") {
    const { database: name, ...names } = secrets.names;
    return (region, peer) => ({
      app: { ...secrets, names, region },
      database: { mode: "external", name, region, peerRegion: peer },
    });
  }
  const { postgresPassword, jwtSecret, cipherKeys } = new GeneratedSecrets("secrets", {
    regions: regions.map(({ name }) => name),
  });
  const authority = new PrivateCa("database-ca", { commonName: `${config.namespace} database` });
  const app = {
    mode: "generated",
    postgresPassword,
    jwtSecret,
    ...(registryCredentials !== undefined && { registryConfig: registryCredentials }),
  } as const;
  return (region, peer) => ({
    app,
    database: {
      mode: "generated",
      authority,
      ownCipherKey: cipherKeys[region] ?? "",
      peerCipherKey: cipherKeys[peer] ?? "",
      ...(archiveCredentials !== undefined && { keys: keysOf(archiveCredentials, region) }),
    },
  });
}

function keysOf(
  credentials: pulumi.Output<ArchiveCredentials>,
  region: string,
): pulumi.Output<ArchiveKeys> {
  return credentials.apply((all) => {
    const keys = all[region];
    // The configuration was refused without them.
    if (keys === undefined) throw new Error(`archiveCredentials has no entry for ${region}`);
    return keys;
  });
}
