import type { rbac as inputs } from "@pulumi/kubernetes/types/input.js";

import { scopeOf, statefulSetOf } from "./generation.ts";

/** Objects in which Patroni keeps a cluster's state. */
const stateObjects = ["config", "leader", "sync", "failover", "failsafe"];

/**
 * What Patroni does with the API, measured: it makes its ConfigMaps, lists and watches them, changes those of its own
 * clusters, and writes each member's state and role onto the member's pod.
 */
export function patroniRules(
  generations: readonly number[],
  region: string,
  replicas: number,
): inputs.v1.PolicyRule[] {
  const configMaps = generations.flatMap((generation) =>
    stateObjects.map((object) => `${scopeOf(generation)}-${object}`),
  );
  const pods = generations.flatMap((generation) =>
    Array.from(
      { length: replicas },
      (_, ordinal) => `${statefulSetOf(generation, region)}-${String(ordinal)}`,
    ),
  );
  return [
    rule("configmaps", ["create", "list", "watch"]),
    rule("configmaps", ["get", "patch"], configMaps),
    rule("pods", ["list", "watch"]),
    rule("pods", ["patch"], pods),
  ];
}

function rule(resource: string, verbs: string[], resourceNames?: string[]): inputs.v1.PolicyRule {
  return {
    apiGroups: [""],
    resources: [resource],
    verbs,
    ...(resourceNames && { resourceNames }),
  };
}
