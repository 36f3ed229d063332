/** Addresses and names of the rehearsal: written down here and nowhere else. */

export type RegionKey = "a" | "b";

export interface S3Endpoint {
  readonly host: string;
  readonly port: number;
  /** Region name in request signatures. */
  readonly region: string;
}

/** One region: a single-node Kubernetes and an S3 server behind one address. */
export interface Topology {
  readonly key: RegionKey;
  readonly awsRegion: string;
  readonly nodeName: string;
  /** Address on the wide area network; the node, the gateway and S3 all answer here. */
  readonly ip: string;
  readonly host: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
  /** Service address of the API server inside the region. */
  readonly apiServiceIp: string;
  readonly dnsIp: string;
  readonly apiServer: string;
  readonly kubeContext: string;
  readonly s3: S3Endpoint;
  /** The region's cgroup below the root of every hierarchy. */
  readonly cgroup: string;
  /** The region's port on the bridge between the regions. */
  readonly link: string;
}

/** The network that joins the regions and this machine. */
export const wan = {
  cidr: "10.90.0.0/24",
  prefixLength: 24,
  hostIp: "10.90.0.254",
  /** The only link that this machine itself gets. */
  hostLink: "lifeline0",
  cgroup: "lifeline-wan",
} as const;

export const domain = "lifeline.test";

/** The product's public name in the rehearsal. */
export const productHost = `gravl.${domain}`;

export const kubernetesVersion = "v1.34.4";

export const ports = { apiServer: 6443, s3: 7443 } as const;

function describe(key: RegionKey, number: number, awsRegion: string): Topology {
  const ip = `10.90.0.${String(number)}`;
  const services = `10.${String(100 + number)}.0`;
  const host = `${awsRegion}.${domain}`;
  return {
    key,
    awsRegion,
    nodeName: `node.${host}`,
    ip,
    host,
    podCidr: `10.${String(240 + number)}.0.0/16`,
    serviceCidr: `${services}.0/16`,
    apiServiceIp: `${services}.1`,
    dnsIp: `${services}.10`,
    apiServer: `https://${ip}:${String(ports.apiServer)}`,
    kubeContext: `lifeline-${awsRegion}`,
    s3: { host: `s3.${host}`, port: ports.s3, region: awsRegion },
    cgroup: `lifeline-${key}`,
    link: `region-${key}`,
  };
}

export const topology: Readonly<Record<RegionKey, Topology>> = {
  a: describe("a", 1, "eu-north-1"),
  b: describe("b", 2, "eu-west-1"),
};

export const regions: readonly Topology[] = [topology.a, topology.b];

/** Names that every region resolves, with their addresses. */
export const hosts: readonly { readonly ip: string; readonly name: string }[] = regions.flatMap(
  (region) => [region.host, region.s3.host].map((name) => ({ ip: region.ip, name })),
);

/** First address of the node's own pods: the bridge that they hang on. */
export const podGateway = (region: Topology): string => region.podCidr.replace(/0\.0\/16$/, "0.1");

/** Pods of the region's only node: the first /24 of its pods. */
export const nodePodCidr = (region: Topology): string => region.podCidr.replace(/\/16$/, "/24");
