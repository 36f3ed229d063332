import { s3Request } from "./s3-client.ts";
import {
  type S3Access,
  type S3AccountName,
  type S3Principals,
  s3AccountNames,
  serverOf,
} from "./s3-access.ts";
import type { RegionKey } from "./topology.ts";

/** What the accounts of the S3 servers may do: in AWS the roles of the pods say this. */

/** Folder of a bucket that `reports` writes to. */
const reportsPrefix = "reports/";

/** What each account may do with a bucket and with the objects in it. */
const grants: Readonly<Record<S3AccountName, Grant>> = {
  own: {
    bucket: ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
    objects: [
      "s3:GetObject",
      "s3:PutObject",
      "s3:DeleteObject",
      "s3:AbortMultipartUpload",
      "s3:ListMultipartUploadParts",
    ],
  },
  peer: { bucket: ["s3:ListBucket", "s3:GetBucketLocation"], objects: ["s3:GetObject"] },
  proof: { bucket: ["s3:ListBucket", "s3:GetBucketLocation"], objects: ["s3:GetObject"] },
  reports: { objects: ["s3:PutObject"], prefix: reportsPrefix },
};

interface Grant {
  readonly bucket?: readonly string[];
  readonly objects: readonly string[];
  /** Where the objects lie. @default anywhere in the bucket */
  readonly prefix?: string;
}

interface Holder {
  readonly name: S3AccountName;
  readonly accessKey: string;
  readonly secretKey: string;
}

/** Accounts that a region's server knows besides the administrator: the region's own, and the other's `peer`. */
function holders(key: RegionKey, { accounts }: S3Principals): Holder[] {
  return (["a", "b"] as const).flatMap((owner) =>
    s3AccountNames
      .filter((name) => serverOf(owner, name) === key)
      .map((name) => ({ name, ...accounts[owner][name] })),
  );
}

/** The server's own file of users, users.json. By itself a user may do nothing; a revoked one is none. */
export function usersFile(
  key: RegionKey,
  principals: S3Principals,
  revoked: readonly S3AccountName[] = [],
): string {
  const users = holders(key, principals)
    .filter(({ name }) => !revoked.includes(name))
    .map(({ accessKey, secretKey }) => [
      accessKey,
      { access: accessKey, secret: secretKey, role: "user" },
    ]);
  return JSON.stringify({ accessAccounts: Object.fromEntries(users) as object });
}

/** The policy of a bucket in a region's server. */
export function bucketPolicy(key: RegionKey, bucket: string, principals: S3Principals): object {
  const statements = holders(key, principals).flatMap(({ name, accessKey }) => {
    const { bucket: onBucket, objects, prefix = "" } = grants[name];
    const allow = (actions: readonly string[], resource: string) => ({
      Effect: "Allow",
      Principal: { AWS: [accessKey] },
      Action: actions,
      Resource: [`arn:aws:s3:::${resource}`],
    });
    return [
      ...(onBucket === undefined ? [] : [allow(onBucket, bucket)]),
      allow(objects, `${bucket}/${prefix}*`),
    ];
  });
  return { Version: "2012-10-17", Statement: statements };
}

/** Makes a bucket and gives the accounts their rights on it; one that is there already only gets the rights. */
export async function makeBucket(
  administrator: S3Access,
  key: RegionKey,
  bucket: string,
  principals: S3Principals,
): Promise<void> {
  const made = await s3Request(administrator, { method: "PUT", path: `/${bucket}` });
  if (made.status !== 200 && made.status !== 409) throw refusal(`make bucket ${bucket}`, made);
  const policy = await s3Request(administrator, {
    method: "PUT",
    path: `/${bucket}`,
    query: "policy=",
    body: JSON.stringify(bucketPolicy(key, bucket, principals)),
  });
  if (policy.status >= 300) throw refusal(`grant rights on bucket ${bucket}`, policy);
}

/** Removes a bucket. @throws when anything is in it, as AWS does. */
export async function removeBucket(administrator: S3Access, bucket: string): Promise<void> {
  const removed = await s3Request(administrator, { method: "DELETE", path: `/${bucket}` });
  if (![204, 404].includes(removed.status)) throw refusal(`remove bucket ${bucket}`, removed);
}

function refusal(action: string, { status, body }: { status: number; body: string }): Error {
  const [, code = body.slice(0, 200)] = /<Code>(.*?)<\/Code>/.exec(body) ?? [];
  return new Error(`the S3 server did not ${action}: ${String(status)} ${code}`);
}
