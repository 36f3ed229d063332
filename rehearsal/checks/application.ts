import type {
  V1Deployment,
  V1EndpointSlice,
  V1ContainerStatus,
  V1Pod,
} from "@kubernetes/client-node";
import type { CheckResult } from "../report/evidence.ts";
import { check } from "./check.ts";
import { get, list } from "./objects.ts";
import { labelsOf } from "./subject.ts";
import type { RegionUnderTest, Subject } from "./subject.ts";

export type Component = "backend" | "frontend";

/** All replicas of the current revision are available, at least as many as configured. */
export function replicasReady(
  { name, cluster }: RegionUnderTest,
  { namespace, minReplicas }: Subject,
  component: Component,
): Promise<CheckResult> {
  return check({ name: `${component}: replicas ready`, region: name }, async () => {
    const found = await get<V1Deployment>(cluster, "deployments", component, namespace);
    const { metadata, spec, status } = found;
    const desired = spec?.replicas ?? 0;
    const ready = status?.readyReplicas ?? 0;
    const current = status?.updatedReplicas ?? 0;
    return {
      ok:
        desired >= minReplicas[component] &&
        ready === desired &&
        current === desired &&
        status?.observedGeneration === metadata?.generation,
      expected: `at least ${minReplicas[component]} replicas, all ready, all of this release`,
      measured: `${ready}/${desired} ready, ${current} of this release`,
    };
  });
}

/** No container was restarted since the update began: no crash loop hides behind a ready count. */
export function noRestarts(
  { name, cluster }: RegionUnderTest,
  { namespace, since }: Subject,
  component: Component,
): Promise<CheckResult> {
  return check({ name: `${component}: no restarts`, region: name }, async () => {
    const pods = await podsOf(cluster, namespace, component);
    const restarted = pods.flatMap(containersOf).filter((it) => wasRestarted(it, since));
    return {
      ok: pods.length > 0 && restarted.length === 0,
      expected: "no container restarted since the update began",
      measured: `${restarted.length} restarted in ${pods.length} pods`,
    };
  });
}

/** The Service hands requests to each ready pod. */
export function endpointsRegistered(
  { name, cluster }: RegionUnderTest,
  { namespace, minReplicas }: Subject,
  component: Component,
): Promise<CheckResult> {
  return check({ name: `${component}: endpoints registered`, region: name }, async () => {
    const labels = { "kubernetes.io/service-name": component };
    const slices = await list<V1EndpointSlice>(cluster, "endpointslices", { namespace, labels });
    const ready = slices
      .flatMap((slice) => slice.endpoints ?? [])
      .filter((endpoint) => endpoint.conditions?.ready === true);
    return {
      ok: ready.length >= minReplicas[component],
      expected: `at least ${minReplicas[component]} ready endpoints`,
      measured: `${ready.length} ready endpoints`,
    };
  });
}

/** What runs is the release's image: asked for by digest, and reported with it by the runtime. */
export function imagesOfRelease(
  { name, cluster }: RegionUnderTest,
  { namespace, release }: Subject,
  component: Component,
): Promise<CheckResult> {
  return check({ name: `${component}: image of the release`, region: name }, async () => {
    const expected = release.images[component];
    const digest = digestOf(expected);
    const pods = await podsOf(cluster, namespace, component);
    const running = pods.map((pod) => ({
      asked: pod.spec?.containers.map((it) => it.image).join() ?? "",
      reported: pod.status?.containerStatuses?.map((it) => it.imageID).join() ?? "",
    }));
    const other = running.filter((it) => it.asked !== expected || digestOf(it.reported) !== digest);
    return {
      ok: digest !== undefined && pods.length > 0 && other.length === 0,
      expected,
      measured: [...new Set(running.map((it) => it.reported))].join(", ") || "no pod",
      detail: other.length === 0 ? "" : `${other.length} of ${pods.length} pods differ`,
    };
  });
}

/** Pods of a component that are not on their way out. */
export async function podsOf(
  cluster: RegionUnderTest["cluster"],
  namespace: string,
  component: string,
): Promise<V1Pod[]> {
  const pods = await list<V1Pod>(cluster, "pods", { namespace, labels: labelsOf(component) });
  return pods.filter((pod) => pod.metadata?.deletionTimestamp === undefined);
}

/** Restarts in the pods' whole life. */
export function restartsOf(pods: readonly V1Pod[]): number {
  return pods.flatMap(containersOf).reduce((sum, container) => sum + container.restartCount, 0);
}

/** Whether its last end lies after `since`; one that does not say when it ended counts as well. */
export function wasRestarted(container: V1ContainerStatus, since: Date): boolean {
  if (container.restartCount === 0) return false;
  const ended = container.lastState?.terminated?.finishedAt;
  return ended === undefined || new Date(ended) >= since;
}

export const containersOf = (pod: V1Pod): V1ContainerStatus[] =>
  pod.status?.containerStatuses ?? [];

function digestOf(reference: string): string | undefined {
  return /sha256:[0-9a-f]{64}$/.exec(reference)?.[0];
}
