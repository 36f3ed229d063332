import type { core } from "@pulumi/kubernetes/types/input.js";

import { selector } from "../lib/labels.ts";
import type { Entrance, Peering } from "../lib/peering.ts";
import { ports } from "../lib/ports.ts";
import { clusterLabels, leaderRole, roleLabel } from "./generation.ts";

type Spec = core.v1.ServiceSpec;
type Port = core.v1.ServicePort;

const port = (name: string, number: number): Port => ({ name, port: number, targetPort: name });

/** The serving generation's leader, which in the standby region only reads. */
const leaderOf = (generation: number) => ({
  ...clusterLabels(generation),
  [roleLabel]: leaderRole,
});

/** For clients. */
export function clientService(generation: number): Spec {
  return { selector: leaderOf(generation), ports: [port("postgres", ports.postgres)] };
}

/** Names every member, and is where each is scraped. */
export function memberService(): Spec {
  return {
    clusterIP: "None",
    // Members find each other, and are judged, before they are ready.
    publishNotReadyAddresses: true,
    selector: selector("database"),
    ports: [
      port("postgres", ports.postgres),
      port("patroni", ports.patroni),
      port("pgbackrest", ports.pgbackrest),
      port("metrics", ports.exporter),
      port("agent", ports.agent),
    ],
  };
}

export interface EntranceArgs {
  readonly generation: number;
  readonly peering: Peering;
  readonly entrance: Entrance;
  /** Networks that the other region's connections come from. */
  readonly peerCidrs: readonly string[];
}

/** The leader, for the other region: to follow it and to back it up. */
export function peerService({ generation, ...args }: EntranceArgs): EntranceService {
  const { peering, entrance } = args;
  const fixed = peering.kind === "nodePort" ? peering.ports : undefined;
  return opened(args, entrance.host, {
    selector: leaderOf(generation),
    // A leader is followed from its first moment on.
    publishNotReadyAddresses: true,
    ports: [
      onNode(port("postgres", ports.postgres), fixed?.postgres),
      onNode(port("pgbackrest", ports.pgbackrest), fixed?.backup),
    ],
  });
}

/** Any member's Patroni, for the other region: tells a region without a leader from a lost one. */
export function peerApiService({ generation, ...args }: EntranceArgs): EntranceService {
  const { peering, entrance } = args;
  const fixed = peering.kind === "nodePort" ? peering.ports : undefined;
  return opened(args, entrance.apiHost ?? entrance.host, {
    selector: clusterLabels(generation),
    publishNotReadyAddresses: true,
    ports: [onNode(port("patroni", ports.patroni), fixed?.api)],
  });
}

export interface EntranceService {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec: Spec;
}

function onNode(service: Port, nodePort: number | undefined): Port {
  return nodePort === undefined ? service : { ...service, nodePort };
}

function opened(
  { peering, peerCidrs }: Pick<EntranceArgs, "peering" | "peerCidrs">,
  host: string,
  spec: Spec,
): EntranceService {
  // Keeps the address of whoever connects, which network policies judge by; on ports of nodes as well, past the load
  // balancer.
  const reached: Spec = { ...spec, externalTrafficPolicy: "Local" };
  if (peering.kind === "nodePort") {
    return { spec: { ...reached, type: "NodePort" } };
  }
  return {
    // The name becomes the load balancer's where the cluster runs external-dns.
    annotations: { ...peering.annotations, "external-dns.alpha.kubernetes.io/hostname": host },
    spec: {
      ...reached,
      type: "LoadBalancer",
      loadBalancerSourceRanges: [...peerCidrs],
    },
  };
}
