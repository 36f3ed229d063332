import type { CheckResult } from "../report/evidence.ts";
import { podsOf, restartsOf } from "./application.ts";
import { check } from "./check.ts";
import { entryOf } from "./gateway.ts";
import { fetchFrom, keepAliveAgent } from "./https-client.ts";
import type { Entry } from "./https-client.ts";
import type { RegionUnderTest, Subject } from "./subject.ts";

/** The runbook's limits for a light load. */
export const loadLimits = {
  p95Milliseconds: 200,
  requestsPerSecond: 100,
  errorRate: 0.001,
} as const;

export interface LoadPlan {
  readonly seconds: number;
  readonly workers: number;
  /** Asked for in turn. */
  readonly paths: readonly string[];
}

export interface LoadSummary {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p95Milliseconds: number;
  /** Share of requests, 0 to 1, that did not end in 200. */
  readonly errorRate: number;
}

const lightLoad: LoadPlan = { seconds: 10, workers: 10, paths: ["/", "/api/health", "/api/notes"] };

/** Requests over kept connections, each worker one at a time, to this entry and nowhere else. */
export async function generateLoad(entry: Entry, plan: LoadPlan): Promise<LoadSummary> {
  const agent = keepAliveAgent(plan.workers);
  const durations: number[] = [];
  let errors = 0;
  const started = performance.now();
  const end = started + plan.seconds * 1000;

  async function work(worker: number): Promise<void> {
    for (let turn = worker; performance.now() < end; turn++) {
      const path = plan.paths[turn % plan.paths.length] ?? "/";
      const before = performance.now();
      const ok = await fetchFrom(entry, { path, agent }).then(
        (reply) => reply.status === 200,
        () => false,
      );
      durations.push(performance.now() - before);
      if (!ok) errors++;
    }
  }

  try {
    await Promise.all(Array.from({ length: plan.workers }, (_, worker) => work(worker)));
  } finally {
    agent.destroy();
  }
  return {
    requests: durations.length,
    requestsPerSecond: durations.length / ((performance.now() - started) / 1000),
    p95Milliseconds: percentile(durations, 0.95),
    errorRate: durations.length === 0 ? 1 : errors / durations.length,
  };
}

/** Nearest-rank percentile; 0 of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(Math.ceil(sorted.length * share) - 1, 0)] ?? 0;
}

/** The runbook's load test, with its three limits, and no pod restarted under it. */
export async function loadTest(
  region: RegionUnderTest,
  subject: Subject,
  plan: LoadPlan = lightLoad,
): Promise<CheckResult[]> {
  let restarts: number | undefined;
  let summary: LoadSummary | undefined;
  const about = (name: string) => ({ name, region: region.name });
  const throughput = await check(
    { ...about("Throughput under load"), withinSeconds: plan.seconds + 10 },
    async () => {
      restarts = await countRestarts(region, subject);
      summary = await generateLoad(entryOf(region, subject), plan);
      return {
        ok: summary.requestsPerSecond > loadLimits.requestsPerSecond,
        expected: `more than ${loadLimits.requestsPerSecond} requests/s`,
        measured: `${summary.requestsPerSecond.toFixed(0)} requests/s`,
        detail: `${summary.requests} requests, ${plan.workers} workers, ${plan.seconds} s`,
      };
    },
  );
  const measured = () => {
    if (summary === undefined) throw new Error("the load test gave no result");
    return summary;
  };
  return [
    throughput,
    await check(about("95th percentile of latency"), () => {
      const { p95Milliseconds } = measured();
      return {
        ok: p95Milliseconds < loadLimits.p95Milliseconds,
        expected: `below ${loadLimits.p95Milliseconds} ms`,
        measured: `${p95Milliseconds.toFixed(1)} ms`,
      };
    }),
    await check(about("Error rate under load"), () => {
      const { errorRate } = measured();
      return {
        ok: errorRate < loadLimits.errorRate,
        expected: `below ${loadLimits.errorRate * 100} %`,
        measured: `${(errorRate * 100).toFixed(2)} %`,
      };
    }),
    await check(about("No restarts under load"), async () => {
      const after = await countRestarts(region, subject);
      return {
        ok: after === restarts,
        expected: `${restarts ?? "unknown"} restarts, as before`,
        measured: `${after} restarts`,
      };
    }),
  ];
}

async function countRestarts(
  { cluster }: RegionUnderTest,
  { namespace }: Subject,
): Promise<number> {
  const pods = await Promise.all(
    ["backend", "frontend", "database"].map((component) => podsOf(cluster, namespace, component)),
  );
  return restartsOf(pods.flat());
}
