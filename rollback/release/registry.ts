import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { exitCode, Problem } from "../../rehearsal/problem.ts";

const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/**
 * The image by digest: as it is, when it has one; else its registry is asked what the tag points to now.
 * @throws Problem when the registry cannot be reached or does not know it
 */
export async function pinned(image: string): Promise<string> {
  if (image.includes("@sha256:")) return image;
  const [, host, name, tag] = /^([^/]+)\/(.+):([\w][\w.-]{0,127})$/.exec(image) ?? [];
  if (host === undefined || name === undefined || tag === undefined) {
    throw refused(image, "it is neither by digest nor by tag", "<registry>/<name>@sha256:<digest>");
  }
  // As every container engine has it: plain HTTP on this machine alone.
  const scheme = /^(localhost|127\.0\.0\.1)(:|$)/.test(host) ? "http" : "https";
  const url = `${scheme}://${host}/v2/${name}/manifests/${tag}`;
  try {
    const digest = await digestOf(url, host);
    return `${host}/${name}@${digest}`;
  } catch (error) {
    if (error instanceof Problem) throw error;
    const why = error instanceof Error ? reasonOf(error) : String(error);
    throw refused(
      image,
      `${host} cannot be asked: ${why}`,
      `give the digest: ${host}/${name}@sha256:<digest>`,
    );
  }
}

async function digestOf(url: string, host: string): Promise<string> {
  const first = await ask(url, basic(host));
  const answer = first.status === 401 ? await ask(url, await bearer(first, host)) : first;
  const digest = answer.headers.get("docker-content-digest");
  if (answer.ok && digest !== null && /^sha256:[0-9a-f]{64}$/.test(digest)) return digest;
  throw new Error(answer.ok ? "it tells no digest" : `it answers ${String(answer.status)}`);
}

function ask(url: string, authorization: string | undefined): Promise<Response> {
  return fetch(url, {
    method: "HEAD",
    headers: { accept: manifestTypes, ...(authorization !== undefined && { authorization }) },
    signal: AbortSignal.timeout(10_000),
  });
}

/** A token for reading one repository, as the registry says where to get it. */
async function bearer(refusal: Response, host: string): Promise<string | undefined> {
  const challenge = refusal.headers.get("www-authenticate") ?? "";
  const fields = new Map(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
  );
  const realm = fields.get("realm");
  if (!/^bearer /i.test(challenge) || realm === undefined) return undefined;
  const url = new URL(realm);
  for (const key of ["service", "scope"]) {
    const value = fields.get(key);
    if (value !== undefined) url.searchParams.set(key, value);
  }
  const authorization = basic(host);
  const response = await fetch(url, {
    headers: authorization === undefined ? {} : { authorization },
    signal: AbortSignal.timeout(10_000),
  });
  const body = (await response.json()) as { token?: string; access_token?: string };
  const token = body.token ?? body.access_token;
  return token === undefined ? undefined : `Bearer ${token}`;
}

/** What `docker login` kept for the registry; undefined when it kept nothing readable. */
function basic(host: string): string | undefined {
  const file = join(process.env["DOCKER_CONFIG"] ?? join(homedir(), ".docker"), "config.json");
  if (!existsSync(file)) return undefined;
  const { auths } = JSON.parse(readFileSync(file, "utf8")) as {
    auths?: Record<string, { auth?: string }>;
  };
  const auth = auths?.[host]?.auth;
  return auth === undefined || auth === "" ? undefined : `Basic ${auth}`;
}

function reasonOf(error: Error): string {
  const { cause } = error;
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message;
}

function refused(image: string, why: string, fix: string): Problem {
  return new Problem(`image "${image}": ${why}. Fix: ${fix}.`, exitCode.usage);
}
