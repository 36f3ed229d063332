import type {
  V1DaemonSet,
  V1Deployment,
  V1EndpointSlice,
  V1Job,
  V1PersistentVolumeClaim,
  V1Pod,
  V1Service,
  V1StatefulSet,
  V1StorageClass,
} from "@kubernetes/client-node";
import { isDeepStrictEqual } from "node:util";
import type { Cluster } from "./cluster.ts";
import { annotation, groupKind, type KubernetesObject } from "./object.ts";
import { waitForVerdict } from "./wait-for.ts";

/** Whether an object does its work yet. A failed one never will. */
export type Verdict =
  { readonly state: "ready" } | { readonly state: "waiting" | "failed"; readonly why: string };

export const ready: Verdict = { state: "ready" };
export const waiting = (why: string): Verdict => ({ state: "waiting", why });
const failed = (why: string): Verdict => ({ state: "failed", why });

/** The judge of an object's readiness; undefined when nothing needs to be waited for. */
export function judgeOf(
  object: KubernetesObject,
): ((live: KubernetesObject, cluster: Cluster) => Verdict | Promise<Verdict>) | undefined {
  if (annotation(object, "skipAwait") === "true") return undefined;
  const waitFor = annotation(object, "waitFor");
  if (waitFor !== undefined) return (live) => waitForVerdict(live, waitFor);
  return judges[groupKind(object)];
}

/** Longest these may take by default, in seconds; all others get ten minutes. */
export function defaultTimeoutSeconds(object: KubernetesObject): number {
  return /^PersistentVolume(Claim)?$/.test(groupKind(object)) ? 300 : 600;
}

const judges: Record<
  string,
  (live: KubernetesObject, cluster: Cluster) => Verdict | Promise<Verdict>
> = {
  "apps/Deployment": (live) => deployment(live as unknown as V1Deployment),
  "apps/StatefulSet": (live) => statefulSet(live as unknown as V1StatefulSet),
  "apps/DaemonSet": (live) => daemonSet(live as unknown as V1DaemonSet),
  "batch/Job": (live) => job(live as unknown as V1Job),
  Pod: (live) => pod(live as unknown as V1Pod),
  Service: (live, cluster) => service(live as unknown as V1Service, cluster),
  PersistentVolumeClaim: (live, cluster) =>
    claim(live as unknown as V1PersistentVolumeClaim, cluster),
  PersistentVolume: ({ status }) =>
    status?.["phase"] === "Available" || status?.["phase"] === "Bound"
      ? ready
      : waiting("not available yet"),
  ResourceQuota: ({ spec, status }) =>
    isDeepStrictEqual(spec?.["hard"], status?.["hard"]) ? ready : waiting("quota not counted yet"),
  Secret: (live) =>
    live["type"] === "kubernetes.io/service-account-token" && live["data"] === undefined
      ? waiting("token not issued yet")
      : ready,
};

function deployment({ metadata, spec, status }: V1Deployment): Verdict {
  if (isStale(metadata?.generation, status?.observedGeneration)) return unseen;
  const wanted = spec?.replicas ?? status?.replicas ?? 1;
  const { updatedReplicas = 0, availableReplicas = 0, replicas = 0, conditions } = status ?? {};
  const trouble = conditions?.find(
    ({ type, status }) =>
      (type === "ReplicaFailure" && status === "True") ||
      (type === "Progressing" && status === "False"),
  );
  const why = (text: string) => waiting(`${text}${trouble ? `: ${trouble.message}` : ""}`);
  if (updatedReplicas < wanted) return why(`${updatedReplicas} of ${wanted} replicas updated`);
  if (replicas > updatedReplicas) return why(`${replicas - updatedReplicas} old replicas remain`);
  if (availableReplicas < wanted)
    return why(`${availableReplicas} of ${wanted} replicas available`);
  return ready;
}

