import { z } from "zod";

import {
  awsRegion,
  clusterIssuerServer,
  dnsLabel,
  dnsName,
  email,
  entryAddress,
  hostedZoneId,
  hostName,
  httpsUrl,
  image,
  kubeContext,
  nonEmptyPath,
  objectLabels,
  podLabels,
  productNamespace,
  releaseVersion,
  remark,
  roleArn,
  secretName,
  storage,
  upstreamVersion,
} from "./values.ts";
import { backups, type generation, peering, postgres } from "./data-schema.ts";
import { asWritten, cidr, endpoint, peerHost } from "./data-values.ts";
import { flag, list, section, whole } from "./expectation.ts";
import type { Release } from "./release.ts";
import { compute, resources } from "./resources.ts";

const region = section({
  /** AWS region of the cluster. */
  name: awsRegion,
  /** Context of the kubeconfig that reaches the cluster. */
  kubeContext,
  /** Storage class of the Postgres volume. */
  storageClass: dnsName,
  /** Where the Gateway is reached, for a controller that does not report it in the Gateway's status. */
  gatewayAddress: entryAddress.exactOptional(),
  /** How the other region reaches this one's database, and from where this one reaches the other. */
  peer: section({
    /** Name of the database's entrance. */
    host: peerHost,
    /** The same for Patroni's API, where it has an entrance of its own: each load balancer has. */
    apiHost: peerHost.exactOptional(),
    /** Networks of this region: its connections come from there, and its entrances are there. */
    cidrs: list(cidr, 1, 20),
  }),
  /** S3 that is not AWS's own. */
  archive: section({ endpoint }).exactOptional(),
});

/** One stateless part of the product, in each region. */
const workload = section({
  minReplicas: whole("replicas", 1, 100),
  maxReplicas: whole("replicas", 1, 100),
  /** Average CPU use, in percent of the request, above which replicas are added. */
  targetCpuPercent: whole("percent", 10, 95),
  /** Longest that a release may take until all its pods are ready; then the run stops there. */
  deadlineSeconds: whole("seconds", 30, 3600),
  resources,
});

const job = section({
  /** Longest the whole Job may take. */
  deadlineSeconds: whole("seconds", 30, 3600),
  resources,
});

/** What everything in the namespace of one region may ask for together. */
const quota = section({
  requests: compute,
  limits: compute,
  /** Of all volumes. */
  storage,
  pods: whole("pods", 1, 1000),
});

/** For containers that say nothing themselves, and the most one container may have. */
const limits = section({ default: resources, max: compute });

const secrets = z.discriminatedUnion("mode", [
  section({ mode: z.literal("generated") }),
  section({
    mode: z.literal("external"),
    /** Role that the External Secrets operator assumes to read them. */
    roleArn,
    /** Longest that reading one may take. */
    deadlineSeconds: whole("seconds", 10, 3600),
    /** Names in AWS Secrets Manager, the same in both regions. */
    names: section({
      postgres: secretName,
      app: secretName,
      registry: secretName,
      /** The database's private authority and the archives' cipher keys. */
      database: secretName,
    }),
  }),
]);

const certificates = section({
  /** Longest that issuing one may take. */
  deadlineSeconds: whole("seconds", 10, 3600),
  issuer: z.discriminatedUnion("kind", [
    section({
      kind: z.literal("acme"),
      server: clusterIssuerServer,
      email,
      /** Role that answers DNS-01 challenges in the hosted zone of `dns`. */
      roleArn,
    }),
    section({
      kind: z.literal("ca"),
      /** Secret of the namespace cert-manager that holds the CA's certificate and key. */
      secretName: dnsName,
    }),
  ]),
  /**
   * A cluster has one cert-manager, whoever uses it. Where several stacks share a cluster, one of them installs it and
   * decides its version and role; in the others `install` is false. Removing the stack leaves it in place.
   */
  certManager: z.discriminatedUnion("install", [
    section({ install: z.literal(true), version: upstreamVersion }),
    section({ install: z.literal(false) }),
  ]),
});

const gateway = section({
  className: dnsName,
  /** Longest until its controller serves what is declared. */
  deadlineSeconds: whole("seconds", 10, 3600),
  /** Namespace and labels of the controller's pods: the only way in from outside. */
  namespace: dnsLabel,
  podLabels,
});

const monitoring = section({
  /** Whose pods may scrape metrics. */
  namespace: dnsLabel,
  podLabels,
  /** By which Prometheus finds the ServiceMonitors and rules; none where it takes all that there are. */
  labels: objectLabels,
  /** Where docs/runbooks can be read: alerts lead to `<runbookBase>/<page>`. */
  runbookBase: httpsUrl,
});

/** Whose pods resolve names for the product's pods. */
const clusterDns = section({ namespace: dnsLabel, podLabels });

const dns = section({
  hostedZoneId,
  /** Name of that zone; the host is a name within it. */
  zoneName: hostName,
  /** How long resolvers may keep an answer: part of every failover. */
  ttlSeconds: whole("seconds", 10, 300),
});

/** What is said about one change: recorded, shown, and ignored once another release is set. */
const change = section({
  /** The release that this speaks about. */
  release: releaseVersion,
  reason: remark.exactOptional(),
  requestedBy: remark.exactOptional(),
  emergency: flag.exactOptional(),
  /** Why a release that was taken back may come out again; each reason counts once. */
  allowRetry: remark.exactOptional(),
  /** Restore point or time after which everything written may be lost. */
  acceptLoss: z.preprocess(asWritten, remark).exactOptional(),
});

/** Every key of the namespace `lifeline:` in a stack file, in the order they are written there. */
export const settings = {
  product: dnsLabel,
  namespace: productNamespace,
  /** Path of the kubeconfig file; KUBECONFIG or ~/.kube/config without it. */
  kubeconfig: nonEmptyPath.exactOptional(),
  release: releaseVersion,
  change: change.exactOptional(),
  activeRegion: awsRegion,
  regions: z.tuple([region, region]),
  /** Public DNS name of the product. */
  host: hostName,
  backend: workload,
  frontend: workload,
  migration: job,
  smoke: job.extend({ image }),
  postgres,
  peering,
  quota,
  limits,
  secrets,
  certificates,
  gateway,
  monitoring,
  clusterDns,
  dns,
  backups,
};

/** The whole stack file. Its secrets are known here, checked in secrets.ts without being shown, and never part of `Config`. */
export const stackFile = section({
  ...settings,
  registryCredentials: z.unknown().optional(),
  archiveCredentials: z.unknown().optional(),
});

export type Settings = z.infer<z.ZodObject<typeof settings>>;
/** The whole configuration of one stack, with its release loaded. */
export type Config = Omit<Settings, "release"> & { release: Release };

export type Compute = z.infer<typeof compute>;
export type Resources = z.infer<typeof resources>;
export type Region = z.infer<typeof region>;
export type Workload = z.infer<typeof workload>;
export type Postgres = z.infer<typeof postgres>;
export type Generation = z.infer<typeof generation>;
export type Peering = z.infer<typeof peering>;
export type Secrets = z.infer<typeof secrets>;
export type Backups = z.infer<typeof backups>;

/** In the active region the database accepts writes; in the other it does not. */
export type Role = "primary" | "standby";
