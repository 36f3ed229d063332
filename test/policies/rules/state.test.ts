import { dataRetained, stateProtected } from "../../../policies/rules/state.ts";
import { violations } from "../support/judge.ts";
import { bucket, change, namespace, service, workload } from "../support/resources.ts";

const stateful = [
  "kubernetes:apps/v1:StatefulSet",
  "kubernetes:core/v1:Namespace",
  "kubernetes:core/v1:PersistentVolume",
  "kubernetes:core/v1:PersistentVolumeClaim",
  "aws:kms/alias:Alias",
  "aws:kms/key:Key",
  "aws:kms/replicaKey:ReplicaKey",
  "aws:route53/zone:Zone",
  "aws:s3/bucket:Bucket",
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
  "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
  "aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2",
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  "aws:s3/bucketPolicy:BucketPolicy",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
  "aws:s3/bucketV2:BucketV2",
  "aws:s3/bucketVersioning:BucketVersioning",
  "aws:s3/bucketVersioningV2:BucketVersioningV2",
  "aws:secretsmanager/secret:Secret",
  "random:index/randomPassword:RandomPassword",
];

describe("protected state", () => {
  test.each(stateful)("allows a protected %s", (type) => {
    const resource = { type, name: "data", props: {}, protect: true };
    expect(violations(stateProtected, resource)).toEqual([]);
  });

  test.each(stateful)("refuses an unprotected %s", (type) => {
    const resource = { type, name: "data", props: {}, protect: false };
    expect(violations(stateProtected, resource)).toHaveLength(1);
  });

  test.each([service(), { type: "aws:s3/bucketObjectv2:BucketObjectv2", name: "page", props: {} }])(
    "asks nothing of what a run can bring back: $type",
    (resource) => {
      expect(violations(stateProtected, resource)).toEqual([]);
    },
  );

  test("names the resource and both options to set", () => {
    expect(violations(stateProtected, { ...namespace(), protect: false })).toEqual([
      "kubernetes:core/v1:Namespace shop: options.protect must be true, found false. Set " +
        "protect: true and retainOnDelete: true where the resource is declared.",
    ]);
  });
});

describe("retained data", () => {
  const policy = ["spec", "persistentVolumeClaimRetentionPolicy"];

  test("allows a StatefulSet that keeps its claims", () => {
    expect(violations(dataRetained, workload("StatefulSet"))).toEqual([]);
  });

  test.each([
    ["deletes claims with it", [...policy, "whenDeleted"], "Delete", 1],
    ["deletes claims when scaled", [...policy, "whenScaled"], "Delete", 1],
    ["does not say what happens when scaled", [...policy, "whenScaled"], undefined, 1],
    ["says nothing about its claims", policy, undefined, 2],
  ])("refuses a StatefulSet that %s", (_description, path, value, count) => {
    const broken = change(workload("StatefulSet"), path, value);
    expect(violations(dataRetained, broken)).toHaveLength(count);
  });

  test("allows a bucket that must be empty to go", () => {
    expect(violations(dataRetained, bucket())).toEqual([]);
    const explicit = change(bucket(), ["forceDestroy"], false);
    expect(violations(dataRetained, explicit)).toEqual([]);
  });

  test("refuses a bucket that goes with its objects", () => {
    const broken = change(bucket(), ["forceDestroy"], true);
    expect(violations(dataRetained, broken)).toHaveLength(1);
  });
});
