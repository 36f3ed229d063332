import { jest } from "@jest/globals";
import type { Method } from "../../diagnosis/api.ts";
import type { Cluster } from "../../rehearsal/checks/cluster.ts";
import { drillCheck, proveRegions } from "../../rehearsal/drill.ts";
import { proofJob } from "../../rehearsal/restore-proof.ts";
import { proofOf } from "./report/example.ts";
import { fakeCluster, type FakeObject } from "./checks/fake-cluster.ts";

const namespace = "gravl-local";
const pods = `/api/v1/namespaces/${namespace}/pods`;
const jobs = `/apis/batch/v1/namespaces/${namespace}/jobs`;

const cronJob: FakeObject = {
  metadata: { name: proofJob, namespace, labels: { part: "proof" } },
  spec: {
    schedule: "0 3 * * SUN",
    jobTemplate: {
      spec: {
        activeDeadlineSeconds: 3600,
        backoffLimit: 3,
        template: { spec: { restartPolicy: "OnFailure", containers: [{ name: "proof" }] } },
      },
    },
  },
};

/** A cluster in which a started Job has ended, with this condition, and said this. */
function ended(condition: "Complete" | "Failed", log: string) {
  const asked: { method: Method; path: string; body: object | undefined }[] = [];
  const fake = fakeCluster({
    objects: { cronjobs: [cronJob], pods: [{ metadata: { name: "pod-1", namespace } }] },
    answers: {
      [`POST ${jobs}`]: { status: 201 },
      [`GET ${pods}`]: { status: 200, body: { items: [{ metadata: { name: "pod-1" } }] } },
      [`GET ${pods}/pod-1/log`]: { status: 200, body: log },
    },
  });
  const cluster: Cluster = {
    ...fake,
    request(method, path, body) {
      asked.push({ method, path, body });
      if (method === "GET" && path.startsWith(`${jobs}/`)) {
        const job = { status: { conditions: [{ type: condition, status: "True" }] } };
        return Promise.resolve({ status: 200, body: JSON.stringify(job) });
      }
      return fake.request(method, path, body);
    },
  };
  return { cluster, asked };
}

const logOf = (report: object, ...more: string[]): string =>
  ["restore-proof: ok  ledger 0.1 s", `restore-proof: report ${JSON.stringify(report)}`, ...more]
    .map((line) => `${line}\n`)
    .join("");

const prove = async (cluster: Cluster) => {
  const [found] = await proveRegions("proof", [{ name: "eu-north-1", cluster }], namespace);
  if (found === undefined) throw new Error("nothing came of it");
  return found;
};

beforeAll(() => {
  jest.spyOn(process.stderr, "write").mockImplementation(() => true);
});
afterAll(() => jest.restoreAllMocks());

test("runs what the CronJob runs, once, and removes it with its volume", async () => {
  const { cluster, asked } = ended("Complete", logOf(proofOf("eu-north-1")));
  expect(await prove(cluster)).toMatchObject({ trouble: "", proof: { result: "green" } });
  const started = asked.find(({ method }) => method === "POST");
  expect(started?.body).toMatchObject({
    kind: "Job",
    metadata: { labels: { part: "proof" } },
    spec: {
      activeDeadlineSeconds: 3600,
      backoffLimit: 0,
      template: { spec: { restartPolicy: "Never", containers: [{ name: "proof" }] } },
    },
  });
  const removed = asked.find(({ method }) => method === "DELETE");
  expect(removed?.path).toMatch(/\?propagationPolicy=Background$/);
});

test("tells a red proof's reason", async () => {
  const red = proofOf("eu-north-1", { rung: "listing", detail: "a segment is missing" });
  const found = await prove(ended("Failed", logOf(red)).cluster);
  expect(found).toMatchObject({ trouble: "listing: a segment is missing", proof: red });
  expect(drillCheck(found)).toMatchObject({
    region: "eu-north-1",
    status: "failed",
    measured: "1 of 2 rungs green",
    detail: "listing: a segment is missing",
  });
});

test("fails when a green proof could not be filed", async () => {
  const why = "restore-proof: the report could not be filed: 403";
  const found = await prove(ended("Failed", logOf(proofOf("eu-north-1"), why)).cluster);
  expect(found.trouble).toContain("could not be filed: 403");
  expect(drillCheck(found)).toMatchObject({ status: "failed", measured: "no proof" });
});

test("fails when the proof ended without a report, and where there is none to run", async () => {
  const silent = await prove(ended("Failed", "").cluster);
  expect(silent.trouble).toContain("the restore proof did not come to its end");
  const none = await prove(fakeCluster());
  expect(none.trouble).toContain(`cronjobs/${proofJob} does not exist`);
});

test("says how long it took and how much was behind", () => {
  expect(
    drillCheck({ region: "eu-west-1", proof: proofOf("eu-west-1"), trouble: "", seconds: 21 }),
  ).toEqual({
    name: "The archive alone brings the database back",
    region: "eu-west-1",
    status: "passed",
    seconds: 21,
    expected: "every rung of the restore proof green",
    measured: "5 of 5 rungs green, usable after 3.3 s, 41.5 s behind",
    detail: "",
  });
});
