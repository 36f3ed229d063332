import {
  endpointsRegistered,
  imagesOfRelease,
  noRestarts,
  replicasReady,
} from "../../../rehearsal/checks/application.ts";
import {
  dataChecksums,
  databaseAnswers,
  membersReady,
  migrationComplete,
  schemaVersion,
  volumesBound,
} from "../../../rehearsal/checks/database.ts";
import {
  archives,
  backedUp,
  restorePoint,
  streams,
  synchronous,
} from "../../../rehearsal/checks/data.ts";
import { gatewayProgrammed } from "../../../rehearsal/checks/gateway.ts";
import { backend, component, condition, holds, named } from "./holds.ts";
import type { Check } from "./holds.ts";
import { expectOutcome, regionWith, subject } from "./fake-cluster.ts";
import type { FakeContents, FakeObject } from "./fake-cluster.ts";

const { namespace } = subject;

/** A check that waits for its object, without the waiting. */
const brief =
  (check: (...args: [...Parameters<Check>, number]) => ReturnType<Check>): Check =>
  (region, about) =>
    check(region, about, 0.1);

const containers = (...states: [ready: boolean, restarts: number, endedAt?: string][]) => ({
  status: {
    phase: "Running",
    containerStatuses: states.map(([isReady, restartCount, finishedAt], index) => ({
      ...(finishedAt !== undefined && { lastState: { terminated: { finishedAt } } }),
      name: `c${index}`,
      ready: isReady,
      restartCount,
      imageID: "",
    })),
  },
});
const leads = { ...component("database"), "postgres-role": "leader" };
const member = (name: string, status: Record<string, unknown>, labels = component("database")) =>
  named(name, status, labels);
const whole = containers([true, 0], [true, 0], [true, 0], [true, 0]);
const database = (second: Record<string, unknown>): FakeContents => ({
  objects: { pods: [member("m-0", whole, leads), member("m-1", second)] },
});
holds("membersReady", membersReady, database(whole), {
  "one of four containers is not ready": database(
    containers([true, 0], [false, 0], [true, 0], [true, 0]),
  ),
  "there are only three containers": database(containers([true, 0], [true, 0], [true, 0])),
  "a container was restarted": database(containers([true, 1], [true, 0], [true, 0], [true, 0])),
  "a member is missing": { objects: { pods: [member("m-0", whole, leads)] } },
  "there is no pod": {},
});

const claims = (...phases: string[]): FakeContents => ({
  objects: {
    persistentvolumeclaims: phases.map((phase, index) =>
      named(`data-postgres-1-x-${String(index)}`, { status: { phase } }),
    ),
  },
});
holds("volumesBound", volumesBound, claims("Bound", "Bound"), {
  "a claim is pending": claims("Bound", "Pending"),
  "a claim is missing": claims("Bound"),
  "there is no claim": {},
});

const migration = (
  type: string,
  { generation = 2, image = subject.release.images.migrations } = {},
) => {
  const annotations = { "lifeline/generation": String(generation) };
  const template = {
    metadata: { annotations },
    spec: { containers: [{ name: "migrate", image }] },
  };
  const status = { conditions: [{ type, status: "True" }] };
  return named(`db-migration-${type}`, { status, spec: { template } }, component("migration"));
};
const jobs = (...found: FakeObject[]): FakeContents => ({ objects: { jobs: found } });
const another = { image: "example/migrations@sha256:0" };
holds(
  "migrationComplete",
  migrationComplete,
  jobs(migration("Failed", another), migration("Complete")),
  {
    "the job failed": jobs(migration("Failed")),
    "the job is unfinished": jobs(migration("SuccessCriteriaMet")),
    "only another release's job is complete": jobs(migration("Complete", another)),
    "only the generation before was migrated": jobs(migration("Complete", { generation: 1 })),
    "there is no job": {},
  },
);

const says = (text: string): FakeContents => ({ ...database(whole), exec: () => `${text}\n` });
const noAnswer = {};
holds("dataChecksums", dataChecksums, says("on"), {
  "they are off": says("off"),
  "psql fails": noAnswer,
});
holds("schemaVersion", schemaVersion, says("1"), {
  "the schema is ahead": says("2"),
  "nothing was migrated": says("0"),
  "psql fails": noAnswer,
});
holds("synchronous", synchronous, says("1"), {
  "nobody follows synchronously": says("0"),
  "nobody leads": { objects: {}, exec: () => "1\n" },
});
holds("streams", streams, says("streaming"), { "nothing is received": says("") });
holds("restorePoint", restorePoint, says("v1.0.0"), { "there is none": says("") });
const backups = (...found: object[]) => says(JSON.stringify([{ name: "main", backup: found }]));
holds("backedUp", brief(backedUp), backups({ type: "full", error: false }), {
  "there is none": backups(),
  "it has damaged pages": backups({ type: "full", error: true }),
  "there are only differences": backups({ type: "diff", error: false }),
});
holds("archives", brief(archives), says("30"), {
  "the last one is long ago": says("500"),
  "nothing was ever archived": says("-1"),
});
holds("databaseAnswers", databaseAnswers, says("PostgreSQL 15.14 on x86_64"), {
  "something else answers": says("MariaDB 11"),
  "psql fails": noAnswer,
});

