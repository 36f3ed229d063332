import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Computed, Secret, type PropertyMap } from "../../../rehearsal/providers/properties.ts";
import { startProviders, type Providers } from "../../../rehearsal/providers/start.ts";
import { FakeEngine } from "./fake-engine.ts";

const bucket = { type: "aws:s3/bucket:Bucket" };
const role = { type: "aws:iam/role:Role" };

const folder = mkdtempSync(join(tmpdir(), "aws-"));
const stateFile = join(folder, "account.json");
let down: string[] = [];
const real: string[] = [];
let providers: Providers;
let north: FakeEngine;
let west: FakeEngine;

const connect = (region: string) =>
  FakeEngine.attach(providers.environment.PULUMI_DEBUG_PROVIDERS, "aws", {
    config: { region, defaultTags: JSON.stringify({ tags: { product: "shop" } }) },
  });

beforeAll(async () => {
  providers = await startProviders({
    only: ["aws"],
    aws: {
      stateFile,
      downRegions: () => down,
      buckets: {
        make: (name, region) => {
          if (name === "broken") throw new Error("the server is away");
          real.push(`${region} ${name}`);
          return Promise.resolve();
        },
        remove: (name, region) => {
          if (name === "full") throw new Error("409 BucketNotEmpty");
          real.splice(real.indexOf(`${region} ${name}`), 1);
          return Promise.resolve();
        },
      },
    },
  });
  [north, west] = await Promise.all([connect("eu-north-1"), connect("eu-west-1")]);
});
beforeEach(() => (down = []));
afterAll(async () => {
  north.close();
  west.close();
  await providers.stop();
  rmSync(folder, { recursive: true });
});

