import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { s3AccessFile, s3AuthorityFile } from "./folders.ts";
import { type RegionKey, type S3Endpoint, topology } from "./topology.ts";

export interface S3Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** What a region's pods may use; s3-grants.ts says what each may do. `peer` is an account of the other region's server. */
export const s3AccountNames = ["own", "peer", "proof", "reports"] as const;
export type S3AccountName = (typeof s3AccountNames)[number];
export type S3Accounts = Readonly<Record<S3AccountName, S3Credentials>>;

/** Everybody that the servers know, made anew for each rehearsal. */
export interface S3Principals {
  /** Both servers' administrator. */
  readonly administrator: S3Credentials;
  readonly accounts: Readonly<Record<RegionKey, S3Accounts>>;
}

/** All that a client of one region's S3 server needs. */
export interface S3Access extends S3Credentials, S3Endpoint {
  /** Where the host name leads. */
  readonly ip: string;
  /** File with the authority of the server's certificate, PEM. */
  readonly authorityFile: string;
}

/** The administrator's way to a region's server. @throws when no rehearsal has been booted. */
export const s3Access = (key: RegionKey): S3Access => ({
  ...s3Credentials().administrator,
  ...reach(key),
});

/** The way of a region's pods to their own server, or as `peer` to the other one. @throws when no rehearsal has been booted. */
export const s3AccountAccess = (key: RegionKey, account: S3AccountName): S3Access => ({
  ...s3Credentials().accounts[key][account],
  ...reach(serverOf(key, account)),
});

/** The region whose server knows the account. */
export const serverOf = (key: RegionKey, account: S3AccountName): RegionKey =>
  account === "peer" ? otherThan(key) : key;

const otherThan = (key: RegionKey): RegionKey => (key === "a" ? "b" : "a");

const reach = (key: RegionKey) => ({
  ...topology[key].s3,
  ip: topology[key].ip,
  authorityFile: s3AuthorityFile,
});

/** @throws when no rehearsal has been booted. */
export const s3Credentials = (): S3Principals =>
  JSON.parse(readFileSync(s3AccessFile, "utf8")) as S3Principals;

/** The rehearsal's credentials; the first call makes them. */
export function ensureS3Credentials(): S3Principals {
  if (!existsSync(s3AccessFile) || !("accounts" in s3Credentials())) {
    const accounts = (key: RegionKey) =>
      Object.fromEntries(
        s3AccountNames.map((name) => [name, credentials(`${key}${name}`)]),
      ) as S3Accounts;
    const made: S3Principals = {
      administrator: credentials("lifeline"),
      accounts: { a: accounts("a"), b: accounts("b") },
    };
    writeWhole(s3AccessFile, JSON.stringify(made), 0o600);
  }
  return s3Credentials();
}

const credentials = (name: string): S3Credentials => ({
  accessKey: `${name}${randomBytes(6).toString("hex")}`.toUpperCase(),
  secretKey: randomBytes(30).toString("base64url"),
});

/** Writes a file so that nobody, not even after a kill, finds half of it. */
export function writeWhole(file: string, content: string, mode: number): void {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.draft`;
  writeFileSync(draft, content, { mode });
  renameSync(draft, file);
}
