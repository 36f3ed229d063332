import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { s3AccessFile, s3AuthorityFile } from "./folders.ts";
import { type RegionKey, type S3Endpoint, topology } from "./topology.ts";

/** Both servers' administrator, made anew for each rehearsal. */
export interface S3Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** All that a client of one region's S3 server needs. */
export interface S3Access extends S3Credentials, S3Endpoint {
  /** Where the host name leads. */
  readonly ip: string;
  /** File with the authority of the server's certificate, PEM. */
  readonly authorityFile: string;
}

/** @throws when no rehearsal has been booted. */
export function s3Access(key: RegionKey): S3Access {
  const credentials = JSON.parse(readFileSync(s3AccessFile, "utf8")) as S3Credentials;
  return {
    ...credentials,
    ...topology[key].s3,
    ip: topology[key].ip,
    authorityFile: s3AuthorityFile,
  };
}

/** The rehearsal's credentials; the first call makes them. */
export function ensureS3Credentials(): S3Credentials {
  if (!existsSync(s3AccessFile)) {
    const made: S3Credentials = {
      accessKey: `LIFELINE${randomBytes(6).toString("hex").toUpperCase()}`,
      secretKey: randomBytes(30).toString("base64url"),
    };
    writeWhole(s3AccessFile, JSON.stringify(made), 0o600);
  }
  return JSON.parse(readFileSync(s3AccessFile, "utf8")) as S3Credentials;
}

/** Writes a file so that nobody, not even after a kill, finds half of it. */
export function writeWhole(file: string, content: string, mode: number): void {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.draft`;
  writeFileSync(draft, content, { mode });
  renameSync(draft, file);
}
