import { ApiError, Unreachable } from "../../diagnosis/api.ts";
import { causeOf, type Api, type Declared } from "../../diagnosis/cause.ts";

/** An API server that answers from a list: JSON by path, logs as text; whatever else is asked is refused. */
function api(answers: Readonly<Record<string, unknown>>): Api {
  const answer = (path: string, query: Readonly<Record<string, string>> = {}): unknown => {
    const selector = query["fieldSelector"] ?? query["container"];
    const found = answers[selector === undefined ? path : `${path}?${selector}`] ?? answers[path];
    if (found === undefined) throw new ApiError(403, "Forbidden", path);
    if (found instanceof Error) throw found;
    return found;
  };
  return {
    json: <T>({ path, query }: { path: string; query?: Record<string, string> }) =>
      Promise.resolve().then(() => answer(path, query) as T),
    text: ({ path, query }) => Promise.resolve().then(() => String(answer(path, query))),
  };
}

const core = "/api/v1/namespaces/acme";
const deployment: Declared = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "backend", namespace: "acme" },
};
const live = {
  metadata: { uid: "d" },
  spec: { selector: { matchLabels: { app: "backend" } } },
  status: { readyReplicas: 3, conditions: [{ type: "Available", status: "True" }] },
};
const noEvents = { items: [] };

function pod(name: string, containerStatus: object, more: object = {}) {
  const container = { name: "backend", ready: false, ...containerStatus };
  return {
    metadata: { name, uid: `uid-${name}` },
    spec: { volumes: [{ name: "app", secret: { secretName: "app-secret" } }] },
    status: { phase: "Running", containerStatuses: [container], ...more },
  };
}

const cluster = (pods: readonly object[], more: Readonly<Record<string, unknown>> = {}) =>
  api({
    "/apis/apps/v1/namespaces/acme/deployments/backend": live,
    [`${core}/pods`]: { items: pods },
    [`${core}/events`]: noEvents,
    ...more,
  });

const well = pod("backend-old", { ready: true, state: { running: {} } });

test("an image that cannot be pulled: the kubelet's own words, once for all pods, and who still serves", async () => {
  const waiting = { reason: "ImagePullBackOff", message: 'Back-off pulling image "acme@sha256:1"' };
  const pods = ["backend-1", "backend-2"].map((name) => pod(name, { state: { waiting } }));
  expect(await causeOf(cluster([well, ...pods]), deployment)).toEqual([
    'pod backend-1: backend: ImagePullBackOff: Back-off pulling image "acme@sha256:1"',
    "3 pods of backend are ready and serve",
  ]);
});

describe("a crash loop", () => {
  const crashed = pod("backend-1", {
    state: { waiting: { reason: "CrashLoopBackOff" } },
    lastState: { terminated: { exitCode: 1, reason: "Error" } },
  });
  const log = { [`${core}/pods/backend-1/log`]: "starts\ncannot sign with t0psecret\n" };

  test("shows the last lines of the container, without the secrets that the pod reads", async () => {
    const data = { key: Buffer.from("t0psecret").toString("base64") };
    const causes = await causeOf(
      cluster([crashed], { ...log, [`${core}/secrets/app-secret`]: { data } }),
      deployment,
    );
    expect(causes.slice(0, 4)).toEqual([
      "pod backend-1: backend: CrashLoopBackOff (exit code 1, Error)",
      "  last lines of backend:",
      "  | starts",
      "  | cannot sign with [secret]",
    ]);
  });

  test("quotes the reason, which a stack buries", async () => {
    const frames = Array.from({ length: 12 }, (_, frame) => `    at load${String(frame)} (a.js:1)`);
    const said = ["/app/server.js:1", "Error: no such setting", ...frames, "", "Node.js v18.20.4"];
    const causes = await causeOf(
      cluster([crashed], {
        [`${core}/pods/backend-1/log`]: `${said.join("\n")}\n`,
        [`${core}/secrets/app-secret`]: { data: {} },
      }),
      deployment,
    );
    expect(causes.slice(1, 4)).toEqual([
      "  last lines of backend:",
      "  | /app/server.js:1",
      "  | Error: no such setting",
    ]);
  });

  test("shows none to somebody who may not read the secrets to mask", async () => {
    const causes = await causeOf(cluster([crashed], log), deployment);
    expect(causes.join()).not.toContain("t0psecret");
    expect(causes.join()).toMatch(/not shown: who runs this may not read its secrets/);
  });
});

test("a missing secret: its name, which only an event tells", async () => {
  const waiting = pod(
    "backend-1",
    { state: { waiting: { reason: "ContainerCreating" } } },
    { phase: "Pending" },
  );
  const message = 'MountVolume.SetUp failed for volume "app" : secret "app-secret-2" not found';
  const events = { items: [{ reason: "FailedMount", message }] };
  const causes = await causeOf(
    cluster([well, waiting], {
      [`${core}/events?involvedObject.uid=uid-backend-1,type=Warning`]: events,
    }),
    deployment,
  );
  expect(causes.slice(0, 2)).toEqual([
    "pod backend-1: waits to start",
    `  FailedMount: ${message}`,
  ]);
});

