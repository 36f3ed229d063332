import type { CoreV1Event, V1Condition, V1Pod, V1Secret, V1PodSpec } from "@kubernetes/client-node";

import { ApiError, type ApiClient } from "./api.ts";
import { masked } from "./masked.ts";
import { podTrouble, troubledContainer } from "./pods.ts";

/** An object of a cluster, as a program declared it. */
export interface Declared {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

/** The API of one cluster. */
export type Api = Pick<ApiClient, "json" | "text">;

interface Live {
  readonly metadata: { readonly uid: string; readonly generation?: number };
  readonly spec?: {
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  };
  readonly status?: {
    readonly readyReplicas?: number;
    readonly conditions?: readonly Partial<V1Condition>[];
    /** Of a route: what each Gateway says of it. */
    readonly parents?: readonly { readonly conditions?: readonly Partial<V1Condition>[] }[];
  };
}

const timeoutMilliseconds = 5_000;
/** Pods, and events of each, that are quoted: the others rarely say anything new. */
const quoted = 2;
const quotedLines = 8;
/** Lines read for that many that say something. */
const readLines = 60;
/** Frames of a stack, and what a runtime says when it ends: the reason stands before them. */
const saysLittle = /^\s*(at\s.*|\.\.\. \d+ more|Node\.js v[\d.]+|)$/;

/** Conditions that hold when something is wrong. */
const bad = /^(ReplicaFailure|Failed|FailureTarget|Suspended|Conflicted)$/;

/**
 * Why an object does not do its work, as its cluster tells: its conditions, what keeps its pods from running, what the
 * kubelet and the controllers warn of, and the last lines of a container that ended, without secrets. Empty where the
 * object is not there or may not be read.
 * @throws Unreachable when the cluster does not answer, ApiError when it answers with anything but that
 */
export async function causeOf(api: Api, declared: Declared): Promise<string[]> {
  const cluster = new Reader(api, declared.metadata.namespace);
  const live = await cluster.get<Live>(pathOf(declared));
  if (live === undefined) return [];
  const matchLabels = live.spec?.selector?.matchLabels;
  const pods = matchLabels === undefined ? [] : await cluster.podsWith(matchLabels);
  const troubled = distinct(pods);
  const ofPods = await Promise.all(troubled.map((pod) => causesOfPod(cluster, pod)));
  const ready = live.status?.readyReplicas ?? 0;
  return [
    ...unmet(live),
    ...(await cluster.warnings(live.metadata.uid)),
    ...ofPods.flat(),
    ...(declared.kind === "Deployment" && troubled.length > 0
      ? [`${String(ready)} pods of ${declared.metadata.name} are ready and serve`]
      : []),
  ];
}

/** Where the API serves it; the kinds that a release can stop at have regular plurals. */
function pathOf({ apiVersion, kind, metadata: { name, namespace } }: Declared): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
  return `${root}${scope}/${kind.toLowerCase()}s/${name}`;
}

function unmet({ metadata, status }: Live): string[] {
  const conditions = [
    ...(status?.conditions ?? []),
    ...(status?.parents ?? []).flatMap((parent) => parent.conditions ?? []),
  ];
  const texts = conditions
    .filter(({ type = "", status: holds }) => (holds === "True") === bad.test(type))
    .map(({ type = "", reason, message }) =>
      [bad.test(type) ? type : `not ${type}`, reason, message].filter(Boolean).join(": "),
    );
  const seen = conditions.flatMap(({ observedGeneration }) => observedGeneration ?? []);
  const { generation = 0 } = metadata;
  const isStale = seen.length > 0 && Math.max(...seen) < generation;
  return [
    ...new Set(texts),
    ...(isStale ? ["no controller has looked at it since it was changed: who serves it?"] : []),
  ];
}

/** One pod for each trouble; new ones first. */
function distinct(pods: readonly V1Pod[]): V1Pod[] {
  const byTrouble = Map.groupBy(
    pods.filter(isTroubled).toSorted((a, b) => startOf(b) - startOf(a)),
    // Names of pods differ in every one of them.
    (pod) => (podTrouble(pod) ?? "").replaceAll(pod.metadata?.name ?? "", ""),
  );
  return [...byTrouble.values()].flatMap(([first]) => first ?? []).slice(0, quoted);
}

