import type { CoreV1Event, V1Pod } from "@kubernetes/client-node";
import { podTrouble } from "../../../diagnosis/pods.ts";
import type { Cluster } from "./cluster.ts";
import type { KubernetesObject } from "./object.ts";

/** Pods quoted in one message: the others rarely say anything new. */
const quotedPods = 3;

/** What keeps an object's pods from running, one line each; nothing for objects without pods. */
export async function podTroubles(cluster: Cluster, object: KubernetesObject): Promise<string[]> {
  const troubles = (await podsOf(cluster, object)).map(podTrouble);
  return [...new Set(troubles.filter((trouble) => trouble !== undefined))].slice(0, quotedPods);
}

/** What the official plugin tells of an object that did not become ready: its pods and warnings, but no logs. */
export async function diagnose(cluster: Cluster, object: KubernetesObject): Promise<string[]> {
  const pods = await podsOf(cluster, object);
  const troubles = pods.flatMap((pod) => {
    const trouble = podTrouble(pod);
    return trouble === undefined ? [] : [`pod ${pod.metadata?.name}: ${trouble}`];
  });
  return [...troubles.slice(0, quotedPods), ...(await warnings(cluster, object))];
}

async function podsOf(cluster: Cluster, object: KubernetesObject): Promise<V1Pod[]> {
  if (object.kind === "Pod") return [object as unknown as V1Pod];
  const labels = (object.spec?.["selector"] as { matchLabels?: Record<string, string> } | undefined)
    ?.matchLabels;
  if (labels === undefined || object.spec?.["template"] === undefined) return [];
  const labelSelector = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  const pods = await cluster.list("v1", "Pod", object.metadata.namespace, { labelSelector });
  return pods as unknown as V1Pod[];
}

/** Such as pods that admission refuses: they never exist, so only an event tells of them. */
async function warnings(cluster: Cluster, { metadata }: KubernetesObject): Promise<string[]> {
  if (metadata.namespace === undefined || metadata.uid === undefined) return [];
  const events = (await cluster.list("v1", "Event", metadata.namespace, {
    fieldSelector: `involvedObject.uid=${metadata.uid},type=Warning`,
  })) as unknown as CoreV1Event[];
  const texts = events.map(({ reason, message }) => `${reason}: ${message}`);
  return [...new Set(texts)].slice(-quotedPods);
}
