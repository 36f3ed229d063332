import type { ResourceValidationPolicy } from "@pulumi/policy";
import { kindOf } from "../lib/kinds.ts";
import { at } from "../lib/read.ts";
import { explain } from "../lib/violation.ts";

/** What no second run of the program can bring back. */
const statefulKinds = new Set([
  "Namespace",
  "PersistentVolume",
  "PersistentVolumeClaim",
  "StatefulSet",
]);

/** Beside what holds data, what keeps it readable, private and for long enough: without these a bucket is open or forgets. */
const statefulTypes = new Set([
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
]);

/** `retainOnDelete` is not among the options that the engine shows to policies; tests hold it. */
export const stateProtected: ResourceValidationPolicy = {
  name: "state-protected",
  displayName: "State cannot be deleted by a run",
  description: "Whatever holds data, guards it, or is the only key to it, is protected.",
  severity: "critical",
  remediationSteps: "Set protect: true and retainOnDelete: true in the options of the resource.",
  validateResource: (args, report) => {
    const isStateful = statefulKinds.has(kindOf(args.type) ?? "") || statefulTypes.has(args.type);
    if (!isStateful || args.opts.protect) return;
    report(
      explain({
        where: `${args.type} ${args.name}`,
        field: "options.protect",
        value: args.opts.protect,
        must: "be true",
        fix: "Set protect: true and retainOnDelete: true where the resource is declared.",
      }),
    );
  },
};

export const dataRetained: ResourceValidationPolicy = {
  name: "data-retained",
  displayName: "Data outlives what serves it",
  description: "Volumes stay when their StatefulSet goes; buckets with objects in them stay.",
  severity: "critical",
  remediationSteps: "Retain claims when deleted and scaled; never force the deletion of a bucket.",
  validateResource: (args, report) => {
    const where = `${args.type} ${args.name}`;
    if (kindOf(args.type) === "StatefulSet") {
      for (const occasion of ["whenDeleted", "whenScaled"]) {
        const value = at(args.props, "spec", "persistentVolumeClaimRetentionPolicy", occasion);
        if (value === "Retain") continue;
        report(
          explain({
            where,
            field: `spec.persistentVolumeClaimRetentionPolicy.${occasion}`,
            value,
            must: 'be "Retain"',
            fix: "State it.",
          }),
        );
      }
    }
    if (!args.type.startsWith("aws:s3/bucket")) return;
    const forceDestroy = at(args.props, "forceDestroy");
    if (forceDestroy === undefined || forceDestroy === false) return;
    report(
      explain({
        where,
        field: "forceDestroy",
        value: forceDestroy,
        must: "be false or left out",
        fix: "Empty a bucket by hand before it goes.",
      }),
    );
  },
};
