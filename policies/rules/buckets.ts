import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { at } from "../lib/read.ts";
import { explain } from "../lib/violation.ts";

const switches = [
  "blockPublicAcls",
  "blockPublicPolicy",
  "ignorePublicAcls",
  "restrictPublicBuckets",
];

const blockType = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";
const bucketTypes = new Set(["aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"]);

export const bucketsPrivate: ResourceValidationPolicy = {
  name: "buckets-private",
  displayName: "Buckets are closed to the public",
  description: "Every public access block has all four switches on; no ACL opens a bucket.",
  severity: "critical",
  remediationSteps: "Turn all four switches on and leave ACLs out.",
  validateResource: (args, report) => {
    const where = `${args.type} ${args.name}`;
    if (args.type === blockType) {
      for (const field of switches) {
        const value = at(args.props, field);
        if (value === true) continue;
        report(explain({ where, field, value, must: "be true", fix: `Write ${field}: true.` }));
      }
    }
    if (!args.type.startsWith("aws:s3/bucket")) return;
    const acl = at(args.props, "acl");
    if (acl === undefined || acl === "private") return;
    report(
      explain({
        where,
        field: "acl",
        value: acl,
        must: "be private or left out",
        fix: "Remove it.",
      }),
    );
  },
};

export const bucketsBlockPublic: StackValidationPolicy = {
  name: "buckets-block-public",
  displayName: "Every bucket has its public access block",
  description: "No bucket exists without a public access block that refers to it.",
  severity: "critical",
  remediationSteps: "Declare a BucketPublicAccessBlock beside the bucket.",
  validateStack: (args, report) => {
    const closed = new Set(
      args.resources
        .filter(({ type }) => type === blockType)
        .flatMap((block) => [...block.dependencies, ...(block.propertyDependencies.bucket ?? [])])
        .map(({ urn }) => urn),
    );
    for (const { type, name, urn } of args.resources) {
      if (!bucketTypes.has(type) || closed.has(urn)) continue;
      report(
        explain({
          where: `${type} ${name}`,
          field: "BucketPublicAccessBlock",
          value: undefined,
          must: "exist and refer to the bucket",
          fix: "Declare one with bucket: <this bucket>.id.",
        }),
        urn,
      );
    }
  },
};
