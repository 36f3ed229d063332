import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import type { networking as inputs } from "@pulumi/kubernetes/types/input.js";
import * as pulumi from "@pulumi/pulumi";

import type { Scope } from "../lib/labels.ts";
import { metadata, selector } from "../lib/labels.ts";
import type { Edge, OutsidePeers, Peer } from "./edges.ts";
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
    for (const edge of edges(args)) {
      if ("workload" in edge.from) declare(`${edge.name}-egress`, egress(edge));
      if ("workload" in edge.to) declare(`${edge.name}-ingress`, ingress(edge));
    }
    this.registerOutputs({});
  }
}

function egress({ from, to, ports }: Edge): inputs.v1.NetworkPolicySpec {
  return {
    podSelector: podSelector(from),
    policyTypes: ["Egress"],
    egress: [{ to: [peer(to)], ports: [...ports] }],
  };
}

function ingress({ from, to, ports }: Edge): inputs.v1.NetworkPolicySpec {
  return {
    podSelector: podSelector(to),
    policyTypes: ["Ingress"],
    ingress: [{ from: [peer(from)], ports: [...ports] }],
  };
}

/** Namespace and pods in one peer: both must match, where two peers would admit either. */
function peer(side: Peer): inputs.v1.NetworkPolicyPeer {
  return "workload" in side
    ? { podSelector: podSelector(side) }
    : {
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": side.namespace } },
        podSelector: podSelector(side),
      };
}

function podSelector(side: Peer) {
  return { matchLabels: "workload" in side ? selector(side.workload) : { ...side.podLabels } };
}