function statefulSet({ metadata, spec, status }: V1StatefulSet): Verdict {
  if (isStale(metadata?.generation, status?.observedGeneration)) return unseen;
  const wanted = spec?.replicas ?? 1;
  const { readyReplicas = 0, availableReplicas, currentRevision, updateRevision } = status ?? {};
  const { updatedReplicas = 0 } = status ?? {};
  const usable = Math.min(readyReplicas, availableReplicas ?? readyReplicas);
  if (usable < wanted) return waiting(`${usable} of ${wanted} replicas ready`);
  if (spec?.updateStrategy?.type === "OnDelete") return ready;
  const partition = spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
  if (partition === 0 && currentRevision !== updateRevision) {
    return waiting(`${updatedReplicas} of ${wanted} replicas updated`);
  }
  const toUpdate = wanted - partition;
  return updatedReplicas < toUpdate
    ? waiting(`${updatedReplicas} of ${toUpdate} replicas updated`)
    : ready;
}

function daemonSet({ metadata, spec, status }: V1DaemonSet): Verdict {
  if (isStale(metadata?.generation, status?.observedGeneration)) return unseen;
  const { desiredNumberScheduled: wanted = 0, numberAvailable = 0 } = status ?? {};
  const updated = status?.updatedNumberScheduled ?? 0;
  if (spec?.updateStrategy?.type !== "OnDelete" && updated < wanted) {
    return waiting(`${updated} of ${wanted} nodes updated`);
  }
  return numberAvailable < wanted
    ? waiting(`available on ${numberAvailable} of ${wanted} nodes`)
    : ready;
}

function job({ spec, status }: V1Job): Verdict {
  const condition = (type: string) =>
    status?.conditions?.find((one) => one.type === type && one.status === "True");
  if (condition("Complete") !== undefined) return ready;
  const failure = condition("Failed");
  if (failure !== undefined) return failed(failure.message ?? failure.reason ?? "failed");
  const { active = 0, succeeded = 0, failed: lost = 0 } = status ?? {};
  const attempts = lost > 0 ? `, ${lost} attempts failed` : "";
  return waiting(`${succeeded} of ${spec?.completions ?? 1} done, ${active} running${attempts}`);
}

function pod({ status }: V1Pod): Verdict {
  if (status?.phase === "Succeeded") return ready;
  if (status?.phase === "Failed") return failed(status.message ?? status.reason ?? "pod failed");
  const condition = status?.conditions?.find(({ type }) => type === "Ready");
  return condition?.status === "True" ? ready : waiting("not ready");
}

async function service({ metadata, spec, status }: V1Service, cluster: Cluster): Promise<Verdict> {
  if (spec?.type === "LoadBalancer" && !status?.loadBalancer?.ingress?.length) {
    return waiting("load balancer has no address yet");
  }
  const selects = Object.keys(spec?.selector ?? {}).length > 0;
  if (spec?.type === "ExternalName" || spec?.clusterIP === "None" || !selects) return ready;
  const slices = (await cluster.list("discovery.k8s.io/v1", "EndpointSlice", metadata?.namespace, {
    labelSelector: `kubernetes.io/service-name=${metadata?.name}`,
  })) as unknown as V1EndpointSlice[];
  const endpoints = slices.flatMap((slice) => slice.endpoints ?? []);
  if (endpoints.some(({ conditions }) => conditions?.ready !== false)) return ready;
  return waiting(
    endpoints.length === 0
      ? "no pod matches its selector"
      : `none of its ${endpoints.length} pods is ready`,
  );
}

async function claim(live: V1PersistentVolumeClaim, cluster: Cluster): Promise<Verdict> {
  if (live.status?.phase === "Bound") return ready;
  const name = live.spec?.storageClassName;
  if (live.status?.phase === "Pending" && name !== undefined) {
    const found = await cluster.get({
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      name,
    });
    const storageClass = found as unknown as V1StorageClass | undefined;
    if (storageClass?.volumeBindingMode === "WaitForFirstConsumer") return ready;
  }
  return waiting("not bound to a volume yet");
}

const unseen = waiting("not seen by its controller yet");

function isStale(generation: number | undefined, observed: number | undefined): boolean {
  return (observed ?? 0) < (generation ?? 0);
}