/** A pod without a trouble of its own may wait for a volume: only events tell of it. */
const isTroubled = (pod: V1Pod): boolean =>
  podTrouble(pod) !== undefined || pod.status?.phase === "Pending";

const startOf = ({ metadata }: V1Pod): number =>
  new Date(metadata?.creationTimestamp ?? 0).getTime();

async function causesOfPod(cluster: Reader, pod: V1Pod): Promise<string[]> {
  const name = pod.metadata?.name ?? "";
  const trouble = podTrouble(pod) ?? "waits to start";
  const [warnings, lines] = await Promise.all([
    cluster.warnings(pod.metadata?.uid ?? ""),
    lastLines(cluster, pod),
  ]);
  // What the kubelet says about pulling is in the trouble already, at greater length.
  const news = warnings.filter(
    (text) => !text.startsWith("BackOff") && !text.startsWith("Failed:"),
  );
  return [`pod ${name}: ${trouble}`, ...news.map((text) => `  ${text}`), ...lines];
}

async function lastLines(cluster: Reader, pod: V1Pod): Promise<string[]> {
  const container = troubledContainer(pod);
  if (container === undefined) return [];
  const lines = await cluster.log(pod.metadata?.name ?? "", container);
  if (lines.length === 0) return [];
  const secrets = await cluster.secretsOf(pod.spec);
  if (secrets === undefined) {
    return [`  its last lines are not shown: who runs this may not read its secrets, to mask them`];
  }
  return [`  last lines of ${container}:`, ...masked(lines, secrets).map((line) => `  | ${line}`)];
}

/** Asks about one namespace. What is not there, or not allowed, is left out. */
class Reader {
  readonly #client: Api;
  readonly #namespace: string | undefined;

  constructor(client: Api, namespace: string | undefined) {
    this.#client = client;
    this.#namespace = namespace;
  }

  async get<T>(path: string, query: Record<string, string> = {}): Promise<T | undefined> {
    try {
      return await this.#client.json<T>({ method: "GET", path, query, timeoutMilliseconds });
    } catch (error) {
      if (error instanceof ApiError && (error.status === 403 || error.status === 404)) {
        return undefined;
      }
      throw error;
    }
  }

  async podsWith(labels: Readonly<Record<string, string>>): Promise<V1Pod[]> {
    const labelSelector = Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(",");
    const pods = await this.get<{ items: V1Pod[] }>(this.#path("pods"), { labelSelector });
    return pods?.items ?? [];
  }

  async warnings(uid: string): Promise<string[]> {
    if (this.#namespace === undefined) return [];
    const fieldSelector = `involvedObject.uid=${uid},type=Warning`;
    const events = await this.get<{ items: CoreV1Event[] }>(this.#path("events"), {
      fieldSelector,
    });
    const texts = (events?.items ?? []).map(
      ({ reason, message }) => `${reason ?? ""}: ${message ?? ""}`,
    );
    return [...new Set(texts)].slice(-quoted);
  }

  /** The last lines that say something, of the container that ended last, or of the one that runs. */
  async log(pod: string, container: string): Promise<string[]> {
    const path = `${this.#path("pods")}/${pod}/log`;
    for (const previous of ["true", "false"]) {
      const query = { container, previous, tailLines: String(readLines) };
      const text = await this.#client
        .text({ method: "GET", path, query, timeoutMilliseconds })
        .catch(() => "");
      if (text.trim() === "") continue;
      const lines = text.trim().split("\n");
      const telling = lines.filter((line) => !saysLittle.test(line));
      return (telling.length === 0 ? lines : telling).slice(-quotedLines);
    }
    return [];
  }

  /** Every value that the pod reads from a Secret; undefined when one of them may not be read. */
  async secretsOf(spec: V1PodSpec | undefined): Promise<string[] | undefined> {
    const names = (spec?.volumes ?? []).flatMap(({ secret }) => secret?.secretName ?? []);
    try {
      const secrets = await Promise.all(
        names.map((name) => this.get<V1Secret>(`${this.#path("secrets")}/${name}`)),
      );
      if (secrets.includes(undefined)) return undefined;
      return secrets.flatMap((secret) =>
        Object.values(secret?.data ?? {}).map((value) => Buffer.from(value, "base64").toString()),
      );
    } catch {
      return undefined;
    }
  }

  #path(resource: string): string {
    return `/api/v1/namespaces/${this.#namespace ?? ""}/${resource}`;
  }
}
