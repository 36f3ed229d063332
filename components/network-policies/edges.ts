import type { Workload } from "../lib/labels.ts";
import { ports } from "../lib/ports.ts";

/** Pods outside the namespace. */
export interface OutsidePods {
  readonly namespace: string;
  readonly podLabels: Readonly<Record<string, string>>;
}

/** A side of an edge: a workload of the product, or pods outside its namespace. */
export type Peer = { readonly workload: Workload } | OutsidePods;

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
}

const tcp = (port: number): Port[] => [{ protocol: "TCP", port }];

/** Every connection that the product needs; what is not listed is refused. */
export function edges({ gateway, monitoring, clusterDns }: OutsidePeers): Edge[] {
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
    { name: "monitoring-to-database", from: monitoring, to: database, ports: tcp(ports.exporter) },
  ];
}
