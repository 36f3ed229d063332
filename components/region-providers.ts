import { Provider as AwsProvider } from "@pulumi/aws/provider.js";
import { Provider as KubernetesProvider } from "@pulumi/kubernetes/provider.js";
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
  public readonly cluster: KubernetesProvider;
  public readonly aws: AwsProvider;

  constructor(name: string, args: RegionProvidersArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:region:RegionProviders", name, args, opts);

    this.cluster = new KubernetesProvider(
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
        // A release must not wait for a lost standby: what exists there is left as it was, replacements included. Adding
        // an object there, or removing one, still fails. In the active region silence would hide a failed release, so
        // there everything does. Flipping the role changes the provider in place.
        skipUpdateUnreachable: args.role === "standby",
      },
      { parent: this },
    );
    this.aws = new AwsProvider(
      `${name}-aws`,
      // The region is fixed per provider: a failover never moves AWS resources.
      { region: args.region },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
