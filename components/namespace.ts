import { LimitRange } from "@pulumi/kubernetes/core/v1/limitRange.js";
import { Namespace as DeclaredNamespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { ResourceQuota } from "@pulumi/kubernetes/core/v1/resourceQuota.js";
import * as pulumi from "@pulumi/pulumi";

import type { Scope } from "./lib/labels.ts";
import { labels, metadata } from "./lib/labels.ts";
import type { Peering } from "./lib/peering.ts";
import type { Resources } from "./lib/pod.ts";

/** Pod Security Standards change between versions: pinned, so that a cluster upgrade refuses no running pod. */
const podSecurityVersion = "v1.34";

export interface NamespaceArgs {
  readonly scope: Scope;
  /** What all pods and volumes of the namespace may ask for together. */
  readonly quota: Resources & { readonly storage: string; readonly pods: number };
  /** How the other region reaches the database: the only way in beside the Gateway. */
  readonly peering: Peering["kind"];
  /** For containers that say nothing themselves, and the most that one container may have. */
  readonly limits: { readonly default: Resources; readonly max: Resources["limits"] };
}

/**
 * Refuses pods that break Pod Security Standards "restricted" or ask for more than the product's share.
 * Defines a Namespace, a ResourceQuota and a LimitRange. The Namespace holds the data volume: it is never deleted by a run.
 */
export class Namespace extends pulumi.ComponentResource {
  constructor(name: string, args: NamespaceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:foundation:Namespace", name, args, opts);
    const { scope, quota, limits } = args;

    const namespace = new DeclaredNamespace(
      name,
      {
        metadata: {
          name: scope.namespace,
          labels: { ...labels(scope, "foundation"), ...podSecurityLabels() },
        },
      },
      { parent: this, protect: true, retainOnDelete: true },
    );
    const inside = { parent: this, dependsOn: [namespace] };
    new ResourceQuota(
      `${name}-quota`,
      {
        metadata: metadata(scope, "foundation", "quota"),
        spec: {
          hard: {
            "requests.cpu": quota.requests.cpu,
            "requests.memory": quota.requests.memory,
            "limits.cpu": quota.limits.cpu,
            "limits.memory": quota.limits.memory,
            "requests.storage": quota.storage,
            pods: String(quota.pods),
            // The database's entrances for the other region, and nothing else beside the Gateway: two Services with
            // three ports. Behind a load balancer each port has one of the nodes' as well, and counts.
            "services.loadbalancers": args.peering === "loadBalancer" ? "2" : "0",
            "services.nodeports": "3",
          },
        },
      },
      inside,
    );
    new LimitRange(
      `${name}-limits`,
      {
        metadata: metadata(scope, "foundation", "limits"),
        spec: {
          limits: [
            {
              type: "Container",
              defaultRequest: { ...limits.default.requests },
              default: { ...limits.default.limits },
              max: { ...limits.max },
            },
          ],
        },
      },
      inside,
    );
    this.registerOutputs({});
  }
}

function podSecurityLabels(): Record<string, string> {
  return Object.fromEntries(
    ["enforce", "audit", "warn"].flatMap((mode) => [
      [`pod-security.kubernetes.io/${mode}`, "restricted"],
      [`pod-security.kubernetes.io/${mode}-version`, podSecurityVersion],
    ]),
  );
}
