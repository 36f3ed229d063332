import * as aws from "@pulumi/aws/index.js";
import * as kubernetes from "@pulumi/kubernetes/index.js";
import * as pulumi from "@pulumi/pulumi";

export interface RegionProvidersArgs {
  /** AWS region. */
  readonly region: string;
  readonly kubeContext: string;
  /** Path of the kubeconfig file; KUBECONFIG or ~/.kube/config without it. */
  readonly kubeconfig?: string;
  /** Names the cluster for the engine, whatever the kubeconfig says. */
  readonly clusterIdentifier: string;
  readonly role: "primary" | "standby";
}

/** The ways into one region. Defines a provider for its cluster and one for its AWS region. */
export class RegionProviders extends pulumi.ComponentResource {
  public readonly cluster: kubernetes.Provider;
  public readonly aws: aws.Provider;

  constructor(name: string, args: RegionProvidersArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:region:RegionProviders", name, args, opts);

    this.cluster = new kubernetes.Provider(
      `${name}-cluster`,
      {
        context: args.kubeContext,
        ...(args.kubeconfig !== undefined && { kubeconfig: args.kubeconfig }),
        // While this stays the same, no other setting replaces the provider, and with it everything in the cluster.
        clusterIdentifier: args.clusterIdentifier,
        enableConfigMapMutable: true,
        enableSecretMutable: true,
        // An interrupted run leaves objects that the state does not know; the next one takes them over.
        upsertExistingObjects: true,
        // A lost standby must not stop a change to the active region. In the active region silence would hide a failed
        // release, so there it stays an error. Flipping the role changes the provider in place.
        skipUpdateUnreachable: args.role === "standby",
      },
      { parent: this },
    );
    this.aws = new aws.Provider(
      `${name}-aws`,
      // The region is fixed per provider: a failover never moves AWS resources.
      { region: args.region as aws.Region },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
