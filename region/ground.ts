import type * as pulumi from "@pulumi/pulumi";

import { Access } from "../components/access.ts";
import type { SecretSource } from "../components/app-secrets.ts";
import { AppSecrets } from "../components/app-secrets.ts";
import { ArchiveBucket } from "../components/archive-bucket.ts";
import { Certificates } from "../components/certificates.ts";
import type { DatabaseSecretsArgs } from "../components/database-secrets.ts";
import { DatabaseSecrets } from "../components/database-secrets.ts";
import type { Archive } from "../components/lib/archive.ts";
import { archiveEndpoint } from "../components/lib/archive.ts";
import type { Scope } from "../components/lib/labels.ts";
import { entrancePorts } from "../components/lib/peering.ts";
import { pullSecret } from "../components/lib/secret-files.ts";
import { Namespace } from "../components/namespace.ts";
import { NetworkPolicies } from "../components/network-policies/network-policies.ts";
import { RegionProviders } from "../components/region-providers.ts";
import { ReleaseRecord } from "../components/release-record.ts";
import type { Config, Region, Role } from "../config.ts";

/** Where a region takes its secrets from. */
export interface RegionSecrets {
  readonly app: SecretSource;
  readonly database: DatabaseSecretsArgs["source"];
}

/** What there is to know about the run that declares it. */
export interface Run {
  /** The record that it leaves. */
  readonly record: string;
  /** Names of the points before the release's migrations, which data can go back to. */
  readonly restorePoints: readonly string[];
  /** Number of the deployment in the record. */
  readonly deployment: number;
  /** Where and when the serving generation of the data was asked for; undefined where it began empty. */
  readonly restored?: { readonly region: string; readonly at: string };
  /** Who is told when a part that runs in the cluster does not come to its end. */
  readonly hooks: pulumi.ResourceHookBinding;
  /** Who is told when a restore is refused. */
  readonly restoreHooks: pulumi.ResourceHookBinding;
}

/** One region with all that stands there before anything runs. */
export interface Ground {
  readonly region: Region;
  readonly peer: Region;
  readonly role: Role;
  readonly scope: Scope;
  readonly providers: RegionProviders;
  readonly namespace: Namespace;
  readonly certificates: Certificates;
  /** What every workload needs. */
  readonly foundation: readonly pulumi.Resource[];
  /** What the database needs beside it. */
  readonly databaseFoundation: readonly pulumi.Resource[];
  /** Name of a thing of this region in the program. */
  readonly name: (thing: string) => string;
  readonly inCluster: (...dependsOn: pulumi.Resource[]) => pulumi.ComponentResourceOptions;
}

/** Names and addresses of the region's own entry. */
export const entryOf = ({ host }: Config, { name }: Region): string => `${name}.${host}`;

/** A region's archive in S3. */
export function archiveOf({ backups }: Config, { name, archive }: Region): Archive {
  return {
    bucket: `${backups.bucketPrefix}-${name}`,
    region: name,
    ...(archive !== undefined && { endpoint: archive.endpoint }),
  };
}

/** Declares namespace, rights, network, secrets, certificates and archive of one region: the same in both. */
export function declareGround(
  config: Config,
  region: Region,
  peer: Region,
  secrets: RegionSecrets,
  { record: history, hooks }: Run,
): Ground {
  const { release } = config;
  const scope = { product: config.product, namespace: config.namespace };
  const role: Role = region.name === config.activeRegion ? "primary" : "standby";
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
    hooks,
  });

  const namespace = new Namespace(
    name("namespace"),
    { scope, quota: config.quota, limits: config.limits, peering: config.peering.kind },
    inCluster(),
  );
  const hasPullSecret = secrets.app.mode === "external" || secrets.app.registryConfig !== undefined;
  const access = new Access(
    name("access"),
    {
      ...{ scope, secrets: secrets.app.mode, roleArns: archiveRoles(config, region) },
      ...(hasPullSecret && { pullSecret }),
    },
    inCluster(namespace),
  );
  const network = new NetworkPolicies(
    name("network"),
    { scope, ...config, ...outsideOf(config, region, peer) },
    inCluster(namespace),
  );
  const appVersion = release.secrets?.app;
  const appSecrets = new AppSecrets(
    name("secrets"),
    { scope, source: secrets.app, ...(appVersion !== undefined && { appVersion }) },
    inCluster(namespace),
  );
  const databaseSecrets = new DatabaseSecrets(
    name("database-secrets"),
    { scope, source: secrets.database },
    // The store that external secrets are read from is declared there.
    inCluster(namespace, appSecrets),
  );
  const record = new ReleaseRecord(
    name("record"),
    { scope, release: release.version, record: history },
    inCluster(namespace),
  );
  const certificates = new Certificates(
    name("certificates"),
    {
      scope,
      dnsNames: [config.host, entryOf(config, region)],
      issuer: issuer(config, region),
      deadlineSeconds: config.certificates.deadlineSeconds,
      certManager: config.certificates.certManager,
    },
    inCluster(namespace),
  );
  const archive = new ArchiveBucket(
    name("archive"),
    {
      bucketName: archiveOf(config, region).bucket,
      region: region.name,
      noncurrentDays: config.backups.restoreWindowDays,
      tags: { "lifeline:namespace": config.namespace },
    },
    { provider: providers.aws },
  );
  return {
    ...{ region, peer, role, scope, providers, namespace, certificates, name, inCluster },
    foundation: [access, network, appSecrets, record],
    // Its Certificate needs cert-manager, which may come with the product's own certificates.
    databaseFoundation: [databaseSecrets, certificates, archive],
  };
}

/** Who may write which archive, where IAM says it. */
function archiveRoles({ backups: { access } }: Config, { name }: Region) {
  if (access.kind !== "webIdentity") return {};
  const roles = access.roleArns[name];
  if (roles === undefined) return {};
  return { database: roles.archive, backup: roles.archive, "restore-proof": roles.proof };
}

/** What the database talks with outside the cluster. */
function outsideOf(config: Config, region: Region, peer: Region) {
  const port = (place: Region) =>
    Number(archiveEndpoint(archiveOf(config, place)).split(":").at(-1));
  return {
    otherRegion: { cidrs: peer.peer.cidrs, ports: entrancePorts(config.peering) },
    storagePorts: [port(region), port(peer)],
  };
}

function issuer({ certificates, dns }: Config, { name }: Region) {
  return certificates.issuer.kind === "ca"
    ? certificates.issuer
    : { ...certificates.issuer, hostedZoneId: dns.hostedZoneId, region: name };
}
