import { databaseAlerts } from "./database-rules.ts";

/** `page` wakes somebody, `ticket` waits for the morning. */
export type Severity = "page" | "ticket";

export interface Alert {
  /** Name of the alert, and in kebab-case of its page in docs/runbooks. */
  readonly alert: string;
  readonly expr: string;
  /** How long it has to be true, as Prometheus writes durations. */
  readonly for: string;
  readonly severity: Severity;
  /** What is wrong, for the one who is woken. */
  readonly summary: string;
}

/** Services that Prometheus scrapes. */
export interface Target {
  /** Name of the ServiceMonitor and of the application, and so the label `job`. */
  readonly name: "backend" | "frontend" | "postgres";
  /** Component label of the Services. */
  readonly component: "backend" | "frontend" | "database";
  /** Names of the ports with metrics. */
  readonly ports: readonly string[];
}

export const targets: readonly Target[] = [
  { name: "backend", component: "backend", ports: ["metrics"] },
  { name: "frontend", component: "frontend", ports: ["metrics"] },
  { name: "postgres", component: "database", ports: ["metrics", "agent"] },
];

/** Largest share of requests that may fail, and the 95th percentile that answers may take. */
const errorRatio = 0.05;
const p95Seconds = 0.2;

/**
 * Every alert: each is measured where the user feels it, and each has a twin that fires when the measurement itself
 * is gone, since an alert on an absent series never fires.
 */
export function alerts(namespace: string): Alert[] {
  const of = (job: Target["name"]) => `namespace="${namespace}",job="${job}"`;
  const requests = `rate(http_requests_total{${of("backend")}}[5m])`;
  const failures = `rate(http_requests_total{${of("backend")},status=~"5.."}[5m])`;
  const latencies = `rate(http_request_duration_seconds_bucket{${of("backend")}}[5m])`;
  return [
    {
      alert: "BackendDown",
      expr: `sum(up{${of("backend")}}) == 0`,
      for: "1m",
      severity: "page",
      summary: "No backend pod answers.",
    },
    {
      alert: "BackendMetricsAbsent",
      expr: `absent(up{${of("backend")}})`,
      for: "5m",
      severity: "page",
      summary: "The backend is not scraped: nothing below would notice an outage.",
    },
    {
      alert: "BackendErrors",
      expr: `sum(${failures}) / sum(${requests}) > ${String(errorRatio)}`,
      for: "5m",
      severity: "page",
      summary: `More than ${String(errorRatio * 100)} % of requests fail.`,
    },
    {
      alert: "BackendSlow",
      expr: `histogram_quantile(0.95, sum by (le) (${latencies})) > ${String(p95Seconds)}`,
      for: "10m",
      severity: "ticket",
      summary: `One request in twenty takes more than ${String(p95Seconds * 1000)} ms.`,
    },
    {
      alert: "BackendRequestMetricsAbsent",
      expr: `absent(http_requests_total{${of("backend")}}) or absent(http_request_duration_seconds_bucket{${of("backend")}})`,
      for: "15m",
      severity: "ticket",
      summary: "The backend counts no requests: errors and latency are not watched.",
    },
    {
      alert: "PostgresDown",
      expr: `max(pg_up{${of("postgres")}}) == 0`,
      for: "1m",
      severity: "page",
      summary: "The exporter cannot reach Postgres.",
    },
    {
      alert: "PostgresMetricsAbsent",
      expr: `absent(pg_up{${of("postgres")}})`,
      for: "5m",
      severity: "page",
      summary: "Postgres is not measured: neither the pod nor its exporter answers.",
    },
    ...databaseAlerts(namespace),
  ];
}

/** Page of the alert, in docs/runbooks. */
export function pageOf({ alert }: Alert): string {
  return `${alert.replace(/(?<!^)[A-Z]/g, "-$&").toLowerCase()}.md`;
}
