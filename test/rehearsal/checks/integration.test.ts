import type { RequestListener } from "node:http";
import {
  backendHealth,
  pageShowsRelease,
  primaryEndpoint,
  rowSurvives,
  writeRefused,
} from "../../../rehearsal/checks/integration.ts";
import { generateLoad, loadTest, percentile } from "../../../rehearsal/checks/load.ts";
import { regionWith } from "./fake-cluster.ts";
import type { FakeContents } from "./fake-cluster.ts";

import { component, named } from "./holds.ts";
import { host, page, regionServing, subject } from "./local-gateway.ts";

const leads = { ...component("database"), "postgres-role": "leader" };
const leader = { pods: [named("m-0", {}, leads)] };

describe("pageShowsRelease", () => {
  test("passes when the page names the release", async () => {
    expect(await pageShowsRelease(await regionServing(page), subject)).toMatchObject({
      status: "passed",
    });
  });

  test("fails when the page names another release", async () => {
    const region = await regionServing((_, response) => response.end("<p>v0.9.0</p>"));
    expect(await pageShowsRelease(region, subject)).toMatchObject({ status: "failed" });
  });
});

describe("backendHealth", () => {
  const health = { status: "ok", release: "v1.0.0", schema: 1, writable: true };
  test.each([
    ["passed", "all is well", health],
    ["failed", "another release answers", { ...health, release: "v0.9.0" }],
    ["failed", "the schema differs", { ...health, schema: 2 }],
    ["failed", "the primary cannot write", { ...health, writable: false }],
  ])("is %s when %s", async (status, _, body) => {
    const region = await regionServing((_request, response) => response.end(JSON.stringify(body)));
    expect(await backendHealth(region, subject)).toMatchObject({ status });
  });

  test("fails when the standby says it may write", async () => {
    const answer: RequestListener = (_, response) => response.end(JSON.stringify(health));
    const region = await regionServing(answer, { role: "standby" });
    expect(await backendHealth(region, subject)).toMatchObject({ status: "failed" });
  });
});

describe("rows", () => {
  /** An API over a list, with the database counting what it was really given. */
  function notes({ stores = true, lists = true, status = 201 } = {}) {
    const stored: string[] = [];
    const listener: RequestListener = (request, response) => {
      let body = "";
      request.on("data", (part: Buffer) => (body += part.toString()));
      request.on("end", () => {
        if (request.method === "POST" && stores)
          stored.push((JSON.parse(body) as { text: string }).text);
        response.writeHead(request.method === "POST" ? status : 200);
        response.end(JSON.stringify(lists ? stored : []));
      });
    };
    const exec: NonNullable<FakeContents["exec"]> = (_, command) => {
      const sql = command.at(-1) ?? "";
      return String(stored.filter((text) => sql.includes(text)).length);
    };
    return { listener, exec };
  }

  async function result(check: typeof rowSurvives, options: Parameters<typeof notes>[0]) {
    const { listener, exec } = notes(options);
    return check(await regionServing(listener, { contents: { objects: leader, exec } }), subject);
  }

  test("a row passes when it comes back and is in Postgres", async () => {
    expect(await result(rowSurvives, {})).toMatchObject({ status: "passed" });
  });

  test.each([
    ["it is not in Postgres", { stores: false }],
    ["the list leaves it out", { lists: false }],
    ["the API reports an error", { status: 500 }],
  ])("a row fails when %s", async (_, options) => {
    expect(await result(rowSurvives, options)).toMatchObject({ status: "failed" });
  });

  test("a refused write passes with 503 and no row", async () => {
    expect(await result(writeRefused, { stores: false, status: 503 })).toMatchObject({
      status: "passed",
    });
  });

  test.each([
    ["the write is taken", { status: 201 }],
    ["the answer is 503 but the row is there", { status: 503 }],
    ["the answer is another error", { stores: false, status: 500 }],
  ])("a refused write fails when %s", async (_, options) => {
    expect(await result(writeRefused, options)).toMatchObject({ status: "failed" });
  });
});

describe("primaryEndpoint", () => {
  test.each([
    ["primary", 200],
    ["standby", 503],
  ] as const)("passes in the %s region with %i", async (role, code) => {
    const answer: RequestListener = (_, response) => response.writeHead(code).end();
    const region = await regionServing(answer, { role });
    expect(await primaryEndpoint(region, subject, 0.6)).toMatchObject({ status: "passed" });
  });

  test.each([
    ["primary", 503],
    ["standby", 200],
  ] as const)("fails in the %s region with %i", async (role, code) => {
    const answer: RequestListener = (_, response) => response.writeHead(code).end();
    const region = await regionServing(answer, { role });
    expect(await primaryEndpoint(region, subject, 0.6)).toMatchObject({ status: "failed" });
  });
});

describe("load", () => {
  const plan = { seconds: 0.4, workers: 4, paths: ["/"] };

  test("the percentile is the nearest rank", () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(percentile(values, 0.95)).toBe(95);
    expect(percentile([7], 0.95)).toBe(7);
    expect(percentile([], 0.95)).toBe(0);
  });

  test("counts what fails, and keeps its connections", async () => {
    let turn = 0;
    const connections = new Set<unknown>();
    const region = await regionServing((request, response) => {
      connections.add(request.socket);
      response.writeHead(turn++ % 2 === 0 ? 200 : 500).end();
    });
    const { address, httpsPort: port } = region;
    const summary = await generateLoad({ address, port, host, authority: subject.authority }, plan);
    expect(summary.requests).toBe(turn);
    expect(summary.errorRate).toBeCloseTo(0.5, 1);
    expect(connections.size).toBe(plan.workers);
  });

  test("passes on a fast gateway", async () => {
    const results = await loadTest(await regionServing(page), subject, plan);
    expect(results.map((it) => it.status)).toEqual(["passed", "passed", "passed", "passed"]);
  });

  test("fails on throughput and latency when the gateway is slow", async () => {
    const slow: RequestListener = (_, response) => setTimeout(() => response.end(), 250);
    const results = await loadTest(await regionServing(slow), subject, plan);
    expect(results.map((it) => it.status)).toEqual(["failed", "failed", "passed", "passed"]);
  });

  test("fails on errors when the gateway answers none", async () => {
    const results = await loadTest(regionWith({}, { httpsPort: 1 }), subject, plan);
    expect(results[2]).toMatchObject({ status: "failed", measured: "100.00 %" });
  });

  test("fails when a pod was restarted under it", async () => {
    let restarts = 0;
    const region = await regionServing(page);
    const pods = () => ({
      items: [{ metadata: {}, status: { containerStatuses: [{ restartCount: restarts++ }] } }],
    });
    const cluster = {
      ...region.cluster,
      request: () => Promise.resolve({ status: 200, body: JSON.stringify(pods()) }),
    };
    const results = await loadTest({ ...region, cluster }, subject, plan);
    expect(results[3]).toMatchObject({ status: "failed" });
  });
});
