import * as pulumi from "@pulumi/pulumi";

import { FailoverRecords } from "./components/failover-records.ts";
import type { Config, ReleaseSource } from "./config.ts";
import {
  loadConfig,
  loadReleases,
  plainSettings,
  refuseExampleValues,
  secretKeys,
} from "./config.ts";
import { declareRegions } from "./region.ts";
import { declareSecrets } from "./region/secrets.ts";
import { whenFinished } from "./rollback/finished.ts";
import { judgeChange } from "./rollback/judge.ts";
import { settingsToKeep } from "./rollback/settings.ts";
import { currentUser, readState } from "./rollback/state.ts";
import { retryJobs, tellOfStops } from "./rollback/stopped.ts";

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
  const finished = whenFinished();
  const config = loadConfig(options);
  warnOfExamples(config);
  const { now = new Date(), user = currentUser() } = options;
  const settings = plainSettings();
  const { ways, aroundRestore, ...judged } = judgeChange({
    ...{ stack: pulumi.getStack(), config, settings, now, user },
    releases: loadReleases(options),
    state: await readState(),
  });

  const run = {
    ...judged,
    hooks: { ...tellOfStops("stop", config, ways), ...retryJobs(config) },
    restoreHooks: tellOfStops("refused-restore", config, aroundRestore),
  };
  const [first, second] = declareRegions(config, declareSecrets(config), run);

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
    /** The next run reads both. */
    record: finished(judged.record),
    settings: finished(settingsToKeep(settings)),
    gateways: {
      [config.regions[0].name]: first.gatewayAddress,
      [config.regions[1].name]: second.gatewayAddress,
    },
  };
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
