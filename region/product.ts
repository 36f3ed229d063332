import type * as pulumi from "@pulumi/pulumi";

import { Gateway } from "../components/gateway.ts";
import { contentHash } from "../components/lib/content-hash.ts";
import { databaseEnvironment, databaseFiles } from "../components/lib/database.ts";
import { entranceAddresses } from "../components/lib/peering.ts";
import { jwtSecret } from "../components/lib/secret-files.ts";
import { Migration } from "../components/migration.ts";
import { Monitoring } from "../components/monitoring/monitoring.ts";
import { RegionEndpoint } from "../components/region-endpoint.ts";
import { SmokeGate } from "../components/smoke-gate.ts";
import { WebService } from "../components/web-service.ts";
import { WritableGate } from "../components/writable-gate.ts";
import { environmentOf, type Config } from "../config.ts";
import { entryOf, type Ground, type Run } from "./ground.ts";

/** Brings the schema to the release, in the region that writes, as soon as it writes. */
export function declareMigration(
  config: Config,
  { scope, peer, name, inCluster }: Ground,
  after: pulumi.Resource,
  { restorePoints, deployment }: Pick<Run, "restorePoints" | "deployment">,
): Migration {
  const { release, postgres, smoke, migration } = config;
  const { database, user, image } = postgres;
  const gate = new WritableGate(
    name("writable"),
    { ...smoke, ...{ scope, database, user, image }, generation: postgres.generations.length },
    inCluster(after),
  );
  const { host, port } = entranceAddresses(peer.peer, config.peering).postgres;
  return new Migration(
    name("migration"),
    {
      ...{ scope, database, user, ...migration },
      image: release.images.migrations,
      databaseImage: image,
      peerPostgres: `${host}:${String(port)}`,
      ...{ restorePoints, deployment },
      schema: release.schema,
      generation: postgres.generations.length,
    },
    inCluster(gate),
  );
}

/** Declares what users meet in one region, after `schema` is what the release needs. */
export function declareProduct(
  config: Config,
  ground: Ground,
  databaseReady: pulumi.Resource,
  schema: pulumi.Resource,
  { deployment }: Pick<Run, "deployment">,
): pulumi.Output<string> {
  const { release, host, dns, postgres } = config;
  const { region, scope, name, inCluster, foundation, certificates } = ground;
  const { database, user } = postgres;
  const endpoint = entryOf(config, region);
  const tokenKey = jwtSecret(release.secrets?.app);

  const backend = new WebService(
    name("backend"),
    {
      ...{ scope, workload: "backend", ...config.backend },
      image: release.images.backend,
      releaseVersion: release.version,
      environment: {
        ...databaseEnvironment({ database, user }),
        JWT_SECRET_FILE: `${tokenKey.folder}/${tokenKey.key}`,
        SCHEMA_MIN: String(release.schema.min),
        SCHEMA_MAX: String(release.schema.max),
      },
      config: environmentOf(release, "backend"),
      secretFiles: [...databaseFiles, tokenKey],
    },
    inCluster(databaseReady, schema),
  );
  const frontend = new WebService(
    name("frontend"),
    {
      ...{ scope, workload: "frontend", ...config.frontend },
      image: release.images.frontend,
      releaseVersion: release.version,
      config: environmentOf(release, "frontend"),
    },
    // Last: where a release stops at its backend, nothing of it is seen.
    inCluster(...foundation, backend),
  );
  const gateway = new Gateway(
    name("gateway"),
    {
      ...{ scope, host, endpoint },
      className: config.gateway.className,
      deadlineSeconds: config.gateway.deadlineSeconds,
      tlsSecret: certificates.tlsSecret,
      ...(region.gatewayAddress !== undefined && { address: region.gatewayAddress }),
    },
    inCluster(certificates, backend, frontend),
  );
  new SmokeGate(
    name("smoke"),
    {
      ...{ scope, release, host, database, user, ...config.smoke },
      address: gateway.address,
      contentHash: judgedBySmoke(config, deployment),
    },
    inCluster(gateway),
  );
  const { labels, runbookBase } = config.monitoring;
  new Monitoring(name("monitoring"), { scope, labels, runbookBase }, inCluster(ground.namespace));
  new RegionEndpoint(
    name("endpoint"),
    {
      hostedZoneId: dns.hostedZoneId,
      ttlSeconds: dns.ttlSeconds,
      endpoint,
      address: gateway.address,
    },
    { provider: ground.providers.aws },
  );
  return gateway.address;
}

/**
 * Everything that decides whether the product works, once more for each deployment: one that failed may have left behind
 * what this one does not change. Not which region is active: a failover runs no gate in a lost region.
 */
function judgedBySmoke(config: Config, deployment: number): string {
  const { release, host, backend, frontend, postgres, gateway } = config;
  return contentHash({ release, host, backend, frontend, postgres, gateway, deployment });
}
