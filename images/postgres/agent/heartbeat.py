"""Writes a row every 30 seconds, so that every moment can be restored to and every copy shows how old it is."""

from __future__ import annotations

import time
from collections.abc import Mapping

import psycopg2

from .database import rows, superuser
from .metrics import Value
from .settings import Settings
from .shared import Shared

# A day of rows is enough to measure by. The commit waits for the synchronous standby like any other: when commits
# hang, the heartbeat must not go on.
_BEAT = """
WITH old AS (DELETE FROM lifeline.heartbeat WHERE at < now() - interval '1 day')
INSERT INTO lifeline.heartbeat (at, lsn, region) VALUES (now(), pg_current_wal_lsn(), %s)
"""
_AGE = "SELECT extract(epoch FROM clock_timestamp() - max(at))::float FROM lifeline.heartbeat"


class HeartbeatWatch:
    """Every loop."""

    def __init__(self, settings: Settings, shared: Shared) -> None:
        self._settings = settings
        self._shared = shared
        self._last = float("-inf")

    def look(self) -> Mapping[str, Value | None]:
        """The age of the newest row, in this member's own copy."""
        with superuser(self._settings, self._settings.database) as opened:
            if self._shared.writes and self._is_due():
                rows(opened, _BEAT, self._settings.region)
                self._last = time.monotonic()
            try:
                age = rows(opened, _AGE)[0][0]
            except psycopg2.errors.UndefinedTable:
                age = None  # A copy from before the schema was made.
        return {"heartbeat_age_seconds": age}

    def _is_due(self) -> bool:
        return time.monotonic() - self._last >= self._settings.timing.heartbeat
