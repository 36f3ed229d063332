import type { V1Secret } from "@kubernetes/client-node";
import { list } from "./checks/objects.ts";
import type { RegionUnderTest } from "./checks/subject.ts";
import type { S3Accounts } from "./regions/s3-access.ts";

/** A shorter value, such as a user's name, stands in many places without being given away there. */
const shortestSecret = 16;

/** Names of accounts, and where an account of the cluster belongs: S3 servers and API servers write them into their logs. */
const publicSettings = new Set(["access-key", "repo1-s3-key", "namespace"]);

/** What the search for leaks looks for before anything runs: the registry's credentials and the keys of S3. */
export function givenSecrets(
  canary: string,
  accounts: Readonly<Record<string, S3Accounts>>,
): string[] {
  const keys = Object.values(accounts)
    .flatMap((ofRegion) => Object.values(ofRegion))
    .map(({ secretKey }) => secretKey);
  return [canary, Buffer.from(`rehearsal:${canary}`).toString("base64"), ...keys];
}

/** The secret values in every Secret of the namespace as the clusters hold them. */
export async function generatedSecrets(
  regions: readonly Pick<RegionUnderTest, "cluster">[],
  namespace: string,
): Promise<string[]> {
  const secrets = await Promise.all(
    regions.map(({ cluster }) => list<V1Secret>(cluster, "secrets", { namespace })),
  );
  const values = secrets
    .flat()
    .flatMap(({ data }) => Object.entries(data ?? {}))
    .flatMap(([key, value]) => secretsIn(key, Buffer.from(value, "base64").toString().trim()));
  return [...new Set(values)].filter((value) => value.length >= shortestSecret);
}

/** The values in one entry of a Secret: of a file of settings or in JSON each by itself, as it would leak. */
function secretsIn(key: string, text: string): string[] {
  if (publicSettings.has(key) || isCertificate(text)) return [];
  const json = parsed(text);
  if (json !== undefined) return stringsIn(json);
  const settings = [...text.matchAll(/^([a-z][\w-]*)=(.+)$/gm)];
  if (settings.length === 0 || text.startsWith("-----BEGIN")) return [text];
  return settings.flatMap(([, name = "", value = ""]) => (publicSettings.has(name) ? [] : [value]));
}

/** Certificates are shown to whoever connects. */
const isCertificate = (text: string): boolean =>
  text.startsWith("-----BEGIN CERTIFICATE") && !text.includes("PRIVATE KEY");

function parsed(text: string): object | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    // The error would quote the secret.
    return undefined;
  }
}

function stringsIn(json: unknown): string[] {
  if (typeof json === "string") return [json];
  return typeof json === "object" && json !== null ? Object.values(json).flatMap(stringsIn) : [];
}
