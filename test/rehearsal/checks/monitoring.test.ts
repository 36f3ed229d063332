import {
  agentMetrics,
  postgresMetrics,
  requestMetrics,
  targetsUp,
} from "../../../rehearsal/checks/monitoring.ts";
import { expectOutcome, type FakeContents, regionWith, subject } from "./fake-cluster.ts";
import { backend, component, holds, named } from "./holds.ts";

const { namespace } = subject;

const scrape = (pod: string, port: number, text: string, labels = {}): FakeContents => ({
  objects: { pods: [named(pod, {}, labels)] },
  answers: {
    [`GET /api/v1/namespaces/${namespace}/pods/${pod}:${port}/proxy/metrics`]: {
      status: 200,
      body: text,
    },
  },
});
const served = (text: string) => scrape("backend-1", 9464, text, component("backend"));
const metric = 'http_requests_total{method="GET",route="/",status="200"}';
holds("requestMetrics", backend(requestMetrics), served(`# HELP x\n${metric} 3\n`), {
  "nothing was counted": served(`${metric} 0\n`),
  "the metric is missing": served("http_requests_total_other 3\n"),
  "there is no pod": {},
  "the endpoint does not answer": {
    objects: { pods: [named("backend-1", {}, component("backend"))] },
  },
});
const exporter = (text: string) => scrape("m-0", 9187, text, component("database"));
holds("postgresMetrics", postgresMetrics, exporter("pg_up 1\n"), {
  "the exporter cannot reach Postgres": exporter("pg_up 0\n"),
  "the metric is missing": exporter("go_threads 1\n"),
  "there is no member": {},
});
test("postgresMetrics asks an exporter again whose session was ended", async () => {
  const region = regionWith(exporter("pg_up 1\n"));
  let asked = 0;
  const cluster: typeof region.cluster = {
    ...region.cluster,
    request: async (method, path, body) => {
      const answer = await region.cluster.request(method, path, body);
      if (!path.endsWith("/metrics")) return answer;
      asked += 1;
      return asked === 1 ? { ...answer, body: "pg_up 0\n" } : answer;
    },
  };
  expect(await postgresMetrics({ ...region, cluster }, subject)).toMatchObject({
    status: "passed",
  });
  expect(asked).toBe(2);
});
const agent = (text: string) => scrape("m-0", 9188, text, component("database"));
holds("agentMetrics", agentMetrics, agent("lifeline_postgres_diverged 0\n"), {
  "a member diverged": agent("lifeline_postgres_diverged 1\n"),
  "nobody measures it": agent("lifeline_postgres_timeline 1\n"),
  "there is no member": {},
});

describe("targetsUp", () => {
  const service = {
    metadata: {
      name: "prometheus",
      namespace: "mon",
      labels: { "app.kubernetes.io/name": "prometheus" },
    },
    spec: { ports: [{ port: 9090 }] },
  };
  const withTargets = (...values: string[]): FakeContents => ({
    objects: { services: [service] },
    answers: {
      "GET /api/v1/namespaces/mon/services/prometheus:9090/proxy/api/v1/query": {
        status: 200,
        body: { data: { result: values.map((value) => ({ value: [0, value] })) } },
      },
    },
  });

  test("is skipped with the reason, not passed, where there is no Prometheus", async () => {
    const result = await targetsUp(regionWith({}), subject);
    expectOutcome(result, "skipped", /No Prometheus/);
  });

  test.each([
    ["passed", ["1", "1"]],
    ["failed", ["1", "0"]],
    ["failed", []],
  ])("is %s with targets %j", async (status, values) => {
    expect(await targetsUp(regionWith(withTargets(...values)), subject)).toMatchObject({ status });
  });
});
