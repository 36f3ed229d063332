import { setTimeout as sleep } from "node:timers/promises";
import type { V1Pod, V1Service } from "@kubernetes/client-node";
import type { CheckResult } from "../report/evidence.ts";
import { podsOf } from "./application.ts";
import { check } from "./check.ts";
import { members } from "./database.ts";
import { list } from "./objects.ts";
import type { RegionUnderTest, Subject } from "./subject.ts";

/** A sample line of the Prometheus text format: name, optional labels, value. */
const sample = /^([a-zA-Z_:][\w:]*)(?:\{.*\})?\s+(\S+)/;

/** Sum of a metric's samples in a scrape; undefined when the metric is not there. */
export function sumOf(scrape: string, metric: string): number | undefined {
  const values = scrape.split("\n").flatMap((line) => {
    const [, name, value] = sample.exec(line) ?? [];
    return name === metric ? [Number(value)] : [];
  });
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
}

/** Every pod of the component counts the requests it served. */
export function requestMetrics(
  region: RegionUnderTest,
  subject: Subject,
  component: "backend" | "frontend",
): Promise<CheckResult> {
  const metric = "http_requests_total";
  return check({ name: `${component}: metrics answer`, region: region.name }, async () => {
    const pods = await podsOf(region.cluster, subject.namespace, component);
    const counts = await Promise.all(
      pods.map(async (pod) => sumOf(await scrape(region, pod, 9464), metric)),
    );
    const counted = counts.filter((count) => count !== undefined && count > 0);
    return {
      ok: pods.length > 0 && counted.length === pods.length,
      expected: `${metric} above 0 in every pod`,
      measured: `${counted.length} of ${pods.length} pods: ${counts.map((it) => it ?? "none").join(", ")}`,
    };
  });
}

/** Its sessions may have been ended since it was last asked, by a failover or with a password: then it says so once. */
const exporterAsked = 3;
const exporterPauseMilliseconds = 1000;

/** The exporter reaches the database. */
export function postgresMetrics(
  region: RegionUnderTest,
  { namespace }: Subject,
): Promise<CheckResult> {
  return check({ name: "Postgres exporter: metrics answer", region: region.name }, async () => {
    const pods = await members(region, namespace);
    const ups = await Promise.all(pods.map((pod) => reaches(region, pod)));
    return {
      ok: ups.length > 0 && ups.every((up) => up === 1),
      expected: "pg_up 1 of every member",
      measured: `pg_up ${ups.map((up) => up ?? "is missing").join(", ")}`,
    };
  });
}

async function reaches(region: RegionUnderTest, pod: V1Pod): Promise<number | undefined> {
  for (let turn = 1; ; turn += 1) {
    const up = sumOf(await scrape(region, pod, 9187), "pg_up");
    if (up === 1 || turn === exporterAsked) return up;
    await sleep(exporterPauseMilliseconds);
  }
}

/** Every agent measures its member, and none has left its leader's history. */
export function agentMetrics(
  region: RegionUnderTest,
  { namespace }: Subject,
): Promise<CheckResult> {
  return check({ name: "Agents: no member diverged", region: region.name }, async () => {
    const pods = await members(region, namespace);
    const found = await Promise.all(
      pods.map(async (pod) => sumOf(await scrape(region, pod, 9188), "lifeline_postgres_diverged")),
    );
    return {
      ok: found.length > 0 && found.every((value) => value === 0),
      expected: "lifeline_postgres_diverged 0 of every member",
      measured: found.map((value) => value ?? "missing").join(", ") || "no member",
    };
  });
}

/** A Prometheus that watches the namespace sees every target up; without one the step is skipped. */
export function targetsUp(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  const { cluster, name } = region;
  return check({ name: "Prometheus sees every target up", region: name }, async () => {
    const labels = { "app.kubernetes.io/name": "prometheus" };
    const [prometheus] = await list<V1Service>(cluster, "services", { labels });
    if (prometheus === undefined) {
      return { skipped: "No Prometheus and no Alertmanager in this cluster." };
    }
    const { name: service, namespace } = prometheus.metadata ?? {};
    const port = prometheus.spec?.ports?.[0]?.port ?? 9090;
    const upQuery = encodeURIComponent(`up{namespace="${subject.namespace}"}`);
    const proxy = `/api/v1/namespaces/${namespace}/services/${service}:${port}/proxy`;
    const { status, body } = await cluster.request("GET", `${proxy}/api/v1/query?query=${upQuery}`);
    if (status !== 200) throw new Error(`Prometheus answered ${status}`);
    const { data } = JSON.parse(body) as { data: { result: { value: [number, string] }[] } };
    const up = data.result.filter(({ value }) => value[1] === "1");
    return {
      ok: up.length > 0 && up.length === data.result.length,
      expected: "every target up",
      measured: `${up.length} of ${data.result.length} targets up`,
    };
  });
}

/** What a pod says on its metrics port. @throws Error when it does not answer with 200 */
export async function scrape(
  { cluster }: RegionUnderTest,
  pod: V1Pod,
  port: number,
): Promise<string> {
  const { name, namespace } = pod.metadata ?? {};
  const path = `/api/v1/namespaces/${namespace}/pods/${name}:${port}/proxy/metrics`;
  const { status, body } = await cluster.request("GET", path);
  if (status !== 200) throw new Error(`${name}:${port}/metrics answered ${status}`);
  return body;
}
