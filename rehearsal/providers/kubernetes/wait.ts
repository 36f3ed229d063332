import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "../stand-in.ts";
import type { Cluster } from "./cluster.ts";
import { diagnose, podTroubles } from "./diagnosis.ts";
import { Unreachable } from "../../../diagnosis/api.ts";
import { annotation, describe, type KubernetesObject } from "./object.ts";
import { defaultTimeoutSeconds, judgeOf, type Verdict } from "./readiness.ts";

/** Between two looks at an object, in milliseconds: often at first, since most are quick. */
const shortestPause = 100;
const longestPause = 1_000;
/** Between two status lines about the same wait, in milliseconds. */
const reportPause = 2_000;

export interface Wait {
  readonly cluster: Cluster;
  readonly connection: Connection;
  readonly urn: string;
  /** From `customTimeouts`. */
  readonly timeoutSeconds: number | undefined;
}

/** The object exists but does not do its work; the message says why, as far as the cluster tells. */
export class NotReady extends Error {
  readonly live: KubernetesObject;
  constructor(live: KubernetesObject, message: string) {
    super(message);
    this.live = live;
  }
}

/**
 * Waits until the object is ready and returns it as it is then.
 * @throws NotReady when it failed, or did not become ready in time
 */
export async function untilReady(object: KubernetesObject, wait: Wait): Promise<KubernetesObject> {
  const judge = judgeOf(object);
  if (judge === undefined) return object;
  const { cluster } = wait;
  const timeoutSeconds = timeoutFor(object, wait.timeoutSeconds);
  const report = reporter(wait);
  let live = object;
  const verdict = await poll(timeoutSeconds, wait, async () => {
    const found = await cluster.get(reference(object));
    if (found === undefined) return { state: "failed", why: "it was deleted meanwhile" };
    live = found;
    const now = await judge(found, cluster);
    if (now.state === "waiting") {
      await report(async () => [now.why, ...(await podTroubles(cluster, live))].join(": "));
    }
    return now;
  });
  if (verdict.state === "ready") return live;
  const summary =
    verdict.state === "failed"
      ? `${describe(live)} failed: ${verdict.why}`
      : `${describe(live)} was not ready after ${timeoutSeconds} s: ${verdict.why}`;
  throw new NotReady(live, [summary, ...(await diagnose(cluster, live))].join("\n"));
}

/** Waits until the object is gone; one of the same name made meanwhile does not count. */
export async function untilGone(object: KubernetesObject, wait: Wait): Promise<void> {
  const timeoutSeconds = timeoutFor(object, wait.timeoutSeconds);
  const report = reporter(wait);
  const verdict = await poll(timeoutSeconds, wait, async () => {
    const live = await wait.cluster.get(reference(object));
    if (live === undefined || live.metadata.uid !== object.metadata.uid) return { state: "ready" };
    const why = remains(live);
    await report(() => Promise.resolve(`being deleted: ${why}`));
    return { state: "waiting", why };
  });
  if (verdict.state === "ready") return;
  throw new Error(
    `${describe(object)} still exists ${timeoutSeconds} s after its deletion: ${verdict.why}`,
  );
}

async function poll(
  timeoutSeconds: number,
  { connection }: Wait,
  look: () => Promise<Verdict>,
): Promise<Verdict> {
  const deadline = performance.now() + timeoutSeconds * 1000;
  for (let pause = shortestPause; ; pause = Math.min(pause * 1.5, longestPause)) {
    connection.cancelled.throwIfAborted();
    // The server may be away for a moment without the object being any less ready.
    const verdict = await look().catch((error: unknown): Verdict => {
      if (error instanceof Unreachable) return { state: "waiting", why: error.message };
      throw error;
    });
    const left = deadline - performance.now();
    if (verdict.state !== "waiting" || left <= 0) return verdict;
    await sleep(Math.min(pause, left), undefined, { signal: connection.cancelled });
  }
}

/** Shows a status line when it changed, and not more often than a person can read. */
function reporter({ connection, urn }: Wait) {
  let said = "";
  let next = performance.now() + reportPause;
  return async (compose: () => Promise<string>) => {
    if (performance.now() < next) return;
    next = performance.now() + reportPause;
    const message = await compose();
    if (message !== said) connection.log("info", message, urn, true);
    said = message;
  };
}

function remains({ metadata, status }: KubernetesObject): string {
  const conditions = (status?.["conditions"] ?? []) as { status?: string; message?: string }[];
  const messages = conditions.flatMap((one) => (one.status === "True" ? (one.message ?? []) : []));
  const { finalizers = [] } = metadata as { finalizers?: string[] };
  if (messages.length > 0) return messages.join("; ");
  return finalizers.length > 0 ? `held by ${finalizers.join(", ")}` : "waiting for its dependents";
}

function timeoutFor(object: KubernetesObject, customSeconds: number | undefined): number {
  const annotated = Number(annotation(object, "timeoutSeconds"));
  return customSeconds ?? (annotated > 0 ? annotated : defaultTimeoutSeconds(object));
}

function reference({ apiVersion, kind, metadata }: KubernetesObject) {
  return { apiVersion, kind, namespace: metadata.namespace, name: metadata.name ?? "" };
}
