import type { Method } from "../../../diagnosis/api.ts";
import type { Cluster, PodReference } from "../../../rehearsal/checks/cluster.ts";
import { pathOf } from "../../../rehearsal/checks/objects.ts";
import type { Kind } from "../../../rehearsal/checks/objects.ts";
import type { RegionUnderTest, Subject } from "../../../rehearsal/checks/subject.ts";
import type { CheckResult } from "../../../rehearsal/report/evidence.ts";

export interface FakeObject {
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly labels?: Record<string, string>;
    readonly [key: string]: unknown;
  };
  readonly [key: string]: unknown;
}

/** What the fake holds or how it answers; `answers` win over `objects`. */
export interface FakeContents {
  readonly objects?: Partial<Record<Kind, readonly FakeObject[]>>;
  /** By method and path without its query. */
  readonly answers?: Readonly<Record<string, { status: number; body?: unknown }>>;
  readonly exec?: (where: PodReference, command: readonly string[]) => string;
}

export interface FakeCluster extends Cluster {
  /** Every request, in order, with its query. */
  readonly seen: readonly { method: Method; path: string; body: object | undefined }[];
}

/** A cluster that answers reads from its objects, filtering by namespace and labels as a real one. */
export function fakeCluster({ objects = {}, answers = {}, exec }: FakeContents = {}): FakeCluster {
  const seen: { method: Method; path: string; body: object | undefined }[] = [];
  return {
    context: "fake",
    seen,
    request(method, path, body) {
      seen.push({ method, path, body });
      const [plain = "", query = ""] = path.split("?");
      const prepared = answers[`${method} ${plain}`];
      const found = prepared ?? (method === "GET" ? read(objects, plain, query) : undefined);
      const { status, body: text } = found ?? { status: 404, body: { message: "not found" } };
      return Promise.resolve({
        status,
        body: typeof text === "string" ? text : JSON.stringify(text ?? {}),
      });
    },
    exec(where, command) {
      if (exec === undefined) return Promise.reject(new Error("no exec in this fake"));
      return Promise.resolve(exec(where, command));
    },
  };
}

function read(objects: NonNullable<FakeContents["objects"]>, path: string, query: string) {
  for (const [kind, items] of Object.entries(objects) as [Kind, FakeObject[]][]) {
    const one = items.find(({ metadata }) =>
      [undefined, metadata?.namespace].some((at) => path === pathOf(kind, at, metadata?.name)),
    );
    if (one !== undefined) return { status: 200, body: one };
    const namespace = /\/namespaces\/([^/]+)\//.exec(path)?.[1];
    if (path === pathOf(kind, namespace)) {
      const kept = items.filter((it) => inScope(it, namespace, query));
      return { status: 200, body: { items: kept } };
    }
  }
  // A kind the test says nothing about has no objects; a single one of them does not exist.
  return isCollection(path) ? { status: 200, body: { items: [] } } : undefined;
}

function isCollection(path: string): boolean {
  return (
    /(\/v1|\/namespaces\/[^/]+)\/[a-z]+$/.test(path) && !/\/api\/v1\/namespaces\/[^/]+$/.test(path)
  );
}

function inScope({ metadata }: FakeObject, namespace: string | undefined, query: string): boolean {
  const selector = new URLSearchParams(query).get("labelSelector") ?? "";
  const wanted = selector === "" ? [] : selector.split(",").map((part) => part.split("="));
  return (
    (namespace === undefined || metadata?.namespace === namespace) &&
    wanted.every(([key = "", value]) => metadata?.labels?.[key] === value)
  );
}

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

export const subject: Subject = {
  product: "gravl",
  namespace: "gravl-local",
  host: "gravl.lifeline.test",
  release: {
    version: "v1.0.0",
    schema: { lowest: 1, highest: 1 },
    restorePoint: "v1.0.0",
    images: {
      backend: `example/backend@${digest("a")}`,
      frontend: `example/frontend@${digest("b")}`,
      migrations: `example/migrations@${digest("d")}`,
    },
  },
  postgres: {
    image: `example/postgres@${digest("c")}`,
    database: "gravl",
    replicas: 2,
    generation: 2,
  },
  minReplicas: { backend: 3, frontend: 2 },
  since: new Date("2026-01-02T00:00:00Z"),
  registryCredentials: true,
  authority: "",
};

export function regionWith(
  contents: FakeContents,
  overrides: Partial<RegionUnderTest> = {},
): RegionUnderTest {
  return {
    name: "eu-north-1",
    role: "primary",
    address: "127.0.0.1",
    httpsPort: 443,
    httpPort: 80,
    cluster: fakeCluster(contents),
    ...overrides,
  };
}

/** The outcome, and the reason that the result gives for it. */
export function expectOutcome(
  { status, detail }: { readonly status: string; readonly detail: string },
  wanted: CheckResult["status"],
  reason: RegExp,
): void {
  expect(status).toBe(wanted);
  expect(detail).toMatch(reason);
}
