import type { PolicyResource, StackValidationArgs } from "@pulumi/policy";
import { bucketsBlockPublic, bucketsPrivate } from "../../../policies/rules/buckets.ts";
import { argsOf, violations } from "../support/judge.ts";
import { bucket, change, publicAccessBlock } from "../support/resources.ts";

describe("private buckets", () => {
  test("allow a public access block with every switch on", () => {
    expect(violations(bucketsPrivate, publicAccessBlock())).toEqual([]);
    expect(violations(bucketsPrivate, bucket())).toEqual([]);
  });

  describe.each([
    "blockPublicAcls",
    "blockPublicPolicy",
    "ignorePublicAcls",
    "restrictPublicBuckets",
  ])("refuse %s", (field) => {
    test.each([false, undefined])("when it is %s", (value) => {
      const broken = change(publicAccessBlock(), [field], value);
      expect(violations(bucketsPrivate, broken)).toHaveLength(1);
    });
  });

  test("refuse an ACL that opens a bucket", () => {
    const open = { type: "aws:s3/bucketAcl:BucketAcl", name: "a", props: { acl: "public-read" } };
    expect(violations(bucketsPrivate, open)).toHaveLength(1);
    expect(violations(bucketsPrivate, change(bucket(), ["acl"], "public-read"))).toHaveLength(1);
    expect(violations(bucketsPrivate, change(open, ["acl"], "private"))).toEqual([]);
  });
});

describe("every bucket has its public access block", () => {
  const judged = (resources: readonly PolicyResource[]) => {
    const messages: string[] = [];
    const args: StackValidationArgs = { ...argsOf(bucket()), resources: [...resources] };
    void bucketsBlockPublic.validateStack(args, (message) => messages.push(message));
    return messages;
  };
  const ourBucket: PolicyResource = {
    ...argsOf(bucket()),
    dependencies: [],
    propertyDependencies: {},
  };
  const blockOf = (of: PolicyResource): PolicyResource => ({
    ...argsOf(publicAccessBlock()),
    dependencies: [],
    propertyDependencies: { bucket: [of] },
  });

  test("and passes with it", () => {
    expect(judged([ourBucket, blockOf(ourBucket)])).toEqual([]);
  });

  test("or is refused", () => {
    expect(judged([ourBucket])).toHaveLength(1);
  });

  test("or is refused when the block belongs to another bucket", () => {
    const other = { ...ourBucket, name: "logs", urn: "urn:other" };
    const messages = judged([ourBucket, other, blockOf(other)]);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain("aws:s3/bucket:Bucket backups");
  });
});
