import { setTimeout as sleep } from "node:timers/promises";

import { ApiError, type ApiClient } from "./api.ts";

interface Job {
  readonly metadata: {
    readonly name: string;
    readonly creationTimestamp: string;
    readonly ownerReferences?: readonly object[];
  };
  readonly status?: { readonly conditions?: readonly { type: string; status: string }[] };
}

type Api = Pick<ApiClient, "json" | "text">;

/** Ended predecessors of a Job that stay, with their logs. */
const kept = 3;
/** A Job is named by its content, and some by a turn of their region as well. */
const ofContent = /(-[0-9a-f]{8,10})+$/;

/** Pods that end have half a minute each. */
const patienceSeconds = 90;

/**
 * Clears a Job away that has failed, with its pods; whatever else it has come to, it stays. A failed Job never runs again,
 * and one that is asked for once more would answer with its old failure.
 * @returns whether it was there and had failed
 * @throws Error when it does not go
 */
export async function clearFailedJob(api: Api, namespace: string, name: string): Promise<boolean> {
  const path = `${jobsOf(namespace)}/${name}`;
  if (!has(await find(api, path), "Failed")) return false;
  await api.text({ method: "DELETE", path, query: { propagationPolicy: "Background" } });
  for (let second = 0; (await find(api, path)) !== undefined; second += 1) {
    if (second === patienceSeconds) {
      throw new Error(
        `Job ${namespace}/${name} failed before and does not go. Fix: kubectl -n ${namespace} delete job ${name}`,
      );
    }
    await sleep(1000);
  }
  return true;
}

/**
 * Deletes the oldest of those Jobs that did, with other content, what a Job is about to do: the engine forgets what it
 * replaces and leaves it in the cluster, and each release would leave one more.
 */
export async function clearOldJobs(
  api: Api,
  namespace: string,
  { name, labels }: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
): Promise<void> {
  const labelSelector = Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(",");
  const path = jobsOf(namespace);
  const { items } = await api.json<{ items: Job[] }>({
    ...{ method: "GET", path, query: { labelSelector } },
  });
  const stem = name.replace(ofContent, "");
  const old = items
    .filter((job) => job.metadata.ownerReferences === undefined)
    .filter(
      (job) => job.metadata.name !== name && job.metadata.name.replace(ofContent, "") === stem,
    )
    .filter((job) => has(job, "Complete") || has(job, "Failed"))
    .sort((one, other) => ageOf(one) - ageOf(other))
    .slice(kept);
  for (const { metadata } of old) {
    const query = { propagationPolicy: "Background" };
    await api.text({ method: "DELETE", path: `${path}/${metadata.name}`, query });
  }
}

const jobsOf = (namespace: string): string => `/apis/batch/v1/namespaces/${namespace}/jobs`;

const ageOf = ({ metadata }: Job): number => -Date.parse(metadata.creationTimestamp);

const has = (job: Job | undefined, condition: "Complete" | "Failed"): boolean =>
  job?.status?.conditions?.some(({ type, status }) => type === condition && status === "True") ??
  false;

async function find(api: Api, path: string): Promise<Job | undefined> {
  try {
    return await api.json<Job>({ method: "GET", path });
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}
