import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { keepEvidence } from "../../rehearsal/rollback/kept.ts";
import { fakeCluster, type FakeContents } from "./checks/fake-cluster.ts";

const namespace = "gravl";
const core = `/api/v1/namespaces/${namespace}`;
const password = "s3cret-of-the-database";

const pod = (name: string, component: string, restartCount = 0) => ({
  metadata: { name, namespace, labels: { "app.kubernetes.io/component": component } },
  spec: { volumes: [{ secret: { secretName: "postgres" } }, {}] },
  status: { containerStatuses: [{ name: component, restartCount }] },
});

const contents = {
  objects: {
    pods: [
      pod("backend-1", "backend", 2),
      pod("migration-1", "migration"),
      pod("pg-0", "database"),
    ],
    secrets: [
      {
        metadata: { name: "postgres", namespace },
        data: { password: Buffer.from(password).toString("base64") },
      },
    ],
  },
  answers: {
    [`GET ${core}/events`]: { status: 200, body: { items: [{ reason: "BackOff" }] } },
    [`GET ${core}/configmaps/lifeline-release`]: { status: 200, body: { data: {} } },
    [`GET ${core}/pods/backend-1/log`]: { status: 200, body: `no login as ${password}\n` },
    [`GET ${core}/pods/migration-1/log`]: { status: 404, body: "gone" },
  },
} satisfies FakeContents;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lifeline-kept-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const keep = (more: FakeContents = contents) => {
  const cluster = fakeCluster(more);
  return {
    cluster,
    kept: keepEvidence([{ name: "eu", cluster }], namespace, join(folder, "kept")),
  };
};

test("logs, also of what restarted, events, pods and record are kept, for their owner alone", async () => {
  const { cluster, kept } = keep();
  const { files, missing } = await kept;
  expect(missing).toEqual([]);
  expect(files.map((file) => basename(file))).toEqual([
    "eu-events.json",
    "eu-logs.txt",
    "eu-pods.json",
    "eu-record.json",
  ]);
  for (const file of files) expect(statSync(file).mode & 0o777).toBe(0o600);
  const logs = cluster.seen.filter(({ path }) => path.includes("/log?")).map(({ path }) => path);
  expect(logs.map((path) => path.slice(core.length))).toEqual([
    "/pods/backend-1/log?container=backend&tailLines=500&previous=true",
    "/pods/backend-1/log?container=backend&tailLines=500&previous=false",
    "/pods/migration-1/log?container=migration&tailLines=500&previous=false",
  ]);
});

test("a secret that a pod reads is in no log", async () => {
  const [, logs = ""] = (await keep().kept).files;
  expect(readFileSync(logs, "utf8")).toBe(
    [
      ...["== backend-1 backend, before it restarted", "no login as [secret]"],
      ...["== backend-1 backend", "no login as [secret]"],
      ...["== migration-1 migration", "no log: gone"],
    ].join("\n"),
  );
});

test.each([
  ["may not be read", { status: 403, body: { message: "forbidden" } }, "403 forbidden"],
  // Its pods may run on with it.
  ["is gone", { status: 404, body: {} }, "does not exist"],
])("a log is left out where one of its secrets %s, and that is told", async (_, answer, why) => {
  const { files, missing } = await keep({
    ...contents,
    answers: { ...contents.answers, [`GET ${core}/secrets/postgres`]: answer },
  }).kept;
  expect(files).toHaveLength(4);
  const text = readFileSync(files[1] ?? "", "utf8");
  expect(text).toMatch(/== backend-1\nnot kept/);
  expect(text).not.toContain(password);
  expect(missing).toEqual([
    expect.stringMatching(new RegExp(`^eu: log of backend-1, .*${why}`)),
    expect.stringMatching(/^eu: log of migration-1, /),
  ]);
});

test("a pod that waits for a secret that is not there has no log to miss", async () => {
  const waiting = pod("backend-2", "backend");
  const [status] = waiting.status.containerStatuses;
  Object.assign(status ?? {}, { state: { waiting: { reason: "ContainerCreating" } } });
  const objects = { pods: [waiting] };
  const { files, missing } = await keep({ ...contents, objects }).kept;
  expect(missing).toEqual([]);
  expect(readFileSync(files[1] ?? "", "utf8")).toContain("nothing of it has begun");
});

test("a log that may not be read is told, and what looks like a credential is cut out of everything", async () => {
  const events = { items: [{ message: "fetching postgres://app:hunter2@db/app" }] };
  const { files, missing } = await keep({
    ...contents,
    answers: {
      ...contents.answers,
      [`GET ${core}/events`]: { status: 200, body: events },
      [`GET ${core}/pods/migration-1/log`]: { status: 403, body: "forbidden" },
    },
  }).kept;
  expect(missing).toEqual(["eu: log of migration-1: forbidden"]);
  for (const file of files) expect(readFileSync(file, "utf8")).not.toContain("hunter2");
});

test("what cannot be had is named", async () => {
  const answers = { ...contents.answers, [`GET ${core}/events`]: { status: 500, body: "broken" } };
  const { files, missing } = await keep({ ...contents, answers }).kept;
  expect(files).toHaveLength(3);
  expect(missing).toEqual([expect.stringMatching(/^eu: events\.json: .*500 broken/)]);
});
