import type { Provider as AwsProvider } from "@pulumi/aws/provider.js";
import type * as pulumi from "@pulumi/pulumi";

import type { FailoverEndpoint } from "./components/failover-records.ts";
import type { Postgres } from "./components/postgres/postgres.ts";
import type { Config } from "./config.ts";
import { declareDatabase, declareRestoreGate, declareRole } from "./region/database.ts";
import type { Ground, RegionSecrets, Run } from "./region/ground.ts";
import { declareGround, entryOf } from "./region/ground.ts";
import { declareMigration, declareProduct } from "./region/product.ts";

/** What the global part needs to know of a region. */
export interface DeclaredRegion {
  readonly aws: AwsProvider;
  readonly endpoint: FailoverEndpoint;
  readonly gatewayAddress: pulumi.Output<string>;
}

/**
 * Declares everything that the two regions have. Both have the same but for what only the writing one does; in which order
 * the regions follow each other is said here and nowhere else.
 */
export function declareRegions(
  config: Config,
  secretsOf: (region: string, peer: string) => RegionSecrets,
  run: Run,
): readonly [DeclaredRegion, DeclaredRegion] {
  const [first, second] = config.regions;
  const here = declareGround(config, first, second, secretsOf(first.name, second.name), run);
  const there = declareGround(config, second, first, secretsOf(second.name, first.name), run);
  const [primary, standby] = here.role === "primary" ? [here, there] : [there, here];

  // A restore that cannot be made is refused before anything is closed for it.
  const gate = declareRestoreGate(config, [here, there], run);
  // The region that stops writing hears it first: in a planned move it hands over all that it has.
  const standbyRole = declareRole(config, standby, gate);
  const primaryRole = declareRole(config, primary, [...gate, standbyRole]);
  // The standby begins as a copy of the primary.
  const primaryDatabase = declareDatabase(config, primary, [primaryRole]);
  const standbyDatabase = declareDatabase(config, standby, [standbyRole, primaryDatabase]);
  const schema = declareMigration(config, primary, primaryDatabase, run);

  const product = (ground: Ground, database: Postgres): DeclaredRegion => ({
    aws: ground.providers.aws,
    endpoint: { region: ground.region.name, endpoint: entryOf(config, ground.region) },
    gatewayAddress: declareProduct(config, ground, database, schema, run),
  });
  const declared = [product(primary, primaryDatabase), product(standby, standbyDatabase)] as const;
  return here === primary ? declared : [declared[1], declared[0]];
}
