import type { SecretFile } from "./pod.ts";

/** One region's archive in S3. */
export interface Archive {
  readonly bucket: string;
  /** AWS region, or what another S3 server calls so in signatures. */
  readonly region: string;
  /** host:port of S3 that is not AWS's own. */
  readonly endpoint?: string;
}

/** How pods come by the right to use a bucket: by their service account, or by keys in a Secret. */
export type ArchiveAccess = "webIdentity" | "keys";

/** host:port that answers for the archive, to find out whether it is there at all. */
export function archiveEndpoint({ region, endpoint }: Archive): string {
  return endpoint ?? `s3.${region}.amazonaws.com:443`;
}

const folder = "/etc/lifeline/archive";

/** Secrets of pgBackRest: the cipher key of one archive, and the keys of S3 where there are any. */
export const archiveOwn = secretsOf("own");
export const archivePeer = secretsOf("peer");
export const archiveProof = secretsOf("proof");

function secretsOf(holder: string): SecretFile {
  return { secret: `archive-${holder}`, folder: `${folder}/${holder}`, key: "secrets.conf" };
}

/** Keys that may write reports and nothing else. */
export const archiveReports = {
  secret: "archive-reports",
  folder: `${folder}/reports`,
  keys: ["access-key", "secret-key"],
} as const;