describe("the aws stand-in", () => {
  it("keeps the providers of two regions apart", async () => {
    const [one, other] = await Promise.all([
      north.create(bucket, { bucket: "logs-north" }),
      west.create(bucket, { bucket: "logs-west" }),
    ]);
    expect(one.outputs).toMatchObject({ region: "eu-north-1", arn: "arn:aws:s3:::logs-north" });
    expect(other.outputs).toMatchObject({ region: "eu-west-1", arn: "arn:aws:s3:::logs-west" });
  });

  it("adds the provider's tags to the resource's own", async () => {
    const { outputs } = await north.create(bucket, { bucket: "tagged", tags: { tier: "1" } });
    expect(outputs).toMatchObject({ tags: { tier: "1" }, tagsAll: { product: "shop", tier: "1" } });
  });

  it("names what the program does not, and keeps that name", async () => {
    const { inputs } = await north.check({ ...role, name: "reader" }, {});
    expect(inputs["name"]).toMatch(/^reader-[0-9a-f]{7}$/);
    expect((await north.check({ ...role, name: "reader" }, {}, inputs)).inputs).toEqual(inputs);
  });

  const changes: [string, string, PropertyMap, PropertyMap, string[]][] = [
    ["replaces a bucket for its name", bucket.type, { bucket: "a" }, { bucket: "b" }, ["bucket"]],
    [
      "moves a bucket to no other region in place",
      bucket.type,
      { region: "eu-north-1" },
      { region: "eu-west-1" },
      ["region"],
    ],
    [
      "keeps a bucket when only its region is spelled out",
      bucket.type,
      {},
      { region: "eu-north-1" },
      [],
    ],
    ["retags in place", bucket.type, { tags: { a: "1" } }, { tags: { a: "2" } }, []],
    [
      "replaces a bucket's settings for another bucket",
      "aws:s3/bucketVersioning:BucketVersioning",
      { bucket: "a" },
      { bucket: "b" },
      ["bucket"],
    ],
    ["replaces a role for its path", role.type, { path: "/" }, { path: "/a/" }, ["path"]],
    [
      "replaces a record for its name",
      "aws:route53/record:Record",
      { name: "a" },
      { name: "b" },
      ["name"],
    ],
    [
      "flips a record's values in place",
      "aws:route53/record:Record",
      { records: ["1"] },
      { records: ["2"] },
      [],
    ],
    [
      "replaces a health check for its type",
      "aws:route53/healthCheck:HealthCheck",
      { type: "TCP" },
      { type: "HTTPS" },
      ["type"],
    ],
    [
      "inverts a health check in place",
      "aws:route53/healthCheck:HealthCheck",
      { invertHealthcheck: false },
      { invertHealthcheck: true },
      [],
    ],
    [
      "replaces a key that becomes multi-region",
      "aws:kms/key:Key",
      { multiRegion: false },
      { multiRegion: true },
      ["multiRegion"],
    ],
  ];
  it.each(changes)("%s", async (_case, type, olds, news, replaces) => {
    const outputs = { ...olds, region: "eu-north-1", tagsAll: { product: "shop" } };
    const plan = await north.diff({ type }, olds, news, outputs);
    expect(plan).toMatchObject({ changed: true, replaces });
  });

  it("fails in a region that is down, and only there", async () => {
    const { id, outputs } = await north.create(bucket, { bucket: "far" });
    down = ["eu-north-1"];
    const refusal = "AWS region eu-north-1 does not answer";
    const gone = { id, inputs: {}, outputs };
    await expect(north.delete(bucket, gone)).rejects.toThrow(refusal);
    await expect(west.delete(bucket, gone)).rejects.toThrow(refusal);
    await expect(north.create(bucket, { bucket: "new" })).rejects.toThrow(refusal);
    await expect(west.create(bucket, { bucket: "near" })).resolves.toBeDefined();
    await expect(north.create(role, { name: "global" })).resolves.toBeDefined();
  });

  it("has one world of bucket names", async () => {
    await north.create(bucket, { bucket: "taken" });
    await expect(west.create(bucket, { bucket: "taken" })).rejects.toThrow("already exists");
  });

  it("makes a bucket really, once, in its own region, and removes it with the resource", async () => {
    await north.create({ ...bucket, preview: true }, { bucket: "real" });
    expect(real).not.toContain("eu-north-1 real");
    const { id, outputs } = await west.create(bucket, { bucket: "real", region: "eu-north-1" });
    await expect(north.create(bucket, { bucket: "real" })).rejects.toThrow("already exists");
    expect(real.filter((name) => name.endsWith(" real"))).toEqual(["eu-north-1 real"]);
    await west.delete(bucket, { id, inputs: {}, outputs });
    expect(real).not.toContain("eu-north-1 real");
  });

  it("does not remember a bucket that could not be made, nor forgets one that could not be removed", async () => {
    await expect(north.create(bucket, { bucket: "broken" })).rejects.toThrow("is away");
    expect((await north.read(bucket, "broken", {}, { region: "eu-north-1" })).id).toBe("");
    const { id, outputs } = await north.create(bucket, { bucket: "full" });
    const full = { id, inputs: {}, outputs };
    await expect(north.delete(bucket, full)).rejects.toThrow("BucketNotEmpty");
    expect((await north.read(bucket, "full", {}, outputs)).id).toBe("full");
  });

  it("tells a refresh what was deleted behind its back", async () => {
    const { id, outputs } = await north.create(bucket, { bucket: "brief" });
    expect((await north.read(bucket, id, {}, outputs)).id).toBe("brief");
    await north.delete(bucket, { id, inputs: {}, outputs });
    expect((await north.read(bucket, id, {}, outputs)).id).toBe("");
  });

  it("keeps secrets secret and out of its file", async () => {
    const inputs = { name: "s", secretString: new Secret("canary-value") };
    const type = "aws:secretsmanager/secretVersion:SecretVersion";
    const { outputs } = await north.create({ type }, inputs);
    expect(outputs["secretString"]).toEqual(new Secret("canary-value"));
    expect(readFileSync(stateFile, "utf8")).not.toContain("canary-value");
  });

  it("knows no ARN before a resource exists", async () => {
    const { outputs } = await north.create({ ...role, preview: true }, { name: "later" });
    expect(outputs).toMatchObject({ name: "later", arn: Computed.value });
  });

  it("says when it has no rules for a type", async () => {
    await north.check({ type: "aws:sqs/queue:Queue" }, { name: "q" });
    await north.sees("no rules for aws:sqs/queue:Queue");
  });

  it("writes policy documents as AWS reads them", async () => {
    const { json } = await north.invoke("aws:iam/getPolicyDocument:getPolicyDocument", {
      statements: [
        {
          actions: ["s3:GetObject"],
          resources: ["a", "b"],
          principals: [{ type: "Service", identifiers: ["s3.amazonaws.com"] }],
          conditions: [{ test: "StringEquals", variable: "aws:x", values: ["1"] }],
        },
      ],
    });
    expect(JSON.parse(json as string)).toEqual({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: "s3:GetObject",
          Resource: ["a", "b"],
          Principal: { Service: "s3.amazonaws.com" },
          Condition: { StringEquals: { "aws:x": "1" } },
        },
      ],
    });
  });

  it("refuses a function it does not have", async () => {
    await expect(north.invoke("aws:ec2/getAmi:getAmi", {})).rejects.toThrow(
      "the aws stand-in has no function aws:ec2/getAmi:getAmi",
    );
  });
});
