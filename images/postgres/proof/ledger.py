"""What the living database says it has archived: taken from it, not from the archive that is to be judged."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg2
from recovery.refusal import RefusalError
from recovery.wal import SEGMENT_BYTES, Segment, holding, parse_lsn, segment

_STATE = "SELECT clock_timestamp(), max(at) FROM lifeline.heartbeat"
# A file of the archiver may also be a timeline's history.
_ARCHIVED = "SELECT substr(last_archived_wal, 1, 24), last_archived_time FROM pg_stat_archiver"
_BEATS = "SELECT at, lsn FROM lifeline.heartbeat ORDER BY at DESC LIMIT 500"


Beat = tuple[datetime, int]
"""A heartbeat, with the end of the WAL when it was written."""


@dataclass(frozen=True)
class Ledger:
    """The facts a restore has to live up to."""

    now: datetime
    newest_heartbeat: datetime
    archived: Segment | None
    """None when the server has archived nothing since it started."""
    archived_at: datetime | None
    heartbeats: list[Beat]
    """Newest first."""

    @property
    def archived_heartbeat(self) -> datetime | None:
        """The newest whose WAL lies before the last archived segment."""
        if self.archived is None:
            return None
        last = self.archived.number
        return next((at for at, lsn in self.heartbeats if holding(lsn) < last), None)

    def archived_since(self, moment: datetime) -> int:
        """How many heartbeats the archive has after a moment, most likely: one may end in the next segment."""
        if self.archived is None:
            return 0
        last = self.archived.number
        # Its own WAL begins there, be it the first of a segment.
        return sum(at > moment and lsn // SEGMENT_BYTES <= last for at, lsn in self.heartbeats)

    def seconds_lost(self, restored: Iterable[Beat], end: Segment) -> float | None:
        """
        How far behind the living database the archive was that ended so: recovery goes on with whatever came since.

        :param restored: newest first
        """
        newest = next((at for at, lsn in restored if lsn // SEGMENT_BYTES <= end.number), None)
        return None if newest is None else max((self.now - newest).total_seconds(), 0.0)


def take_ledger() -> Ledger:
    """
    Asks the living database, as the application does.

    :raises RefusalError: when it cannot
    """
    try:
        connection = psycopg2.connect(
            host=os.environ["DATABASE_HOST"],
            port=os.environ["DATABASE_PORT"],
            dbname=os.environ["DATABASE_NAME"],
            user=os.environ["DATABASE_USER"],
            password=Path(os.environ["DATABASE_PASSWORD_FILE"]).read_text().rstrip("\n"),
            connect_timeout=10,
            options="-c statement_timeout=30s",
        )
        try:
            with connection.cursor() as cursor:
                # What is archived is asked first: it may only grow while the rest is read.
                cursor.execute(_ARCHIVED)
                wal, archived_at = cursor.fetchone() or (None, None)
                cursor.execute(_STATE)
                now, newest = cursor.fetchone() or (None, None)
                cursor.execute(_BEATS)
                beats = [(at, parse_lsn(lsn)) for at, lsn in cursor.fetchall()]
        finally:
            connection.close()
    except (psycopg2.Error, OSError, KeyError) as error:
        raise RefusalError(f"the living database cannot be asked: {str(error).strip()}") from None
    if newest is None:
        raise RefusalError("the living database has no heartbeat row; nobody writes them")
    return Ledger(now, newest, _segment(wal), archived_at, beats)


def _segment(wal: str | None) -> Segment | None:
    try:
        return None if wal is None else segment(wal)
    except ValueError:
        return None
