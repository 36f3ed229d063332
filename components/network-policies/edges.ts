import type { Workload } from "../lib/labels.ts";
import { ports } from "../lib/ports.ts";

/** Pods outside the namespace. */
export interface OutsidePods {
  readonly namespace: string;
  readonly podLabels: Readonly<Record<string, string>>;
}

/** Addresses outside the cluster. */
export interface Networks {
  readonly cidrs: readonly string[];
}

/** A side of an edge: a workload of the product, pods outside its namespace, or networks outside the cluster. */
export type Peer = { readonly workload: Workload } | OutsidePods | Networks;

export interface Port {
  readonly protocol: "TCP" | "UDP";
  readonly port: number;
}

/** One permission to open connections. */
export interface Edge {
  /** Says who may reach whom; names the policies of both sides. */
  readonly name: string;
  readonly from: Peer;
  readonly to: Peer;
  readonly ports: readonly Port[];
}

/** Everybody outside the namespace whom the product talks with. */
export interface OutsidePeers {
  /** Pods of the Gateway controller: the only way in from outside. */
  readonly gateway: OutsidePods;
  /** Pods that may scrape metrics. */
  readonly monitoring: OutsidePods;
  /** Pods that resolve the cluster's names. */
  readonly clusterDns: OutsidePods;
  readonly otherRegion: OtherRegion;
  /** Ports of S3 in both regions. */
  readonly storagePorts: readonly number[];
}

/** The other region's database. */
export interface OtherRegion extends Networks {
  /** Ports of its entrances. */
  readonly ports: { readonly postgres: number; readonly api: number; readonly backup: number };
}

/** S3 and the API server have no addresses that a policy could name: providers change them without notice. */
const anywhere: Networks = { cidrs: ["0.0.0.0/0"] };

/** Of the API server: as a Service, and as it listens in many clusters, which some network policies judge by. */
const apiServerPorts = [443, 6443];

const tcp = (...numbers: number[]): Port[] =>
  [...new Set(numbers)].map((port) => ({ protocol: "TCP", port }));

/** Every connection that the product needs; what is not listed is refused. */
export function edges(outside: OutsidePeers): Edge[] {
  return [...productEdges(outside), ...databaseEdges(outside)];
}

function productEdges({ gateway, monitoring, clusterDns }: OutsidePeers): Edge[] {
  const database = { workload: "database" } as const;
  const backend = { workload: "backend" } as const;
  const frontend = { workload: "frontend" } as const;
  const migration = { workload: "migration" } as const;
  const smoke = { workload: "smoke" } as const;
  const resolve: Port[] = [{ protocol: "UDP", port: 53 }, ...tcp(53)];
  return [
    { name: "backend-to-dns", from: backend, to: clusterDns, ports: resolve },
    { name: "migration-to-dns", from: migration, to: clusterDns, ports: resolve },
    { name: "smoke-to-dns", from: smoke, to: clusterDns, ports: resolve },
    { name: "gateway-to-frontend", from: gateway, to: frontend, ports: tcp(ports.frontend) },
    { name: "gateway-to-backend", from: gateway, to: backend, ports: tcp(ports.backend) },
    { name: "backend-to-database", from: backend, to: database, ports: tcp(ports.postgres) },
    { name: "migration-to-database", from: migration, to: database, ports: tcp(ports.postgres) },
    { name: "smoke-to-database", from: smoke, to: database, ports: tcp(ports.postgres) },
    { name: "smoke-to-backend", from: smoke, to: backend, ports: tcp(ports.backend) },
    { name: "smoke-to-frontend", from: smoke, to: frontend, ports: tcp(ports.frontend) },
    { name: "monitoring-to-backend", from: monitoring, to: backend, ports: tcp(ports.metrics) },
    { name: "monitoring-to-frontend", from: monitoring, to: frontend, ports: tcp(ports.metrics) },
  ];
}

/** The database among its members, with the other region, with its archive, and with those who look after it. */
function databaseEdges({
  monitoring,
  clusterDns,
  otherRegion,
  storagePorts,
}: OutsidePeers): Edge[] {
  const database = { workload: "database" } as const;
  const backup = { workload: "backup" } as const;
  const restoreProof = { workload: "restore-proof" } as const;
  const gate = { workload: "gate" } as const;
  const migration = { workload: "migration" } as const;
  const { ports: entrance } = otherRegion;
  const resolve: Port[] = [{ protocol: "UDP", port: 53 }, ...tcp(53)];
  const nodes = tcp(ports.postgres, ports.patroni, ports.pgbackrest);
  return [
    { name: "database-to-dns", from: database, to: clusterDns, ports: resolve },
    { name: "backup-to-dns", from: backup, to: clusterDns, ports: resolve },
    { name: "restore-proof-to-dns", from: restoreProof, to: clusterDns, ports: resolve },
    { name: "gate-to-dns", from: gate, to: clusterDns, ports: resolve },

    { name: "database-to-database", from: database, to: database, ports: nodes },
    { name: "other-region-to-database", from: otherRegion, to: database, ports: nodes },
    {
      name: "database-to-other-region",
      from: database,
      to: otherRegion,
      ports: tcp(entrance.postgres, entrance.api, entrance.backup),
    },
    {
      name: "database-to-storage-and-api-server",
      from: database,
      to: anywhere,
      ports: tcp(...apiServerPorts, ...storagePorts),
    },

    {
      name: "backup-to-database",
      from: backup,
      to: database,
      // The gate before a restore asks the database which restore points it has.
      ports: tcp(ports.pgbackrest, ports.postgres),
    },
    { name: "backup-to-other-region", from: backup, to: otherRegion, ports: tcp(entrance.backup) },
    { name: "backup-to-storage", from: backup, to: anywhere, ports: tcp(...storagePorts) },
    {
      name: "restore-proof-to-database",
      from: restoreProof,
      to: database,
      ports: tcp(ports.postgres),
    },
    {
      name: "restore-proof-to-storage",
      from: restoreProof,
      to: anywhere,
      ports: tcp(...storagePorts),
    },
    { name: "gate-to-database", from: gate, to: database, ports: tcp(ports.postgres) },
    {
      name: "migration-to-other-region",
      from: migration,
      to: otherRegion,
      ports: tcp(entrance.postgres),
    },
    {
      name: "monitoring-to-database",
      from: monitoring,
      to: database,
      ports: tcp(ports.exporter, ports.agent),
    },
  ];
}
