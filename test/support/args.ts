import type { AccessArgs } from "../../components/access.ts";
import type { ArchiveBucketArgs } from "../../components/archive-bucket.ts";
import type { CertificatesArgs } from "../../components/certificates.ts";
import type { DatabaseCertificatesArgs } from "../../components/database-certificates.ts";
import type { FailoverRecordsArgs } from "../../components/failover-records.ts";
import type { GatewayArgs } from "../../components/gateway.ts";
import type { MigrationArgs } from "../../components/migration.ts";
import type { MonitoringArgs } from "../../components/monitoring/monitoring.ts";
import type { NamespaceArgs } from "../../components/namespace.ts";
import type { NetworkPoliciesArgs } from "../../components/network-policies/network-policies.ts";
import type { BackupsArgs } from "../../components/postgres/backups.ts";
import type { PostgresArgs } from "../../components/postgres/postgres.ts";
import type { PostgresRoleArgs } from "../../components/postgres/role.ts";
import type { RegionProvidersArgs } from "../../components/region-providers.ts";
import type { SmokeGateArgs } from "../../components/smoke-gate.ts";
import type { WebServiceArgs } from "../../components/web-service.ts";
import type { WritableGateArgs } from "../../components/writable-gate.ts";

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
  peering: "nodePort",
};

export const accessArgs: AccessArgs = { scope, secrets: "generated" };

export const networkPoliciesArgs: NetworkPoliciesArgs = {
  scope,
  gateway: { namespace: "entry", podLabels: { app: "gateway" } },
  monitoring: { namespace: "watch", podLabels: { app: "prometheus" } },
  clusterDns: { namespace: "names", podLabels: { app: "resolver" } },
  otherRegion: { cidrs: ["10.2.0.0/16"], ports: { postgres: 30432, api: 30008, backup: 30843 } },
  storagePorts: [443, 9000],
};

export const certificatesArgs: CertificatesArgs = {
  scope,
  dnsNames: ["acme.test", "north.acme.test"],
  issuer: { kind: "ca", secretName: "authority" },
  deadlineSeconds: 60,
  certManager: { install: false },
};

const database = { scope, database: "acme", user: "acme_user" };

const peering = {
  kind: "nodePort",
  ports: { postgres: 30432, api: 30008, backup: 30843 },
} as const;

const otherRegion = {
  region: "eu-west-1",
  entrance: { host: "db.west.acme.test" },
  archive: { bucket: "acme-archive-eu-west-1", region: "eu-west-1" },
};

export const postgresArgs: PostgresArgs = {
  ...database,
  region: "eu-north-1",
  storageClass: "fast",
  entrance: { host: "db.north.acme.test" },
  archive: { bucket: "acme-archive-eu-north-1", region: "eu-north-1" },
  archiveAccess: "keys",
  peer: otherRegion,
  peerCidrs: ["10.2.0.0/16"],
  peering,
  image: image("postgres"),
  replicas: 3,
  generations: [{ number: 1, storage: "10Gi" }],
  resources,
  exporterResources: resources,
  sidecarResources: resources,
};

export const postgresRoleArgs: PostgresRoleArgs = {
  scope,
  generations: [{ number: 1, storage: "10Gi" }],
  memory: "8Gi",
};

export const backupsArgs: BackupsArgs = {
  ...database,
  region: "eu-north-1",
  storageClass: "fast",
  archiveAccess: "keys",
  peer: otherRegion,
  peering,
  image: image("postgres"),
  replicas: 3,
  generation: { number: 1, storage: "10Gi" },
  schedules: { full: "0 1 * * SUN", differential: "0 2 * * *" },
  restoreProof: "0 3 * * SUN",
  deadlineSeconds: 3600,
  restoreWindowDays: 30,
  monthlyBackups: 12,
  resources,
};

export const databaseCertificatesArgs: DatabaseCertificatesArgs = {
  scope,
  entrance: { host: "db.north.acme.test", apiHost: "api.north.acme.test" },
  membersService: "postgres-members",
};

export const writableGateArgs: WritableGateArgs = {
  ...database,
  image: image("postgres"),
  generation: 1,
  deadlineSeconds: 120,
  resources,
};

export const migrationArgs: MigrationArgs = {
  scope,
  image: image("migrations"),
  database: "acme",
  user: "acme_user",
  databaseImage: image("postgres"),
  restorePoints: ["v1.2.3"],
  peerPostgres: "db.west.acme.test:30432",
  schema: { min: 3, max: 5, target: 4 },
  generation: 1,
  deployment: 7,
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
  deadlineSeconds: 90,
  resources,
};

export const gatewayArgs: GatewayArgs = {
  scope,
  className: "traefik",
  host: "acme.test",
  endpoint: "north.acme.test",
  tlsSecret: "acme-tls",
  deadlineSeconds: 45,
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