const deployment = (
  replicas: number,
  readyReplicas: number,
  updatedReplicas: number,
  observedGeneration = 1,
) => ({
  objects: {
    deployments: [
      named("backend", {
        spec: { replicas },
        status: { readyReplicas, updatedReplicas, observedGeneration },
      }),
    ],
  },
});
holds("replicasReady", backend(replicasReady), deployment(3, 3, 3), {
  "one is not ready": deployment(3, 2, 3),
  "one is of an older revision": deployment(3, 3, 2),
  "fewer are wanted than configured": deployment(2, 2, 2),
  "the controller has not seen the change yet": deployment(3, 3, 3, 0),
  "there is no deployment": {},
});

const pods = (...states: [ready: boolean, restarts: number, endedAt?: string][]): FakeContents => ({
  objects: { pods: [named("backend-1", containers(...states), component("backend"))] },
});
holds("noRestarts", backend(noRestarts), pods([true, 1, "2026-01-01T23:59:59Z"]), {
  "a container was restarted since the update began": pods([true, 1, "2026-01-02T00:00:01Z"]),
  "a restarted container does not say when it ended": pods([true, 2]),
  "there is no pod": {},
});

const slices = (...readiness: boolean[]): FakeContents => ({
  objects: {
    endpointslices: [
      named(
        "backend-x",
        { endpoints: readiness.map((it) => ({ conditions: { ready: it } })) },
        { "kubernetes.io/service-name": "backend" },
      ),
    ],
  },
});
holds("endpointsRegistered", backend(endpointsRegistered), slices(true, true, true), {
  "one endpoint is not ready": slices(true, true, false),
  "there are none": {},
});

const running = (image: string, imageID: string): FakeContents => ({
  objects: {
    pods: [
      named(
        "backend-1",
        {
          spec: { containers: [{ image }] },
          status: { containerStatuses: [{ imageID, restartCount: 0 }] },
        },
        component("backend"),
      ),
    ],
  },
});
const released = subject.release.images.backend;
const other = `example/backend@sha256:${"f".repeat(64)}`;
holds("imagesOfRelease", backend(imagesOfRelease), running(released, released), {
  "another image was asked for": running(other, released),
  "the runtime runs another digest": running(released, other),
  "the runtime reports no digest": running(released, ""),
  "there is no pod": {},
});

describe("gatewayProgrammed", () => {
  const route = (...types: string[]) =>
    named("backend", {
      status: { parents: [{ conditions: types.map((type) => ({ type, status: "True" })) }] },
    });
  const gateway = named("gravl", condition("Programmed", "True"));

  test("passes when the gateway is programmed and its routes are accepted", async () => {
    const objects = { gateways: [gateway], httproutes: [route("Accepted", "ResolvedRefs")] };
    const result = await gatewayProgrammed(regionWith({ objects }), subject);
    expect(result).toMatchObject({ status: "passed" });
  });

  test("fails with the reason when the API server refuses", async () => {
    const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/gateways`;
    const answers = { [`GET ${path}`]: { status: 500, body: { message: "broken" } } };
    const result = await gatewayProgrammed(regionWith({ answers }), subject, 0.6);
    expectOutcome(result, "failed", /500 broken/);
  });

  test.each([
    ["there is no gateway", { httproutes: [route("Accepted", "ResolvedRefs")] }],
    ["there is no route", { gateways: [gateway] }],
    ["a route's backend is unknown", { gateways: [gateway], httproutes: [route("Accepted")] }],
    [
      "the gateway is not programmed",
      {
        gateways: [named("gravl", condition("Programmed", "False"))],
        httproutes: [route("Accepted", "ResolvedRefs")],
      },
    ],
  ])("fails when %s", async (_, objects) => {
    const result = await gatewayProgrammed(regionWith({ objects }), subject, 0.6);
    expect(result).toMatchObject({ status: "failed" });
  });
});
