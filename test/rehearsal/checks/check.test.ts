import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "@jest/globals";
import { check, eventually, skipped } from "../../../rehearsal/checks/check.ts";
import type { Finding } from "../../../rehearsal/checks/check.ts";
import { connect } from "../../../rehearsal/checks/cluster.ts";
import { accepted, find, get, list } from "../../../rehearsal/checks/objects.ts";
import { noDrift, secondRunEmpty, secretsStaySecret } from "../../../rehearsal/checks/sign-off.ts";
import { createAuthority, issue } from "../../../rehearsal/regions/pki.ts";
import { expectOutcome, fakeCluster } from "./fake-cluster.ts";
import { serveHttps } from "./servers.ts";
import type { LocalServer } from "./servers.ts";

const finding = (ok: boolean): Finding => ({ ok, expected: "1", measured: ok ? "1" : "2" });

describe("check", () => {
  test("keeps what was expected and measured, and how long it took", async () => {
    const result = await check({ name: "n", region: "r" }, () => finding(true));
    expect(result).toMatchObject({
      name: "n",
      region: "r",
      status: "passed",
      expected: "1",
      measured: "1",
    });
    expect(result.seconds).toBeLessThan(1);
  });

  test("fails when the values differ", async () => {
    expect(await check({ name: "n" }, () => finding(false))).toMatchObject({ status: "failed" });
  });

  test("fails with the reason when measuring throws", async () => {
    const result = await check({ name: "n" }, () => Promise.reject(new Error("boom")));
    expectOutcome(result, "failed", /boom/);
  });

  test("fails when there is no answer in time", async () => {
    const result = await check(
      { name: "n", withinSeconds: 0.05 },
      () => new Promise(() => undefined),
    );
    expectOutcome(result, "failed", /no answer within 0\.1 s/);
  });

  test("is skipped, never passed, when there is nothing to measure", async () => {
    expectOutcome(await check({ name: "n" }, () => ({ skipped: "absent" })), "skipped", /absent/);
    expectOutcome(skipped({ name: "n" }, "absent"), "skipped", /absent/);
  });
});

describe("eventually", () => {
  test("passes when it holds at last", async () => {
    let turn = 0;
    const result = await eventually({ name: "n", withinSeconds: 5 }, () => finding(++turn === 2));
    expect(result).toMatchObject({ status: "passed" });
    expect(turn).toBe(2);
  });

  test("fails with the last measurement when the time is over", async () => {
    const result = await eventually({ name: "n", withinSeconds: 0.6 }, () => finding(false));
    expect(result).toMatchObject({ status: "failed", measured: "2" });
  });
});

describe("objects", () => {
  const pods = { pods: [{ metadata: { name: "p", namespace: "n", labels: { a: "b" } } }] };

  test("lists by namespace and labels", async () => {
    const cluster = fakeCluster({ objects: pods });
    expect(await list(cluster, "pods", { namespace: "n", labels: { a: "b" } })).toHaveLength(1);
    expect(await list(cluster, "pods", { namespace: "n", labels: { a: "c" } })).toHaveLength(0);
    expect(cluster.seen[0]?.path).toBe("/api/v1/namespaces/n/pods?labelSelector=a%3Db");
  });

  test("tells an object that is not there from one that cannot be read", async () => {
    const answers = {
      "GET /api/v1/namespaces/n/pods/q": { status: 403, body: { message: "forbidden" } },
    };
    const cluster = fakeCluster({ objects: pods, answers });
    expect(await find(cluster, "pods", "missing", "n")).toBeUndefined();
    await expect(get(cluster, "pods", "missing", "n")).rejects.toThrow(
      "pods/missing does not exist",
    );
    await expect(find(cluster, "pods", "q", "n")).rejects.toThrow(/403 forbidden/);
  });

  test("passes on the server's own words, whatever their form", () => {
    expect(() => accepted({ status: 500, body: "plain" }, "read")).toThrow(
      "cannot read: 500 plain",
    );
  });
});

