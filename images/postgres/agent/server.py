"""Looks at the local server, and keeps the proof that this pod lives as a member."""

from __future__ import annotations

import time
from collections.abc import Mapping

from .database import rows, superuser
from .metrics import Value
from .settings import Settings
from .shared import Shared
from .timeline import parse_lsn
from .verdict import Health

_FACTS = """
SELECT pg_is_in_recovery(),
  (SELECT status FROM pg_stat_wal_receiver),
  pg_last_wal_replay_lsn()::text,
  extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float,
  (SELECT extract(epoch FROM clock_timestamp() - last_archived_time)::float FROM pg_stat_archiver)
"""


class ServerWatch:
    """Every loop."""

    def __init__(self, settings: Settings, shared: Shared) -> None:
        self._settings = settings
        self._shared = shared

    def look(self) -> Mapping[str, Value | None]:
        """Facts that need nobody but the server itself."""
        with superuser(self._settings) as opened:
            in_recovery, receiver, replayed, lag, archived = rows(opened, _FACTS)[0]
        self._shared.in_recovery.set(in_recovery)
        self._keep_alive()
        return {
            "in_recovery": float(in_recovery),
            "streaming": float(receiver == "streaming") if in_recovery else None,
            "replay_lag_seconds": self._lag(replayed, lag) if in_recovery else None,
            "wal_last_archived_age_seconds": archived,
        }

    def _lag(self, replayed: str | None, since_last: float | None) -> float | None:
        """Without new transactions the last one grows old, which is no lag."""
        upstream = self._shared.upstream_lsn.get()
        if replayed is not None and upstream is not None and parse_lsn(replayed) >= upstream:
            return 0.0
        return since_last

    def _keep_alive(self) -> None:
        """
        Renews the proofs. That a server runs proves nothing after a cold start: it takes a verdict, or a proof of this
        pod's own life that has not run out since.
        """
        if self._settings.diverged_file.exists():
            return
        verdict = self._shared.verdict.get()
        if (verdict is not None and verdict.health is Health.WELL) or self._lived_lately():
            self._settings.alive_file.touch()
            self._settings.lived_file.parent.mkdir(exist_ok=True)
            self._settings.lived_file.touch()

    def _lived_lately(self) -> bool:
        try:
            age = time.time() - self._settings.alive_file.stat().st_mtime
        except FileNotFoundError:
            return False
        return abs(age) < self._settings.timing.lately
