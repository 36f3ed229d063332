import { s3Request } from "./s3-client.ts";
import type { S3Access } from "./s3-access.ts";

/** Requests under way at a time. */
const width = 8;

/** Deletes all objects of a bucket; one that is not there is empty. */
export async function emptyBucket(administrator: S3Access, bucket: string): Promise<void> {
  for (;;) {
    const listed = await s3Request(administrator, {
      method: "GET",
      path: `/${bucket}`,
      query: "list-type=2",
    });
    if (listed.status === 404) return;
    const keys = [...listed.body.matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key = ""]) => key);
    // A list has an end; what it left out comes with the next one.
    if (keys.length === 0) return;
    const remove = async () => {
      for (let key = keys.pop(); key !== undefined; key = keys.pop())
        await s3Request(administrator, { method: "DELETE", path: `/${bucket}/${key}` });
    };
    await Promise.all(Array.from({ length: width }, remove));
  }
}
