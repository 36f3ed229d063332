import { Alias } from "@pulumi/aws/kms/alias.js";
import { Key } from "@pulumi/aws/kms/key.js";
import { Bucket } from "@pulumi/aws/s3/bucket.js";
import { BucketLifecycleConfiguration } from "@pulumi/aws/s3/bucketLifecycleConfiguration.js";
import { BucketOwnershipControls } from "@pulumi/aws/s3/bucketOwnershipControls.js";
import { BucketPolicy } from "@pulumi/aws/s3/bucketPolicy.js";
import { BucketPublicAccessBlock } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import { BucketServerSideEncryptionConfiguration } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js";
import { BucketVersioning } from "@pulumi/aws/s3/bucketVersioning.js";
import * as pulumi from "@pulumi/pulumi";

export interface ArchiveBucketArgs {
  /** Name of the bucket, unique in all of AWS. */
  readonly bucketName: string;
  /** AWS region of bucket and key; the provider has to be that region's. */
  readonly region: string;
  /** How long overwritten and deleted objects can be brought back. */
  readonly noncurrentDays: number;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Keeps one region's archive: encrypted, versioned, private, and out of reach of this program's own mistakes.
 * Stateful. Defines a KMS key with its alias and an S3 bucket with its settings, each of them protected. The region is
 * an argument that no failover changes. What is current never expires here: how long backups live is the backup tool's
 * decision.
 */
export class ArchiveBucket extends pulumi.ComponentResource {
  /** ARN of the bucket, for whoever may read or write it. */
  public readonly bucketArn: pulumi.Output<string>;
  /** ARN of the key, for whoever may decrypt with it. */
  public readonly keyArn: pulumi.Output<string>;

  constructor(name: string, args: ArchiveBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lifeline:archive:ArchiveBucket", name, args, opts);
    const { bucketName, region, tags } = args;
    // The settings as well: a bucket that outlived its encryption, its versions or its closed door would be no archive.
    const keep = { parent: this, protect: true, retainOnDelete: true };

    const key = new Key(
      `${name}-key`,
      {
        region,
        description: `Archive ${bucketName}`,
        enableKeyRotation: true,
        // The longest that KMS offers to take a deletion back: without the key the archive is noise.
        deletionWindowInDays: 30,
        tags,
      },
      keep,
    );
    new Alias(
      `${name}-alias`,
      { region, name: `alias/${bucketName}`, targetKeyId: key.keyId },
      keep,
    );
    const bucket = new Bucket(
      name,
      { region, bucket: bucketName, forceDestroy: false, tags },
      keep,
    );
    const target = { region, bucket: bucket.bucket };
    const versioning = new BucketVersioning(
      `${name}-versioning`,
      { ...target, versioningConfiguration: { status: "Enabled" } },
      keep,
    );
    new BucketServerSideEncryptionConfiguration(
      `${name}-encryption`,
      {
        ...target,
        rules: [
          {
            applyServerSideEncryptionByDefault: {
              sseAlgorithm: "aws:kms",
              kmsMasterKeyId: key.arn,
            },
            bucketKeyEnabled: true,
          },
        ],
      },
      keep,
    );
    const privateAccess = new BucketPublicAccessBlock(
      `${name}-private`,
      {
        ...target,
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      keep,
    );
    new BucketOwnershipControls(
      `${name}-ownership`,
      { ...target, rule: { objectOwnership: "BucketOwnerEnforced" } },
      keep,
    );
    new BucketPolicy(
      `${name}-policy`,
      { ...target, policy: tlsOnly(bucketName) },
      // S3 refuses two changes of a bucket's access at the same time.
      { ...keep, dependsOn: [privateAccess] },
    );
    new BucketLifecycleConfiguration(
      `${name}-lifecycle`,
      {
        ...target,
        rules: [
          {
            id: "forget-what-was-overwritten",
            status: "Enabled",
            filter: {},
            noncurrentVersionExpiration: { noncurrentDays: args.noncurrentDays },
            expiration: { expiredObjectDeleteMarker: true },
            abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
          },
        ],
      },
      { ...keep, dependsOn: [versioning] },
    );
    this.bucketArn = bucket.arn;
    this.keyArn = key.arn;
    this.registerOutputs({ bucketArn: this.bucketArn, keyArn: this.keyArn });
  }
}

/** Refuses every request that is not encrypted in transit by a current protocol. */
function tlsOnly(bucketName: string): string {
  const resources = [`arn:aws:s3:::${bucketName}`, `arn:aws:s3:::${bucketName}/*`];
  const deny = (Sid: string, Condition: object) => ({
    Sid,
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: resources,
    Condition,
  });
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      deny("RefusePlainHttp", { Bool: { "aws:SecureTransport": "false" } }),
      deny("RefuseOldTls", { NumericLessThan: { "s3:TlsVersion": "1.2" } }),
    ],
  });
}