describe("connect", () => {
  let server: LocalServer;
  let folder: string;
  let kubeconfig: string;
  let kubectl: string;

  beforeAll(async () => {
    const authority = await createAuthority("Test cluster");
    const leaf = await issue({
      authority,
      commonName: "127.0.0.1",
      ips: ["127.0.0.1"],
      usages: ["server"],
      days: 1,
    });
    server = await serveHttps(leaf, (request, response) => {
      request.resume().on("end", () => {
        const { method, url, headers } = request;
        response.end(
          JSON.stringify({
            method,
            url,
            type: headers["content-type"],
            who: headers.authorization,
          }),
        );
      });
    });
    folder = mkdtempSync(join(tmpdir(), "lifeline-cluster-"));
    kubeconfig = join(folder, "kubeconfig");
    const data = Buffer.from(authority.certificate).toString("base64");
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        clusters: [
          {
            name: "c",
            cluster: {
              server: `https://127.0.0.1:${server.port}`,
              "certificate-authority-data": data,
            },
          },
        ],
        users: [{ name: "u", user: { token: "t" } }],
        contexts: [{ name: "one", context: { cluster: "c", user: "u" } }],
      }),
    );
    kubectl = join(folder, "kubectl");
    writeFileSync(
      kubectl,
      '#!/bin/sh\n[ "${12}" = fail ] && { echo "no such file" >&2; exit 1; }\necho "$@"\n',
    );
    chmodSync(kubectl, 0o755);
  });

  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  test("talks to the API server of the context, as its user, over verified TLS", async () => {
    const cluster = connect({ kubeconfig, context: "one", kubectl });
    const answer = await cluster.request("GET", "/api/v1/pods?limit=1");
    expect(JSON.parse(answer.body)).toEqual({
      method: "GET",
      url: "/api/v1/pods?limit=1",
      who: "Bearer t",
    });
  });

  test.each([
    ["POST", "/x", "application/json"],
    ["PATCH", "/x/status", "application/merge-patch+json"],
    ["PATCH", "/x?fieldManager=me", "application/apply-patch+yaml"],
  ] as const)("%s %s sends %s", async (method, path, type) => {
    const cluster = connect({ kubeconfig, context: "one", kubectl });
    const { body } = await cluster.request(method, path, {});
    expect(JSON.parse(body)).toMatchObject({ type });
  });

  test("runs commands in containers through kubectl", async () => {
    const cluster = connect({ kubeconfig, context: "one", kubectl });
    const where = { namespace: "n", pod: "p", container: "c" };
    expect(await cluster.exec(where, ["echo", "hi"])).toBe(
      `--kubeconfig ${kubeconfig} --context one --namespace n exec p --container c -- echo hi\n`,
    );
  });

  test("reports a command that fails with its error output", async () => {
    const cluster = connect({ kubeconfig, context: "one", kubectl });
    const where = { namespace: "n", pod: "p", container: "c" };
    await expect(cluster.exec(where, ["fail"])).rejects.toThrow(/no such file/);
  });

  test("refuses an unknown context, naming those there are", () => {
    expect(() => connect({ kubeconfig, context: "two", kubectl })).toThrow(
      'context must be one of the kubeconfig\'s (one), got "two"',
    );
  });
});

describe("sign-off", () => {
  const run = {
    name: "r",
    seconds: 1,
    created: 0,
    updated: 0,
    replaced: 0,
    deleted: 0,
    unchanged: 9,
  };

  test.each([secondRunEmpty, noDrift])(
    "passes when everything is unchanged (%p)",
    async (judge) => {
      expect(await judge(run)).toMatchObject({ status: "passed" });
    },
  );

  test.each(["created", "updated", "replaced", "deleted"])(
    "fails when one resource was %s",
    async (what) => {
      expect(await secondRunEmpty({ ...run, [what]: 1 })).toMatchObject({ status: "failed" });
    },
  );

  test("fails when the run saw no resource at all", async () => {
    expect(await secondRunEmpty({ ...run, unchanged: 0 })).toMatchObject({ status: "failed" });
  });

  test("fails when a secret is in a file, without repeating it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lifeline-secrets-"));
    const file = join(folder, "state.json");
    writeFileSync(file, "{}\ncanary-1");
    const leaked = await secretsStaySecret([file], ["canary-1"]);
    expectOutcome(leaked, "failed", /secret 1 of 1 is in .*state\.json/);
    expect(JSON.stringify(leaked)).not.toContain("canary-1");
    expect(await secretsStaySecret([file], ["canary-2"])).toMatchObject({ status: "passed" });
    expect(await secretsStaySecret([], ["canary-2"])).toMatchObject({ status: "failed" });
    // The log of a pod that is gone since the files were listed.
    const gone = `${file}.gone`;
    expect(await secretsStaySecret([file, gone], ["canary-2"])).toMatchObject({ status: "passed" });
    expect(await secretsStaySecret([gone], ["canary-2"])).toMatchObject({ status: "failed" });
    expect(await secretsStaySecret([file], [])).toMatchObject({ status: "failed" });
    rmSync(folder, { recursive: true });
  });
});
