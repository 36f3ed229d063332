import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { V1CronJob, V1Job, V1Pod } from "@kubernetes/client-node";
import type { Cluster } from "./checks/cluster.ts";
import { accepted, get, list, pathOf } from "./checks/objects.ts";
import { type Proof, parseProof } from "./report/evidence.ts";

export interface ProofRun {
  readonly cluster: Cluster;
  readonly namespace: string;
  /** Hears each line that the proof says. */
  readonly onLine: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** The CronJob that proves every week. */
export const proofJob = "postgres-restore-proof";
/** A proof that has not ended by then says no more. */
const longestSeconds = 900;

/**
 * Runs the region's restore proof now, as the weekly CronJob runs it, but once: a red one is not tried again.
 * @returns its report, green or red
 * @throws Error when it could not be run, or left no report
 */
export async function proveRestore(run: ProofRun): Promise<Proof> {
  const { cluster, namespace } = run;
  const job = await startJob(cluster, namespace);
  try {
    const { passed, log } = await ended(run, job);
    const [, told] = /^restore-proof: report (\{.*\})$/m.exec(log) ?? [];
    const report = told === undefined ? undefined : parseProof(JSON.parse(told));
    if (report === undefined || passed !== (report.result === "green"))
      throw new Error(`the restore proof did not come to its end: ${lastLineOf(log)}`);
    return report;
  } finally {
    // Its volume goes with it.
    const path = pathOf("jobs", namespace, job);
    await cluster.request("DELETE", `${path}?propagationPolicy=Background`);
  }
}

async function startJob(cluster: Cluster, namespace: string): Promise<string> {
  const { metadata, spec } = await get<V1CronJob>(cluster, "cronjobs", proofJob, namespace);
  const { metadata: about, spec: template } = spec.jobTemplate;
  const name = `${proofJob}-${randomBytes(4).toString("hex")}`;
  const job: V1Job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name,
      labels: { ...metadata?.labels, ...about?.labels },
      annotations: { ...about?.annotations, "cronjob.kubernetes.io/instantiate": "manual" },
    },
    spec: {
      ...template!,
      backoffLimit: 0,
      template: {
        ...template!.template,
        // The log of a pod that failed stays until it was read.
        spec: { ...template!.template.spec!, restartPolicy: "Never" },
      },
    },
  };
  accepted(await cluster.request("POST", pathOf("jobs", namespace), job), `start ${name}`);
  return name;
}

/** The whole log of the Job's pod, once it has ended, and whether it ended well. */
async function ended(
  { cluster, namespace, onLine, signal }: ProofRun,
  job: string,
): Promise<{ passed: boolean; log: string }> {
  const until = Date.now() + longestSeconds * 1000;
  let said = "";
  for (;;) {
    signal?.throwIfAborted();
    const { status } = await get<V1Job>(cluster, "jobs", job, namespace);
    const end = (status?.conditions ?? []).find(
      (it) => ["Complete", "Failed"].includes(it.type) && it.status === "True",
    );
    const log = await logOf(cluster, namespace, job);
    const lines = log.slice(said.length).split("\n");
    for (const line of lines) {
      if (line !== "" && !line.includes("report {")) onLine(line.replace(/^restore-proof: /, ""));
    }
    said = log;
    if (end !== undefined) return { passed: end.type === "Complete", log };
    if (Date.now() > until) {
      throw new Error(
        `${job} has not ended after ${String(longestSeconds)} s: kubectl --context ${cluster.context} -n ${namespace} describe job ${job}`,
      );
    }
    await sleep(1000);
  }
}

/** Whole lines only; nothing while there is no pod, or no log of it. */
async function logOf(cluster: Cluster, namespace: string, job: string): Promise<string> {
  const labels = { "batch.kubernetes.io/job-name": job };
  const [pod] = await list<V1Pod>(cluster, "pods", { namespace, labels });
  if (pod?.metadata?.name === undefined) return "";
  const { status, body } = await cluster.request(
    "GET",
    `${pathOf("pods", namespace, pod.metadata.name)}/log`,
  );
  return status === 200 ? body.slice(0, body.lastIndexOf("\n") + 1) : "";
}

const lastLineOf = (log: string): string => log.trim().split("\n").at(-1) ?? "";
