import type { Provider as AwsProvider } from "@pulumi/aws/provider.js";
import type * as pulumi from "@pulumi/pulumi";

import { Access } from "./components/access.ts";
import type { SecretSource } from "./components/app-secrets.ts";
import { AppSecrets } from "./components/app-secrets.ts";
import { ArchiveBucket } from "./components/archive-bucket.ts";
import { Certificates } from "./components/certificates.ts";
import type { FailoverEndpoint } from "./components/failover-records.ts";
import { Gateway } from "./components/gateway.ts";
import { contentHash } from "./components/lib/content-hash.ts";
import { databaseEnvironment, databasePassword } from "./components/lib/database.ts";
import { jwtSecret, pullSecret } from "./components/lib/secret-files.ts";
import { Migration } from "./components/migration.ts";
import { Monitoring } from "./components/monitoring/monitoring.ts";
import { Namespace } from "./components/namespace.ts";
import { NetworkPolicies } from "./components/network-policies/network-policies.ts";
import { Postgres } from "./components/postgres/postgres.ts";
import { RegionEndpoint } from "./components/region-endpoint.ts";
import { RegionProviders } from "./components/region-providers.ts";
import { ReleaseRecord } from "./components/release-record.ts";
import { SmokeGate } from "./components/smoke-gate.ts";
import { WebService } from "./components/web-service.ts";
import { environmentOf, type Config, type Region, type Role } from "./config.ts";

/** What the global part needs to know of a region. */
export interface DeclaredRegion {
  readonly aws: AwsProvider;
  readonly endpoint: FailoverEndpoint;
  readonly gatewayAddress: pulumi.Output<string>;
}

/** Declares everything that one region has. Both regions have the same; the role alone tells them apart. */
export function declareRegion(
  config: Config,
  region: Region,
  secretsOf: (region: string) => SecretSource,
  history: string,
): DeclaredRegion {
  const { release, host, dns } = config;
  const scope = { product: config.product, namespace: config.namespace };
  const role: Role = region.name === config.activeRegion ? "primary" : "standby";
  const endpoint = `${region.name}.${host}`;
  const source = secretsOf(region.name);

  const name = (thing: string) => `${region.name}-${thing}`;
  const providers = new RegionProviders(name("providers"), {
    region: region.name,
    kubeContext: region.kubeContext,
    clusterIdentifier: `${config.namespace}-${region.name}`,
    role,
    ...(config.kubeconfig !== undefined && { kubeconfig: config.kubeconfig }),
  });
  const inCluster = (...dependsOn: pulumi.Resource[]) => ({
    provider: providers.cluster,
    dependsOn,
  });
  const inAws = { provider: providers.aws };

  const namespace = new Namespace(
    name("namespace"),
    { scope, quota: config.quota, limits: config.limits },
    inCluster(),
  );
  const hasPullSecret = source.mode === "external" || source.registryConfig !== undefined;
  const access = new Access(
    name("access"),
    { scope, secrets: source.mode, ...(hasPullSecret && { pullSecret }) },
    inCluster(namespace),
  );
  const network = new NetworkPolicies(
    name("network"),
    {
      scope,
      gateway: config.gateway,
      monitoring: config.monitoring,
      clusterDns: config.clusterDns,
    },
    inCluster(namespace),
  );
  const appVersion = release.secrets?.app;
  const tokenKey = jwtSecret(appVersion);
  const appSecrets = new AppSecrets(
    name("secrets"),
    { scope, source, ...(appVersion !== undefined && { appVersion }) },
    inCluster(namespace),
  );
  const record = new ReleaseRecord(
    name("record"),
    { scope, release: release.version, record: history },
    inCluster(namespace),
  );
  const foundation = [access, network, appSecrets, record];

  const certificates = new Certificates(
    name("certificates"),
    {
      scope,
      dnsNames: [host, endpoint],
      issuer: issuer(config, region),
      certManager: config.certificates.certManager,
    },
    inCluster(namespace),
  );
  const postgres = new Postgres(
    name("postgres"),
    { scope, role, storageClass: region.storageClass, ...config.postgres },
    inCluster(...foundation),
  );
  const { database, user } = config.postgres;
  const migration = new Migration(
    name("migration"),
    {
      ...{ scope, database, user, ...config.migration },
      image: release.images.migrations,
      schema: release.schema,
    },
    inCluster(postgres),
  );
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
      secretFiles: [databasePassword, tokenKey],
    },
    inCluster(migration),
  );
  const frontend = new WebService(
    name("frontend"),
    {
      ...{ scope, workload: "frontend", ...config.frontend },
      image: release.images.frontend,
      releaseVersion: release.version,
      config: environmentOf(release, "frontend"),
    },
    inCluster(...foundation),
  );
  const gateway = new Gateway(
    name("gateway"),
    {
      ...{ scope, host, endpoint },
      className: config.gateway.className,
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
      contentHash: judgedBySmoke(config),
    },
    inCluster(gateway),
  );
  const { labels, runbookBase } = config.monitoring;
  new Monitoring(name("monitoring"), { scope, labels, runbookBase }, inCluster(namespace));
  new RegionEndpoint(
    name("endpoint"),
    {
      hostedZoneId: dns.hostedZoneId,
      ttlSeconds: dns.ttlSeconds,
      endpoint,
      address: gateway.address,
    },
    inAws,
  );
  new ArchiveBucket(
    name("archive"),
    {
      bucketName: `${config.backups.bucketPrefix}-${region.name}`,
      region: region.name,
      noncurrentDays: config.backups.restoreWindowDays,
      tags: { "lifeline:namespace": config.namespace },
    },
    inAws,
  );
  return {
    aws: providers.aws,
    endpoint: { region: region.name, endpoint },
    gatewayAddress: gateway.address,
  };
}

function issuer({ certificates, dns }: Config, { name }: Region) {
  return certificates.issuer.kind === "ca"
    ? certificates.issuer
    : { ...certificates.issuer, hostedZoneId: dns.hostedZoneId, region: name };
}

/** Everything that decides whether the product works, and not which region is active: a failover runs no gate in a lost region. */
function judgedBySmoke({ release, host, backend, frontend, postgres, gateway }: Config): string {
  return contentHash({ release, host, backend, frontend, postgres, gateway });
}
