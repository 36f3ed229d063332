import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import type { networking as inputs } from "@pulumi/kubernetes/types/input.js";
import * as pulumi from "@pulumi/pulumi";

import type { Scope } from "../lib/labels.ts";
import { metadata, selector } from "../lib/labels.ts";
import type { Networks, OutsidePeers, Peer, Port } from "./edges.ts";
import { edges } from "./edges.ts";

export interface NetworkPoliciesArgs extends OutsidePeers {
  readonly scope: Scope;
}

/**
 * Refuses every connection in and out of the namespace's pods but the listed ones.
 * Defines a default deny and, for each edge, a policy on every side that is a workload of the product: a connection
 * between two workloads needs the client's egress as well as the server's ingress.
 */
export class NetworkPolicies extends pulumi.ComponentResource {
  constructor(name: string, args: NetworkPoliciesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:network:NetworkPolicies", name, args, opts);
    const declare = (policy: string, spec: inputs.v1.NetworkPolicySpec) =>
      new NetworkPolicy(
        `${name}-${policy}`,
        { metadata: metadata(args.scope, "network", policy), spec },
        { parent: this },
      );

    declare("default-deny", { podSelector: {}, policyTypes: ["Ingress", "Egress"] });
    for (const { name: edge, from, to, ports } of edges(args)) {
      if ("workload" in from) declare(`${edge}-egress`, egress(from, to, ports));
      if ("workload" in to) declare(`${edge}-ingress`, ingress(from, to, ports));
    }
    this.registerOutputs({});
  }
}

type Pods = Exclude<Peer, Networks>;

function egress(from: Pods, to: Peer, ports: readonly Port[]): inputs.v1.NetworkPolicySpec {
  return {
    podSelector: podSelector(from),
    policyTypes: ["Egress"],
    egress: [{ to: peers(to), ports: [...ports] }],
  };
}

function ingress(from: Peer, to: Pods, ports: readonly Port[]): inputs.v1.NetworkPolicySpec {
  return {
    podSelector: podSelector(to),
    policyTypes: ["Ingress"],
    ingress: [{ from: peers(from), ports: [...ports] }],
  };
}

/** Namespace and pods in one peer: both must match, where two peers would admit either. */
function peers(side: Peer): inputs.v1.NetworkPolicyPeer[] {
  if ("cidrs" in side) return side.cidrs.map((cidr) => ({ ipBlock: { cidr } }));
  if ("workload" in side) return [{ podSelector: podSelector(side) }];
  return [
    {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": side.namespace } },
      podSelector: podSelector(side),
    },
  ];
}

function podSelector(side: Pods) {
  return { matchLabels: "workload" in side ? selector(side.workload) : { ...side.podLabels } };
}
