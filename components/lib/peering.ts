import { ports } from "./ports.ts";

/** How the regions' databases reach each other: by fixed ports of the nodes, or by load balancers. */
export type Peering =
  | {
      readonly kind: "nodePort";
      readonly ports: { readonly postgres: number; readonly api: number; readonly backup: number };
    }
  | {
      readonly kind: "loadBalancer";
      /** For the controller that makes the load balancers. */
      readonly annotations: Readonly<Record<string, string>>;
    };

/** Where a region's database is reached from the other region. */
export interface Entrance {
  /** DNS name, which the certificate carries. */
  readonly host: string;
  /** The same for Patroni's API, where it has one of its own. */
  readonly apiHost?: string;
}

/** Ports of an entrance, as the other region sees them. */
export function entrancePorts(peering: Peering) {
  return peering.kind === "nodePort"
    ? peering.ports
    : { postgres: ports.postgres, api: ports.patroni, backup: ports.pgbackrest };
}

/** What the other region's clients connect to. */
export function entranceAddresses(entrance: Entrance, peering: Peering) {
  const { host, apiHost = host } = entrance;
  const { postgres, api, backup } = entrancePorts(peering);
  return {
    postgres: { host, port: postgres },
    backup: { host, port: backup },
    apiUrl: `https://${apiHost}:${String(api)}`,
  };
}
