import { bytes } from "../lib/quantity.ts";
import { places, tlsFiles } from "./places.ts";

export interface ClusterConfigArgs {
  /** Memory limit of the server's container, as a Kubernetes quantity. */
  readonly memory: string;
  /** Size of the data volume, as a Kubernetes quantity. */
  readonly storage: string;
  /** In the standby region, the other region's leader, which is followed. */
  readonly follow?: { readonly host: string; readonly port: number };
  /** Another generation takes over: this one is read, and written no more. */
  readonly isClosed?: boolean;
}

const mebibyte = 2 ** 20;

/** Asks the region's own archive, then, when it answers at all, the other region's. */
const restoreCommand = `${places.scripts}/archive-get.sh %f "%p"`;

/**
 * Patroni's dynamic configuration. Both roles differ in `standby_cluster` and in nothing else: a change of archive settings
 * in the middle of a demotion raced with it.
 * @throws Error when memory or storage is not a Kubernetes quantity
 */
export function clusterConfig({ memory, storage, follow, isClosed = false }: ClusterConfigArgs) {
  return {
    // The shortest that Patroni allows: a dead node costs about this much.
    ttl: 20,
    loop_wait: 4,
    retry_timeout: 8,
    maximum_lag_on_failover: 16 * mebibyte,
    check_timeline: true,
    primary_start_timeout: 60,
    synchronous_mode: true,
    // While the API server is away, a leader that reaches all its members goes on.
    failsafe_mode: true,
    slots: { peer: { type: "physical", cluster_type: "primary" } },
    postgresql: {
      use_pg_rewind: true,
      use_slots: true,
      remove_data_directory_on_diverged_timelines: true,
      remove_data_directory_on_rewind_failure: true,
      parameters: {
        ...parameters(memory, storage),
        // For every session, those that are there already as well.
        ...(isClosed && { default_transaction_read_only: "on" }),
      },
      recovery_conf: { restore_command: restoreCommand, recovery_target_timeline: "latest" },
    },
    ...(follow && {
      standby_cluster: {
        host: follow.host,
        port: follow.port,
        primary_slot_name: "peer",
        create_replica_methods: ["pgbackrest", "basebackup"],
        restore_command: restoreCommand,
      },
    }),
  };
}

function parameters(memory: string, storage: string) {
  const ofMemory = share("memory", memory);
  const ofVolume = share("storage", storage);
  return {
    max_connections: 100,
    max_wal_senders: 10,
    max_replication_slots: 10,
    password_encryption: "scram-sha-256",

    ssl: "on",
    ssl_cert_file: tlsFiles.certificate,
    ssl_key_file: tlsFiles.key,
    ssl_ca_file: tlsFiles.authority,
    ssl_min_protocol_version: "TLSv1.2",

    // A quarter for the buffers is Postgres's own advice; the rest is page cache and sessions.
    shared_buffers: ofMemory(0.25),
    effective_cache_size: ofMemory(0.7),
    maintenance_work_mem: ofMemory(0.06),

    wal_level: "replica",
    wal_log_hints: "on",
    wal_compression: "on",
    checkpoint_timeout: "5min",
    max_wal_size: ofVolume(0.1, 4096),
    wal_keep_size: ofVolume(0.05, 1024),
    // A region that is away for long must not fill the disk: beyond this it follows by the archive.
    max_slot_wal_keep_size: ofVolume(0.2),
    wal_sender_timeout: "10s",
    wal_receiver_timeout: "10s",
    wal_retrieve_retry_interval: "2s",
    hot_standby: "on",

    // Every member may become the one that archives; the script knows who it is.
    archive_mode: "always",
    // pgBackRest backs up only a server whose command names it.
    archive_command: `${places.scripts}/archive-push.sh "%p" "%f" pgbackrest`,
    archive_timeout: "60s",

    // A client that hangs may hold neither locks nor old row versions for ever.
    idle_in_transaction_session_timeout: "60s",
    lock_timeout: "30s",
    // A connection whose other end is gone is noticed within half a minute.
    tcp_keepalives_idle: 10,
    tcp_keepalives_interval: 5,
    tcp_keepalives_count: 3,

    log_destination: "stderr",
    log_line_prefix: "%m [%p] %q%u@%d ",
    log_timezone: "UTC",
    timezone: "UTC",
    log_checkpoints: "on",
    log_lock_waits: "on",
    log_min_duration_statement: "1s",
    // Statements that carry a password are not written out when they fail.
    log_min_error_statement: "panic",
  };
}

/** A part of `quantity` in megabytes, `most` of them at most. */
function share(name: string, quantity: string) {
  const available = bytes(quantity);
  if (available === undefined) {
    throw new Error(
      `postgres: ${name} must be a Kubernetes quantity such as 1Gi, got "${quantity}"`,
    );
  }
  return (part: number, most = Infinity) =>
    `${String(Math.min(Math.floor((available * part) / mebibyte), most))}MB`;
}
