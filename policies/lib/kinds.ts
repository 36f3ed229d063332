const kubernetesType = /^kubernetes:(?<apiVersion>[^:]+):(?<kind>[^:]+)$/;

/**
 * Kind of an object of Kubernetes itself, in whatever version of its API: `Deployment` for
 * `kubernetes:apps/v1:Deployment`. Undefined for custom resources, which may reuse these names,
 * and for everything outside Kubernetes.
 */
export function kindOf(type: string): string | undefined {
  const { apiVersion, kind } = kubernetesType.exec(type)?.groups ?? {};
  if (apiVersion === undefined || kind === undefined) return undefined;
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  const isBuiltIn = !group.includes(".") || group.endsWith(".k8s.io");
  return isBuiltIn ? kind : undefined;
}

/** True for every object that goes to a cluster, custom resources included. */
export function isKubernetesObject(type: string): boolean {
  return kubernetesType.test(type);
}
