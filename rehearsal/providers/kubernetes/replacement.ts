import { isAtOrBelow, type Difference, type Plan } from "../difference.ts";
import { groupKind, type KubernetesObject } from "./object.ts";

/** Fields that an existing object cannot take over, beside its name and namespace. */
const replacing: Record<string, readonly string[]> = {
  ConfigMap: ["data", "binaryData"],
  Secret: ["type", "data", "stringData"],
  PersistentVolumeClaim: [
    "spec.accessModes",
    "spec.storageClassName",
    "spec.volumeName",
    "spec.selector",
  ],
  Service: ["spec.clusterIP"],
  "apps/DaemonSet": ["spec.selector"],
  "apps/Deployment": ["spec.selector"],
  "apps/StatefulSet": [
    "spec.podManagementPolicy",
    "spec.revisionHistoryLimit",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
  ],
  "batch/Job": ["spec.completions", "spec.parallelism", "spec.selector", "spec.template"],
  "rbac.authorization.k8s.io/ClusterRoleBinding": ["roleRef"],
  "rbac.authorization.k8s.io/RoleBinding": ["roleRef"],
  "storage.k8s.io/StorageClass": ["parameters", "provisioner"],
};

export interface Mutability {
  readonly enableConfigMapMutable: boolean;
  readonly enableSecretMutable: boolean;
}

/**
 * Which differences need a new object. One that keeps its name can only be made after the old
 * one is gone, unless the name is the provider's own choice.
 */
export function planReplacement(
  found: readonly Difference[],
  old: KubernetesObject,
  now: KubernetesObject,
  mutability: Mutability,
): Plan {
  const paths = ["metadata.name", "metadata.namespace", ...replacingFields(old, mutability)];
  const replaces = found.filter(({ path }) =>
    paths.some((replacingPath) => isAtOrBelow(path, replacingPath.split("."))),
  );
  const sameName =
    old.metadata.name === now.metadata.name && old.metadata.namespace === now.metadata.namespace;
  const autonamed = now.metadata.annotations?.[autonamedAnnotation] === "true";
  return { differences: found, replaces, deleteBeforeReplace: sameName && !autonamed };
}

/** Marks a name chosen by the provider. */
export const autonamedAnnotation = "pulumi.com/autonamed";

function replacingFields(old: KubernetesObject, mutability: Mutability): readonly string[] {
  const kind = groupKind(old);
  const mutable =
    (kind === "ConfigMap" && mutability.enableConfigMapMutable) ||
    (kind === "Secret" && mutability.enableSecretMutable);
  return mutable && old["immutable"] !== true ? [] : (replacing[kind] ?? []);
}
