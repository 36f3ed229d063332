import type { CoreV1Event, V1ContainerStatus, V1Pod } from "@kubernetes/client-node";
import type { Cluster } from "./cluster.ts";
import type { KubernetesObject } from "./object.ts";

/** Pods quoted in one message: the others rarely say anything new. */
const quotedPods = 3;

/** What keeps an object's pods from running, one line each; nothing for objects without pods. */
export async function podTroubles(cluster: Cluster, object: KubernetesObject): Promise<string[]> {
  const troubles = (await podsOf(cluster, object)).map(podTrouble);
  return [...new Set(troubles.filter((trouble) => trouble !== undefined))].slice(0, quotedPods);
}

/** Everything known about an object that did not become ready: pods, warnings, last log lines. */
export async function diagnose(cluster: Cluster, object: KubernetesObject): Promise<string[]> {
  const pods = await podsOf(cluster, object);
  const unwell = pods.filter((pod) => podTrouble(pod) !== undefined);
  const logs = await Promise.all(unwell.slice(0, quotedPods).map((pod) => lastLines(cluster, pod)));
  const troubles = unwell
    .slice(0, quotedPods)
    .flatMap((pod, index) => [`pod ${pod.metadata?.name}: ${podTrouble(pod)}`, logs[index] ?? ""]);
  return [...troubles, ...(await warnings(cluster, object))].filter((line) => line !== "");
}

/** Why a pod does not run; undefined when it does. */
export function podTrouble({ status }: V1Pod): string | undefined {
  const unscheduled = status?.conditions?.find(
    ({ type, status }) => type === "PodScheduled" && status === "False",
  );
  if (unscheduled !== undefined) return `${unscheduled.reason}: ${unscheduled.message}`;
  const containers = [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ];
  for (const container of containers) {
    const trouble = containerTrouble(container);
    if (trouble !== undefined) return trouble;
  }
  if (status?.phase === "Failed") return status.message ?? status.reason ?? "failed";
  if (status?.phase === "Succeeded") return undefined;
  const unready = (status?.containerStatuses ?? []).find((one) => !one.ready && one.state?.running);
  return unready === undefined ? undefined : `${unready.name} runs but is not ready`;
}

function containerTrouble({ name, state, lastState }: V1ContainerStatus): string | undefined {
  const { waiting, terminated } = state ?? {};
  const ended = terminated ?? lastState?.terminated;
  const exit = ended?.exitCode ? ` (exit code ${ended.exitCode}, ${ended.reason})` : "";
  if (
    waiting !== undefined &&
    !/^(ContainerCreating|PodInitializing)$/.test(waiting.reason ?? "")
  ) {
    return `${name}: ${waiting.reason}${waiting.message ? `: ${waiting.message}` : ""}${exit}`;
  }
  return terminated?.exitCode ? `${name}: ${terminated.reason}${exit}` : undefined;
}

async function lastLines(cluster: Cluster, { metadata, status }: V1Pod): Promise<string> {
  const container = [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ].find((one) => containerTrouble(one) !== undefined || !one.ready);
  if (container === undefined) return "";
  const { namespace = "", name = "" } = metadata ?? {};
  const lines = await cluster.logs(namespace, name, container.name);
  return lines === "" ? "" : `last lines of ${container.name}:\n${lines.replace(/^/gm, "  | ")}`;
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
