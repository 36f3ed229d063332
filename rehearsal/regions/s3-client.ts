import { createHash, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import type { S3Access } from "./s3-access.ts";

export interface S3Request {
  readonly method: "GET" | "PUT" | "HEAD" | "DELETE";
  /** Path from the root, such as /bucket/key; no character that a URL would escape. */
  readonly path: string;
  /** Of one name, such as `policy=`. @default none */
  readonly query?: string;
  readonly body?: string;
}

export interface S3Response {
  readonly status: number;
  readonly body: string;
}

const timeoutMs = 2000;

/** One request to a region's S3 server over TLS, signed with AWS Signature Version 4. */
export function s3Request(
  access: S3Access,
  { method, path, query = "", body = "" }: S3Request,
): Promise<S3Response> {
  const host = `${access.host}:${String(access.port)}`;
  const headers = signedHeaders(access, { method, path, query, host, body, now: new Date() });
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: access.ip,
        port: access.port,
        servername: access.host,
        ca: readFileSync(access.authorityFile),
        method,
        path: query === "" ? path : `${path}?${query}`,
        headers: { ...headers, "content-length": Buffer.byteLength(body) },
        agent: false,
        timeout: timeoutMs,
      },
      (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("error", reject);
        response.on("end", () => {
          resolve({ status: response.statusCode ?? 0, body: text });
        });
      },
    );
    call.on("timeout", () =>
      call.destroy(new Error(`no answer from ${host} within ${String(timeoutMs)} ms`)),
    );
    call.on("error", reject);
    call.end(body);
  });
}

export interface Signable {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly host: string;
  readonly body: string;
  readonly now: Date;
}

/** Headers that prove who asks, as AWS Signature Version 4 defines them. */
export function signedHeaders(
  access: Pick<S3Access, "accessKey" | "secretKey" | "region">,
  { method, path, query, host, body, now }: Signable,
): Record<string, string> {
  const time = now.toISOString().replace(/[-:]|\.\d+/g, "");
  const day = time.slice(0, 8);
  const bodyHash = sha256(body);
  const headers = { host, "x-amz-content-sha256": bodyHash, "x-amz-date": time };
  const names = Object.keys(headers).join(";");
  const canonical = [
    method,
    path,
    query,
    ...Object.entries(headers).map(([name, value]) => `${name}:${value}`),
    "",
    names,
    bodyHash,
  ].join("\n");
  const scope = `${day}/${access.region}/s3/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  const key = [day, access.region, "s3", "aws4_request"].reduce<string | Buffer>(
    hmac,
    `AWS4${access.secretKey}`,
  );
  const signature = hmac(key, toSign).toString("hex");
  const credential = `${access.accessKey}/${scope}`;
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac("sha256", key).update(text).digest();
