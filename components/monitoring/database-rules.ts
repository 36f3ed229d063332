import { objectives } from "../lib/objectives.ts";
import type { Alert } from "./rules.ts";

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** What the database is held to; the agent beside each member measures it (docs/metrics.md). */
const limits = {
  /** `archive_timeout` is one minute; S3 may be slow for a while. */
  archiveAgeSeconds: 5 * minute,
  /** 16 MiB each. */
  waitingSegments: 32,
  freeShare: 0.15,
  lagBytes: 2 ** 30,
  heartbeatSeconds: 2 * minute,
  /** Backups are daily and may take an hour. */
  backupSeconds: 26 * hour,
  /** Full ones are weekly. */
  fullBackupSeconds: 8 * day,
  backupDeviation: 0.5,
  certificateSeconds: 14 * day,
  watchSeconds: 10 * minute,
} as const;

/** The promises about the data, each as the alert that calls when it is broken. */
export function databaseAlerts(namespace: string): Alert[] {
  const only = `namespace="${namespace}",job="postgres"`;
  const the = (metric: string, labels = "") =>
    `lifeline_postgres_${metric}{${only}${labels === "" ? "" : `,${labels}`}}`;
  const leads = `max by (pod) (${the("role", 'role=~"leader|standby_leader"')} == 1)`;
  const among = (expr: string, pods: string) => `max by (pod) (${expr}) and on (pod) ${pods}`;
  const absent = (...metrics: string[]) =>
    metrics.map((metric) => `absent(${the(metric)})`).join(" or ");
  return [
    {
      alert: "PostgresNoLeader",
      expr: `sum(${the("role", 'role=~"leader|standby_leader"')}) == 0`,
      for: "1m",
      severity: "page",
      summary: "No member leads this region's database.",
    },
    {
      alert: "PostgresTwoWriters",
      expr: `count(${the("in_recovery")} == 0) > 1`,
      for: "1m",
      severity: "page",
      summary: "Two members accept writes: their histories part.",
    },
    {
      alert: "TwoRegionsWrite",
      expr: `max by (pod) (${the("peer_writes")}) == 1`,
      for: "1m",
      severity: "page",
      summary: "Both regions accept writes: their histories part.",
    },
    {
      alert: "OtherRegionSilent",
      expr: `max by (pod) (${the("in_recovery")} == 0) unless on (pod) ${the("peer_writes")}`,
      for: "15m",
      severity: "page",
      summary: "The other region's database does not answer: nobody knows whether it writes.",
    },
    {
      alert: "PostgresMemberDiverged",
      expr: `max by (pod) (${the("diverged")}) == 1`,
      for: "2m",
      severity: "page",
      summary:
        "A member's history has left its leader's. It serves nobody; what only it has is lost.",
    },
    {
      alert: "StandbyRegionNotStreaming",
      expr: among(
        `${the("streaming")} == 0`,
        `max by (pod) (${the("role", 'role="standby_leader"')} == 1)`,
      ),
      for: "2m",
      severity: "page",
      summary: "This region does not follow the other one: a failover now would lose commits.",
    },
    {
      alert: "ReplicationLagging",
      expr: `max by (pod) (${the("replay_lag_bytes")}) > ${String(limits.lagBytes)}`,
      for: "5m",
      severity: "page",
      summary: "A member is more than 1 GiB of WAL behind.",
    },
    {
      alert: "HeartbeatStale",
      expr: `max by (pod) (${the("heartbeat_age_seconds")}) > ${String(limits.heartbeatSeconds)}`,
      for: "2m",
      severity: "page",
      summary:
        "The newest row that must come every 30 seconds is minutes old: writes or copies hang.",
    },
    {
      alert: "WalArchiveStale",
      // Of a leader that crashed the second is all there is: Postgres forgets what it archived last.
      expr: ["wal_last_archived_age_seconds", "wal_ready_oldest_age_seconds"]
        .map((age) => among(`${the(age)} > ${String(limits.archiveAgeSeconds)}`, leads))
        .join(" or "),
      for: "2m",
      severity: "page",
      summary: "Nothing was archived for minutes: what can be restored ends there.",
    },
    {
      alert: "WalArchiveBacklog",
      expr: `max by (pod) (${the("wal_ready_count")}) > ${String(limits.waitingSegments)}`,
      for: "5m",
      severity: "page",
      summary: "WAL waits to be archived and fills the volume.",
    },
    {
      alert: "PostgresVolumeFull",
      expr: `min by (pod) (${the("volume_free_bytes")} / ${the("volume_size_bytes")}) < ${String(limits.freeShare)}`,
      for: "5m",
      severity: "page",
      summary: "A data volume is nearly full; at the end Postgres stops.",
    },
    {
      alert: "BaseBackupStale",
      expr: [
        `time() - max(${the("backup_last_completion_seconds")}) > ${String(limits.backupSeconds)}`,
        `time() - max(${the("backup_last_completion_seconds", 'type="full"')}) > ${String(limits.fullBackupSeconds)}`,
      ].join(" or "),
      for: "5m",
      severity: "page",
      summary: "No backup was completed for more than a day, or no full one for more than 8 days.",
    },
    {
      alert: "BaseBackupFailed",
      expr: `max(${the("backup_failed")}) == 1`,
      for: "15m",
      severity: "page",
      summary: "The archive reports an error, or the newest backup has damaged pages.",
    },
    {
      alert: "BackupSizeDeviation",
      expr: `abs(max(${the("backup_last_size_bytes", 'type="full"')}) / max(${the("backup_last_size_bytes", 'type="full"')} offset 7d) - 1) > ${String(limits.backupDeviation)}`,
      for: "60m",
      severity: "ticket",
      summary: "The newest full backup is half as large again, or half as small, as a week ago.",
    },
    {
      alert: "RestoreProofFailed",
      expr: `min(${the("restore_proof_green")}) == 0`,
      for: "1m",
      severity: "page",
      summary: "What was restored from this region's archive is not what was written.",
    },
    {
      alert: "RestoreProofStale",
      expr: `time() - max(${the("restore_proof_finished_seconds")}) > ${String(objectives.restoreProof.proofSeconds)}`,
      for: "60m",
      severity: "page",
      summary: "Nobody has proved for more than 8 days that this region's archive can be restored.",
    },
    {
      alert: "RestoreTooSlow",
      expr: `max(${the("restore_proof_rto_seconds")}) > ${String(objectives.fullRollback.recoverySeconds)} or max(${the("restore_proof_rpo_seconds")}) > ${String(objectives.restoreProof.lossSeconds)}`,
      for: "5m",
      severity: "ticket",
      summary: "The last restore proof took longer, or would have lost more, than was promised.",
    },
    {
      alert: "DatabaseCertificateExpires",
      expr: `min by (pod, service) (${the("certificate_expiry_seconds")}) < ${String(limits.certificateSeconds)}`,
      for: "60m",
      severity: "ticket",
      summary: "A certificate of the database was not renewed in time.",
    },
    {
      alert: "DatabaseWatchStale",
      expr: `max by (pod, watch) (${the("watch_age_seconds")}) > ${String(limits.watchSeconds)}`,
      for: "5m",
      severity: "ticket",
      summary: "A part of a member's agent does not run to its end: what it measures is missing.",
    },
    {
      alert: "DatabaseMeasurementsAbsent",
      expr: absent(
        ...["role", "in_recovery", "diverged", "heartbeat_age_seconds", "watch_age_seconds"],
        ...["wal_last_archived_age_seconds", "wal_ready_count", "wal_ready_oldest_age_seconds"],
        ...["volume_free_bytes", "volume_size_bytes", "certificate_expiry_seconds"],
        ...["streaming", "replay_lag_bytes"],
      ),
      for: "5m",
      severity: "page",
      summary: "Agents do not measure the database: nothing above would notice.",
    },
    {
      alert: "BackupMeasurementsAbsent",
      expr: absent("backup_last_completion_seconds", "backup_last_size_bytes", "backup_failed"),
      for: "60m",
      severity: "page",
      summary: "Nobody sees any backup in this region's archive.",
    },
    {
      alert: "RestoreProofAbsent",
      expr: absent(
        ...["restore_proof_green", "restore_proof_finished_seconds"],
        ...["restore_proof_rto_seconds", "restore_proof_rpo_seconds"],
      ),
      // The first proof comes with the first Sunday.
      for: "11520m",
      severity: "page",
      summary: "This region's archive was never proved to be restorable.",
    },
  ];
}
