import { bytes } from "../lib/quantity.ts";

/** Where the files below are mounted, and where the server keeps its sockets. */
export const configFolder = "/etc/lifeline/postgres";
export const socketFolder = "/var/run/postgresql";

const mebibyte = 2 ** 20;

export interface ServerSettings {
  /** False in the standby region: sessions start read-only. */
  readonly writable: boolean;
  /** Memory limit of the server's container, as a Kubernetes quantity. */
  readonly memory: string;
}

/**
 * postgresql.conf.
 * @throws Error when the memory is not a Kubernetes quantity
 */
export function postgresqlConf({ writable, memory }: ServerSettings): string {
  const available = bytes(memory);
  if (available === undefined) {
    throw new Error(`postgres: memory must be a Kubernetes quantity such as 1Gi, got "${memory}"`);
  }
  const share = (part: number) => `${String(Math.floor((available * part) / mebibyte))}MB`;
  return lines([
    ["listen_addresses", "*"],
    ["unix_socket_directories", socketFolder],
    ["ident_file", `${configFolder}/pg_ident.conf`],
    ["password_encryption", "scram-sha-256"],
    ["max_connections", "100"],

    // A quarter for the buffers is Postgres's own advice; the rest is page cache and sessions.
    ["shared_buffers", share(0.25)],
    ["effective_cache_size", share(0.7)],
    ["maintenance_work_mem", share(0.06)],

    ["wal_level", "replica"],
    ["wal_compression", "on"],
    ["checkpoint_timeout", "5min"],
    ["max_wal_size", "1GB"],

    ["default_transaction_read_only", writable ? "off" : "on"],
    // A client that hangs may hold neither locks nor old row versions for ever.
    ["idle_in_transaction_session_timeout", "60s"],
    ["lock_timeout", "30s"],
    ["tcp_keepalives_idle", "60"],

    ["log_destination", "stderr"],
    ["log_line_prefix", "%m [%p] %q%u@%d "],
    ["log_timezone", "UTC"],
    ["timezone", "UTC"],
    ["log_checkpoints", "on"],
    ["log_lock_waits", "on"],
    ["log_min_duration_statement", "1s"],
    // Statements that carry a password are not written out when they fail.
    ["log_min_error_statement", "panic"],
  ]);
}

/** pg_hba.conf: the superuser and the exporter by local socket only, the application by password. */
export function pgHbaConf(database: string, user: string): string {
  return [
    "# type database user address method",
    "local all postgres peer map=pod",
    "local all exporter peer map=pod",
    `host ${database} ${user} 0.0.0.0/0 scram-sha-256`,
    `host ${database} ${user} ::/0 scram-sha-256`,
    "",
  ].join("\n");
}

/** pg_ident.conf: whom the pod's only operating system user may be. */
export function pgIdentConf(): string {
  return [
    "# map system-user database-user",
    "pod lifeline postgres",
    "pod lifeline exporter",
    "",
  ].join("\n");
}

function lines(settings: readonly (readonly [string, string])[]): string {
  return settings.map(([key, value]) => `${key} = '${value}'\n`).join("");
}
