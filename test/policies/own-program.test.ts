import { join } from "node:path";
import lifeline from "../../index.ts";
import type { DeclaredResource } from "../../rehearsal/graph.ts";
import { declaredGraph } from "../../rehearsal/graph.ts";
import { readStackFile } from "../../rehearsal/stack-file.ts";
import { products, repository } from "../support/stack-files.ts";
import type { Analyzer, StackResource } from "./support/analyzer.ts";
import { marked, startAnalyzer, unknown } from "./support/analyzer.ts";

const stacks = [
  { product: "gravl", stack: "production", folder: repository },
  { product: "gravl", stack: "staging", folder: repository },
  { product: "gravl", stack: "local", folder: repository },
  { product: "twinship", stack: "production", folder: join(products, "twinship") },
  { product: "catalytic", stack: "production", folder: join(products, "catalytic") },
];

let analyzer: Analyzer;
let production: StackResource[];

beforeAll(async () => {
  analyzer = await startAnalyzer();
  production = await declared("production", repository);
}, 30_000);

afterAll(() => analyzer.stop());

describe.each(stacks)("$product $stack", ({ stack, folder }) => {
  let resources: StackResource[];

  beforeAll(async () => {
    resources =
      stack === "production" && folder === repository ? production : await declared(stack, folder);
  }, 30_000);

  test("declares what the rules are about", () => {
    const types = new Set(resources.map(({ type }) => type));
    for (const type of [
      "kubernetes:apps/v1:Deployment",
      "kubernetes:apps/v1:StatefulSet",
      "kubernetes:batch/v1:Job",
      "kubernetes:core/v1:Namespace",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy",
      "kubernetes:rbac.authorization.k8s.io/v1:Role",
      "aws:s3/bucket:Bucket",
    ]) {
      expect(types).toContain(type);
    }
  });

  test("breaks no rule", async () => {
    expect(await complaints(resources)).toEqual([]);
  }, 30_000);
});

test("the first preview of production knows all that the rules look at", async () => {
  expect(await complaints(await declared("production", repository, true))).toEqual([]);
}, 30_000);

describe("a program gone wrong", () => {
  test("is refused when it no longer protects what it must keep", async () => {
    const careless = production.map((resource) => ({ ...resource, protect: false }));
    const messages = await complaints(careless);
    const unprotected = messages.filter((message) => message.includes("options.protect"));
    const kinds = new Set(unprotected.map((message) => /:(\w+) /.exec(message)?.[1]));
    expect([...kinds].sort()).toEqual([
      "Alias",
      "Bucket",
      "BucketLifecycleConfiguration",
      "BucketOwnershipControls",
      "BucketPolicy",
      "BucketPublicAccessBlock",
      "BucketServerSideEncryptionConfiguration",
      "BucketVersioning",
      "Key",
      "Namespace",
      "StatefulSet",
    ]);
    // Of both regions.
    expect(unprotected.length).toBeGreaterThanOrEqual(2 * kinds.size);
  }, 30_000);

  test("is refused when its buckets lose their public access blocks", async () => {
    const open = production.filter(({ type }) => !type.endsWith(":BucketPublicAccessBlock"));
    const messages = await complaints(open);
    expect(messages.length).toBe(2);
    expect(messages[0]).toContain("BucketPublicAccessBlock must exist");
  }, 30_000);
});

async function declared(stack: string, folder: string, allUnknown = false) {
  const graph = await declaredGraph(() => lifeline({ releasesFolder: join(folder, "releases") }), {
    stack,
    ...readStackFile(stack, folder),
    unknown: allUnknown,
  });
  return graph.map(asTheEngineShowsIt);
}

async function complaints(resources: readonly StackResource[]): Promise<string[]> {
  const diagnostics = await Promise.all([
    ...resources.map((resource) => analyzer.judge(resource)),
    analyzer.judgeStack(resources),
  ]);
  return diagnostics.flat().map(({ message }) => message);
}

function asTheEngineShowsIt({ urn, type, name, inputs, options }: DeclaredResource): StackResource {
  return {
    ...{ urn, type, name, protect: options.protect, dependencies: options.dependencies },
    props: onTheWire(inputs) as StackResource["props"],
  };
}

function onTheWire(value: unknown): unknown {
  if (value === "[secret]") return marked(value);
  if (value === "[unknown]") return unknown;
  if (Array.isArray(value)) return value.map(onTheWire);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, onTheWire(item)]));
}
