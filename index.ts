import * as pulumi from "@pulumi/pulumi";

import type { ArchiveKeys } from "./components/database-secrets.ts";
import { FailoverRecords } from "./components/failover-records.ts";
import { GeneratedSecrets } from "./components/generated-secrets.ts";
import { PrivateCa } from "./components/private-ca.ts";
import type { ArchiveCredentials, Config, ReleaseSource } from "./config.ts";
import {
  loadConfig,
  loadReleases,
  loadSecrets,
  refuseExampleValues,
  secretKeys,
} from "./config.ts";
import { declareRegions } from "./region.ts";
import type { RegionSecrets } from "./region/ground.ts";
import { judgeChange } from "./rollback/judge.ts";
import { currentUser, readState } from "./rollback/state.ts";

export interface LifelineOptions extends ReleaseSource {
  /** Moment that a change is recorded with. @default now */
  readonly now?: Date;
  /** Who is recorded, where the stack file names nobody. @default the user of this process */
  readonly user?: string;
}

/**
 * Declares one product in two regions: what is global here, what each region has in region.ts.
 * Rejects, before anything is declared, when the configuration is not valid, or the change is not safe as asked for.
 */
export default async function lifeline(options: LifelineOptions = {}) {
  const config = loadConfig(options);
  warnOfExamples(config);
  const { now = new Date(), user = currentUser() } = options;
  const record = judgeChange({
    ...{ stack: pulumi.getStack(), config, now, user },
    releases: loadReleases(options),
    state: await readState(),
  });

  const secrets = secretSource(config);
  const [first, second] = declareRegions(config, secrets, record);

  new FailoverRecords(
    "failover",
    {
      hostedZoneId: config.dns.hostedZoneId,
      host: config.host,
      ttlSeconds: config.dns.ttlSeconds,
      endpoints: [first.endpoint, second.endpoint],
      tags: { "lifeline:namespace": config.namespace },
    },
    { provider: first.aws },
  );
  return {
    release: config.release.version,
    url: `https://${config.host}`,
    activeRegion: config.activeRegion,
    /** Written when a run came to its end; the next run reads it. */
    record,
    gateways: {
      [config.regions[0].name]: first.gatewayAddress,
      [config.regions[1].name]: second.gatewayAddress,
    },
  };
}

/**
 * Where each region takes its secrets from: those made here are the same in both, others are kept per region.
 * @throws ConfigError when keys that the configuration speaks of are missing
 */
function secretSource(config: Config): (region: string, peer: string) => RegionSecrets {
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

/** A preview shows the whole program with example values; a run refuses them. */
function warnOfExamples(config: Config): void {
  const examples = refuseExampleValues(config, {
    stack: pulumi.getStack(),
    dryRun: pulumi.runtime.isDryRun(),
    secretKeys: secretKeys(),
  });
  if (examples.length === 0) return;
  const fields = examples.map(({ field }) => `  ${field}`).join("\n");
  void pulumi.log.warn(
    `${String(examples.length)} values are still examples; \`pulumi up\` refuses them:\n${fields}`,
  );
}
