import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Release } from "@pulumi/kubernetes/helm/v3/release.js";
import type { ReleaseArgs } from "@pulumi/kubernetes/helm/v3/release.js";
import * as pulumi from "@pulumi/pulumi";

import { heard, timeoutsOf } from "./lib/gate.ts";
import type { Scope } from "./lib/labels.ts";
import { labels, metadata } from "./lib/labels.ts";

/** A public authority that asks for a DNS record as proof: the only challenge that a region without traffic can meet. */
export interface AcmeIssuer {
  readonly kind: "acme";
  /** URL of the ACME directory. */
  readonly server: string;
  readonly email: string;
  readonly hostedZoneId: string;
  /** AWS region whose endpoints cert-manager talks to: the cluster's own. */
  readonly region: string;
  /** Role that may write the challenge records. */
  readonly roleArn: string;
}

/** A private authority. */
export interface CaIssuer {
  readonly kind: "ca";
  /** Secret in cert-manager's own namespace with the authority's certificate and key. */
  readonly secretName: string;
}

export interface CertificatesArgs {
  readonly scope: Scope;
  /** Names that the certificate is for: the public one, and the region's own. */
  readonly dnsNames: readonly string[];
  readonly issuer: AcmeIssuer | CaIssuer;
  /** Longest that issuing the certificate may take. */
  readonly deadlineSeconds: number;
  /** Whether cert-manager comes from here, at which chart version, or is in the cluster already. */
  readonly certManager:
    { readonly install: true; readonly version: string } | { readonly install: false };
}

/** The condition of the object's present generation: an older one is passed over. */
const untilReady = { "pulumi.com/waitFor": "condition=Ready" };

const certManagerNamespace = "cert-manager";

/** Longest that each step of the installation may take: images are pulled, and a Job asks the webhook at its end. */
const helmSeconds = 300;

/**
 * Keeps a valid certificate in this region, also while the region serves nobody.
 * Defines cert-manager's Helm release if asked to, a ClusterIssuer of the product's own, and the Certificate.
 */
export class Certificates extends pulumi.ComponentResource {
  /** Secret with the certificate and its key, filled when this component is ready. */
  public readonly tlsSecret: string;

  constructor(name: string, args: CertificatesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:entry:Certificates", name, args, opts);
    const { scope, dnsNames, issuer, certManager } = args;
    this.tlsSecret = `${scope.product}-tls`;

    const gate = {
      parent: this,
      customTimeouts: timeoutsOf(args.deadlineSeconds),
      ...heard(opts),
    };
    const operator = certManager.install
      ? [
          new Release(
            `${name}-cert-manager`,
            certManagerRelease(certManager.version, issuer),
            // Left in place when the cluster gets cert-manager from elsewhere: other products' certificates hang on it.
            { parent: this, retainOnDelete: true },
          ),
        ]
      : [];
    const clusterIssuer = new CustomResource(
      `${name}-issuer`,
      {
        apiVersion: "cert-manager.io/v1",
        kind: "ClusterIssuer",
        metadata: {
          name: scope.namespace,
          labels: labels(scope, "entry"),
          annotations: untilReady,
        },
        spec: issuerSpec(scope.namespace, issuer, certManager.install),
      },
      { ...gate, dependsOn: operator },
    );
    new CustomResource(
      `${name}-certificate`,
      {
        apiVersion: "cert-manager.io/v1",
        kind: "Certificate",
        metadata: {
          ...metadata(scope, "entry", this.tlsSecret),
          annotations: untilReady,
        },
        spec: {
          secretName: this.tlsSecret,
          dnsNames: [...dnsNames],
          issuerRef: { group: "cert-manager.io", kind: "ClusterIssuer", name: scope.namespace },
          privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" },
          duration: "2160h0m0s",
          // Half of its life is left when renewal starts: challenges need Route 53's control plane, which may be away.
          renewBefore: "1080h0m0s",
        },
      },
      { ...gate, dependsOn: [clusterIssuer] },
    );
    this.registerOutputs({ tlsSecret: this.tlsSecret });
  }
}

function certManagerRelease(version: string, issuer: AcmeIssuer | CaIssuer): ReleaseArgs {
  return {
    name: "cert-manager",
    namespace: certManagerNamespace,
    createNamespace: true,
    chart: "cert-manager",
    version,
    repositoryOpts: { repo: "https://charts.jetstack.io" },
    // A failed upgrade goes back by itself: other products' certificates hang on what runs.
    atomic: true,
    timeout: helmSeconds,
    values: {
      // Kept on removal: deleting a CRD deletes every object of its kind.
      crds: { enabled: true, keep: true },
      ...(issuer.kind === "acme" && {
        serviceAccount: { annotations: { "eks.amazonaws.com/role-arn": issuer.roleArn } },
      }),
    },
  };
}

function issuerSpec(namespace: string, issuer: AcmeIssuer | CaIssuer, ownOperator: boolean) {
  if (issuer.kind === "ca") return { ca: { secretName: issuer.secretName } };
  const { server, email, hostedZoneId, region, roleArn } = issuer;
  // The operator installed here holds the role itself; any other one has to assume it.
  const role = ownOperator ? {} : { role: roleArn };
  return {
    acme: {
      server,
      email,
      privateKeySecretRef: { name: `${namespace}-acme-account` },
      solvers: [{ dns01: { route53: { region, hostedZoneID: hostedZoneId, ...role } } }],
    },
  };
}