test("a Job: why it was given up, and what the container that failed last said", async () => {
  const job = { apiVersion: "batch/v1", kind: "Job", metadata: { name: "m", namespace: "acme" } };
  const failed = {
    type: "Failed",
    status: "True",
    reason: "BackoffLimitExceeded",
    message: "gone",
  };
  const attempt = (name: string, creationTimestamp: string) => {
    const terminated = { exitCode: 1, reason: "Error" };
    const made = pod(name, { state: { terminated } }, { phase: "Failed" });
    return { ...made, spec: {}, metadata: { ...made.metadata, creationTimestamp } };
  };
  const causes = await causeOf(
    api({
      "/apis/batch/v1/namespaces/acme/jobs/m": { ...live, status: { conditions: [failed] } },
      [`${core}/pods`]: {
        items: [attempt("m-1", "2026-01-01T00:00:00Z"), attempt("m-2", "2026-01-01T00:01:00Z")],
      },
      [`${core}/events`]: noEvents,
      [`${core}/pods/m-2/log`]: "002-add.sql failed",
    }),
    job,
  );
  expect(causes).toEqual([
    "Failed: BackoffLimitExceeded: gone",
    "pod m-2: backend: Error (exit code 1, Error)",
    "  last lines of backend:",
    "  | 002-add.sql failed",
  ]);
});

test("a Gateway that nobody serves, and a route without backend: the conditions that do not hold", async () => {
  const root = "/apis/gateway.networking.k8s.io/v1/namespaces/acme";
  const gateway = (kind: string, name: string) => ({
    apiVersion: "gateway.networking.k8s.io/v1",
    ...{ kind, metadata: { name, namespace: "acme" } },
  });
  const waiting = {
    ...{ type: "Programmed", status: "Unknown", reason: "Pending" },
    message: "Waiting for controller",
  };
  const lost = { type: "ResolvedRefs", status: "False", reason: "BackendNotFound" };
  const conditions = [{ type: "Accepted", status: "True" }, waiting];
  const server = api({
    [`${root}/gateways/acme`]: { metadata: { uid: "g" }, status: { conditions } },
    [`${root}/httproutes/backend`]: {
      metadata: { uid: "r" },
      status: { parents: [{ conditions: [lost] }, { conditions: [lost] }] },
    },
    [`${core}/events`]: noEvents,
  });
  expect(await causeOf(server, gateway("Gateway", "acme"))).toEqual([
    "not Programmed: Pending: Waiting for controller",
  ]);
  expect(await causeOf(server, gateway("HTTPRoute", "backend"))).toEqual([
    "not ResolvedRefs: BackendNotFound",
  ]);
});

test("a Gateway that was handed to a controller that is not there: nobody has looked at the change", async () => {
  const gateway = { apiVersion: "gateway.networking.k8s.io/v1", kind: "Gateway" };
  const conditions = [{ type: "Programmed", status: "True", observedGeneration: 1 }];
  const told = (generation: number) =>
    causeOf(
      api({
        "/apis/gateway.networking.k8s.io/v1/gateways/acme": {
          ...{ metadata: { uid: "g", generation }, status: { conditions } },
        },
      }),
      { ...gateway, metadata: { name: "acme" } },
    );
  expect(await told(2)).toEqual([
    "no controller has looked at it since it was changed: who serves it?",
  ]);
  expect(await told(1)).toEqual([]);
});

describe("what may not be read, or is not there, is left out", () => {
  const waiting = { reason: "ImagePullBackOff", message: "no such image" };
  const troubled = pod("backend-1", { state: { waiting } });
  const unmet = { type: "Available", status: "False", reason: "MinimumReplicasUnavailable" };
  const path = "/apis/apps/v1/namespaces/acme/deployments/backend";
  const server = (answers: Readonly<Record<string, unknown>>) =>
    api({ [path]: { ...live, status: { conditions: [unmet] } }, ...answers });
  const condition = "not Available: MinimumReplicasUnavailable";

  test("a forbidden list of events leaves conditions and pods", async () => {
    const causes = await causeOf(server({ [`${core}/pods`]: { items: [troubled] } }), deployment);
    expect(causes).toEqual([
      condition,
      "pod backend-1: backend: ImagePullBackOff: no such image",
      "0 pods of backend are ready and serve",
    ]);
  });

  test("a forbidden list of pods leaves conditions and events", async () => {
    const items = [{ reason: "FailedCreate", message: "exceeded quota" }];
    expect(await causeOf(server({ [`${core}/events`]: { items } }), deployment)).toEqual([
      condition,
      "FailedCreate: exceeded quota",
    ]);
  });

  test("an object that was never made has no causes", async () => {
    const gone = new ApiError(404, "NotFound", "the server could not find the requested resource");
    expect(await causeOf(server({ [path]: gone }), deployment)).toEqual([]);
  });

  test("silence is no answer, and neither is a server that failed", async () => {
    await expect(
      causeOf(server({ [path]: new Unreachable("no answer") }), deployment),
    ).rejects.toThrow(Unreachable);
    const failed = new ApiError(500, "InternalError", "etcd");
    await expect(causeOf(server({ [`${core}/pods`]: failed }), deployment)).rejects.toThrow(
      ApiError,
    );
  });
});
