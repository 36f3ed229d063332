import type { Archive, ArchiveAccess } from "../lib/archive.ts";
import { ports } from "../lib/ports.ts";
import { scopeOf } from "./generation.ts";
import { places, settingsFiles, tlsFiles } from "./places.ts";

export interface RepositoryArgs {
  readonly archive: Archive;
  readonly access: ArchiveAccess;
  /** Whether S3 presents a certificate of an authority of its own. */
  readonly ownAuthority: boolean;
  readonly generation: number;
}

type Section = readonly [name: string, settings: Readonly<Record<string, string>>];

/** pgbackrest.conf of a member: pushes to and restores from one archive, and serves the backup's pod. */
export function memberConf(args: RepositoryArgs): string {
  return written([
    ["global", repository(args)],
    // A push that hangs is tried again soon.
    ["global:archive-push", { "io-timeout": "20" }],
    [
      "global:server",
      {
        "tls-server-address": "0.0.0.0",
        "tls-server-port": String(ports.pgbackrest),
        "tls-server-cert-file": tlsFiles.certificate,
        "tls-server-key-file": tlsFiles.key,
        "tls-server-ca-file": tlsFiles.authority,
        "tls-server-auth": "database=main",
      },
    ],
    ["global:restore", restoring],
    ["main", cluster],
  ]);
}

/** pgbackrest-peer.conf: restores from the other region's archive. */
export function peerConf(args: RepositoryArgs): string {
  return written([
    ["global", repository(args)],
    ["global:restore", restoring],
    ["main", cluster],
  ]);
}

/** What a rebuilt member has already is not fetched again. */
const restoring = { delta: "y" };

function repository({ archive, access, ownAuthority, generation }: RepositoryArgs) {
  const { bucket, region, endpoint } = archive;
  return {
    "repo1-type": "s3",
    "repo1-s3-bucket": bucket,
    "repo1-s3-endpoint": endpoint ?? `s3.${region}.amazonaws.com`,
    "repo1-s3-region": region,
    ...(endpoint !== undefined && { "repo1-s3-uri-style": "path" }),
    ...(access === "webIdentity" && { "repo1-s3-key-type": "web-id" }),
    ...(ownAuthority && { "repo1-storage-ca-file": settingsFiles.storageAuthority }),
    "repo1-path": `/${scopeOf(generation)}`,
    "repo1-cipher-type": "aes-256-cbc",
    "compress-type": "zst",
    "process-max": "2",
    "log-level-file": "off",
    "log-level-console": "warn",
    "lock-path": "/tmp/pgbackrest",
    // Looked into by every command that reads the archive, and its own default is in a root that nobody can write.
    "spool-path": places.spool,
    "start-fast": "y",
    "archive-timeout": "60",
    // Every member archives by the same command; who really pushes is decided there.
    "archive-mode-check": "n",
    // What goes is decided by retention.py, which knows days, weeks and months.
    "expire-auto": "n",
  };
}

/** The data folder beside which pgBackRest runs. */
const cluster = {
  "pg1-path": places.data,
  "pg1-socket-path": places.sockets,
  "pg1-user": "postgres",
};

function written(sections: readonly Section[]): string {
  return sections
    .map(([name, settings]) => {
      const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
      return `[${name}]\n${lines.join("")}`;
    })
    .join("\n");
}
