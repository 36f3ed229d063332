import type { AccessArgs } from "../../components/access.ts";
import type { ArchiveBucketArgs } from "../../components/archive-bucket.ts";
import type { CertificatesArgs } from "../../components/certificates.ts";
import type { FailoverRecordsArgs } from "../../components/failover-records.ts";
import type { GatewayArgs } from "../../components/gateway.ts";
import type { MigrationArgs } from "../../components/migration.ts";
import type { MonitoringArgs } from "../../components/monitoring/monitoring.ts";
import type { NamespaceArgs } from "../../components/namespace.ts";
import type { NetworkPoliciesArgs } from "../../components/network-policies/network-policies.ts";
import type { PostgresArgs } from "../../components/postgres/postgres.ts";
import type { RegionProvidersArgs } from "../../components/region-providers.ts";
import type { SmokeGateArgs } from "../../components/smoke-gate.ts";
import type { WebServiceArgs } from "../../components/web-service.ts";

export const scope = { product: "acme", namespace: "acme-test" };

const resources = {
  requests: { cpu: "100m", memory: "128Mi" },
  limits: { cpu: "1", memory: "256Mi" },
};

export const image = (name: string): string => `images.test/${name}@sha256:${"a".repeat(64)}`;

export const namespaceArgs: NamespaceArgs = {
  scope,
  quota: { ...resources, storage: "10Gi", pods: 20 },
  limits: { default: resources, max: { cpu: "2", memory: "1Gi" } },
};

export const accessArgs: AccessArgs = { scope, secrets: "generated" };

export const networkPoliciesArgs: NetworkPoliciesArgs = {
  scope,
  gateway: { namespace: "entry", podLabels: { app: "gateway" } },
  monitoring: { namespace: "watch", podLabels: { app: "prometheus" } },
  clusterDns: { namespace: "names", podLabels: { app: "resolver" } },
};

export const certificatesArgs: CertificatesArgs = {
  scope,
  dnsNames: ["acme.test", "north.acme.test"],
  issuer: { kind: "ca", secretName: "authority" },
  certManager: { install: false },
};

export const postgresArgs: PostgresArgs = {
  scope,
  role: "primary",
  image: image("postgres"),
  database: "acme",
  user: "acme_user",
  storage: "10Gi",
  storageClass: "fast",
  resources,
  exporterResources: resources,
};

export const migrationArgs: MigrationArgs = {
  scope,
  image: image("migrations"),
  database: "acme",
  user: "acme_user",
  schema: { min: 3, max: 5, target: 4 },
  deadlineSeconds: 120,
  resources,
};

export const webServiceArgs: WebServiceArgs = {
  scope,
  workload: "backend",
  image: image("backend"),
  releaseVersion: "v1.2.3",
  config: { LOG_LEVEL: "info" },
  minReplicas: 3,
  maxReplicas: 6,
  targetCpuPercent: 70,
  resources,
};

export const gatewayArgs: GatewayArgs = {
  scope,
  className: "traefik",
  host: "acme.test",
  endpoint: "north.acme.test",
  tlsSecret: "acme-tls",
};

export const monitoringArgs: MonitoringArgs = {
  scope,
  labels: { release: "watch" },
  runbookBase: "https://runbooks.acme.test/pages",
};

export const smokeGateArgs: SmokeGateArgs = {
  scope,
  image: image("postgres"),
  database: "acme",
  user: "acme_user",
  release: { version: "v1.2.3", schema: { min: 3, max: 5 } },
  host: "acme.test",
  address: "192.0.2.1",
  contentHash: "0123456789",
  deadlineSeconds: 120,
  resources,
};

export const regionProvidersArgs: RegionProvidersArgs = {
  region: "eu-north-1",
  kubeContext: "north",
  clusterIdentifier: "acme-test-eu-north-1",
  role: "primary",
};

export const archiveBucketArgs: ArchiveBucketArgs = {
  bucketName: "acme-archive-eu-north-1",
  region: "eu-north-1",
  noncurrentDays: 30,
  tags: { owner: "acme" },
};

export const failoverRecordsArgs: FailoverRecordsArgs = {
  hostedZoneId: "Z0ACMETEST",
  host: "acme.test",
  ttlSeconds: 60,
  endpoints: [
    { region: "eu-north-1", endpoint: "north.acme.test" },
    { region: "eu-west-1", endpoint: "west.acme.test" },
  ],
  tags: { owner: "acme" },
};
