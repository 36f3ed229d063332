import { ArchiveBucket } from "../../components/archive-bucket.ts";
import { FailoverRecords } from "../../components/failover-records.ts";
import { RegionEndpoint } from "../../components/region-endpoint.ts";
import type { GraphView } from "../../rehearsal/graph-view.ts";
import { archiveBucketArgs, failoverRecordsArgs } from "../support/args.ts";
import { all, at, declare, kindOf, only } from "../support/declare.ts";

describe("ArchiveBucket", () => {
  let graph: GraphView;
  beforeAll(async () => {
    graph = await declare(() => new ArchiveBucket("it", archiveBucketArgs));
  });

  test("never deletes or replaces its bucket, its key, or a setting of either", () => {
    const parts = graph.resources.filter(({ custom }) => custom);
    expect(parts.map(kindOf)).toEqual(expect.arrayContaining(["Bucket", "Key", "BucketPolicy"]));
    for (const { options } of parts) {
      expect(options).toMatchObject({ protect: true, retainOnDelete: true });
    }
  });

  test("cannot be emptied by deleting it", () => {
    expect(only(graph, "Bucket").inputs["forceDestroy"]).toBe(false);
  });

  test("expires only what was overwritten or never finished", () => {
    const rules = at(only(graph, "BucketLifecycleConfiguration").inputs, "rules") as unknown[];
    expect(rules).toHaveLength(1);
    expect(at(rules[0], "expiration")).toEqual({ expiredObjectDeleteMarker: true });
    expect(at(rules[0], "noncurrentVersionExpiration")).toEqual({ noncurrentDays: 30 });
    expect(at(rules[0], "abortIncompleteMultipartUpload")).toEqual({ daysAfterInitiation: 7 });
  });

  test("encrypts with a key of its own that is rotated", () => {
    expect(only(graph, "Key").inputs).toMatchObject({
      enableKeyRotation: true,
      deletionWindowInDays: 30,
    });
    expect(at(only(graph, "BucketServerSideEncryptionConfiguration").inputs, "rules", 0)).toEqual({
      applyServerSideEncryptionByDefault: {
        sseAlgorithm: "aws:kms",
        kmsMasterKeyId: "[arn of the key]",
      },
      bucketKeyEnabled: true,
    });
  });

  test("is closed to the public in every way", () => {
    const { blockPublicAcls, blockPublicPolicy, ignorePublicAcls, restrictPublicBuckets } = only(
      graph,
      "BucketPublicAccessBlock",
    ).inputs;
    expect([blockPublicAcls, blockPublicPolicy, ignorePublicAcls, restrictPublicBuckets]).toEqual(
      Array(4).fill(true),
    );
  });

  test("refuses plain HTTP and old TLS, for the bucket and all in it", () => {
    const policy = JSON.parse(String(only(graph, "BucketPolicy").inputs["policy"])) as {
      Statement: unknown[];
    };
    const bucket = "arn:aws:s3:::acme-archive-eu-north-1";
    expect(policy.Statement).toEqual([
      expect.objectContaining({
        Effect: "Deny",
        Resource: [bucket, `${bucket}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      }),
      expect.objectContaining({
        Effect: "Deny",
        Resource: [bucket, `${bucket}/*`],
        Condition: { NumericLessThan: { "s3:TlsVersion": "1.2" } },
      }),
    ]);
  });

  test("fixes the region of every regional resource", () => {
    const regional = graph.resources.filter(({ type }) => type.startsWith("aws:"));
    expect(regional.length).toBeGreaterThan(0);
    for (const { inputs } of regional) expect(inputs["region"]).toBe("eu-north-1");
  });
});

describe("FailoverRecords", () => {
  test("follows the writable database: each record hangs on its own region's answer", async () => {
    const graph = await declare(() => new FailoverRecords("it", failoverRecordsArgs));
    expect(
      all(graph, "HealthCheck").map(({ inputs }) => [inputs["fqdn"], inputs["resourcePath"]]),
    ).toEqual([
      ["north.acme.test", "/primary"],
      ["west.acme.test", "/primary"],
    ]);
    expect(all(graph, "Record").map(({ inputs }) => inputs)).toMatchObject([
      {
        setIdentifier: "eu-north-1",
        records: ["north.acme.test"],
        failoverRoutingPolicies: [{ type: "PRIMARY" }],
        healthCheckId: "it-eu-north-1-id",
        ttl: 60,
      },
      {
        setIdentifier: "eu-west-1",
        records: ["west.acme.test"],
        failoverRoutingPolicies: [{ type: "SECONDARY" }],
        healthCheckId: "it-eu-west-1-id",
        ttl: 60,
      },
    ]);
  });
});

describe("RegionEndpoint", () => {
  test.each([
    ["192.0.2.1", "A"],
    ["2001:db8::1", "AAAA"],
    ["lb.invalid", "CNAME"],
  ])("names the address %s by a record of type %s", async (address, type) => {
    const graph = await declare(
      () =>
        new RegionEndpoint("it", {
          hostedZoneId: "Z0ACMETEST",
          endpoint: "north.acme.test",
          address,
          ttlSeconds: 60,
        }),
    );
    // Route 53 refuses a second record under the name while the first is there.
    expect(only(graph, "Record").options.deleteBeforeReplace).toBe(true);
    expect(only(graph, "Record").inputs).toMatchObject({
      name: "north.acme.test",
      type,
      records: [address],
    });
  });
});
