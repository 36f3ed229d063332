"""The metrics: name, label, who makes it, what it says. docs/metrics.md shows the same table."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "lifeline_postgres_"


@dataclass(frozen=True)
class Metric:
    """One gauge."""

    watch: str
    """The part of the agent that makes it."""
    meaning: str
    label: str | None = None


METRICS: dict[str, Metric] = {
    "role": Metric(
        "member",
        "1 for the role the member has: leader (may write), standby_leader, replica, or none.",
        "role",
    ),
    "in_recovery": Metric("server", "1 while the server follows another one, 0 while it writes."),
    "streaming": Metric(
        "server",
        "1 while a member in recovery receives WAL by streaming; absent on one that writes.",
    ),
    "replay_lag_seconds": Metric(
        "server",
        "Age of the last transaction replayed; 0 when nothing was left to replay. Members in recovery only.",
    ),
    "wal_last_archived_age_seconds": Metric(
        "server", "Time since this server's archiver last finished a file."
    ),
    "timeline": Metric("lineage", "Timeline the server is on."),
    "upstream_reachable": Metric(
        "lineage",
        "1 while the server this member follows answers; absent on one that follows nobody.",
    ),
    "replay_lag_bytes": Metric(
        "lineage", "WAL the upstream has and this member has not replayed yet."
    ),
    "diverged": Metric(
        "lineage",
        "1 while the member's history has left its upstream's, or it is stuck although the upstream answers.",
    ),
    "healing_attempts": Metric(
        "healing", "Attempts to heal the member since it was last well; 0 when it is."
    ),
    "peer_writes": Metric(
        "peer",
        "1 while the other region's leader writes as well, 0 while it follows. Only on a member that writes.",
    ),
    "wal_ready_count": Metric("disk", "WAL files that wait to be archived."),
    "wal_ready_oldest_age_seconds": Metric(
        "disk", "Time the oldest of them has waited; 0 when none waits."
    ),
    "pg_wal_bytes": Metric("disk", "Size of the folder pg_wal."),
    "volume_free_bytes": Metric("disk", "Free space of the data volume."),
    "volume_size_bytes": Metric("disk", "Size of the data volume."),
    "heartbeat_age_seconds": Metric(
        "heartbeat",
        "Age of the newest heartbeat row in this member's copy; the leader writes one every 30 seconds.",
    ),
    "certificate_expiry_seconds": Metric(
        "certificates",
        "Time until the certificate expires that the service really presents: postgres, patroni, pgbackrest.",
        "service",
    ),
    "backup_last_completion_seconds": Metric(
        "backups",
        "Unix time at which the newest checked backup of this type ended: full, diff or incr.",
        "type",
    ),
    "backup_last_duration_seconds": Metric("backups", "Time that backup took.", "type"),
    "backup_last_size_bytes": Metric(
        "backups", "What that backup added to the repository, compressed.", "type"
    ),
    "backup_failed": Metric(
        "backups",
        "1 while pgBackRest reports an error of the repository or page errors in the newest backup.",
    ),
    "restore_proof_green": Metric("proof", "1 when the last restore proof passed, 0 when not."),
    "restore_proof_finished_seconds": Metric("proof", "Unix time at which it ended."),
    "restore_proof_rpo_seconds": Metric("proof", "Data it would have lost, as measured."),
    "restore_proof_rto_seconds": Metric("proof", "Time it took to a usable database."),
    "restore_proof_phase_seconds": Metric("proof", "Time each phase of it took.", "phase"),
    "restore_proof_phase_ok": Metric("proof", "1 for each phase that passed, 0 if not.", "phase"),
    "watch_age_seconds": Metric(
        "agent",
        "Time since this part of the agent last ran to its end; what it measures is absent when it does not.",
        "watch",
    ),
}
