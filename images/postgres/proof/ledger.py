"""What the living database says it has archived: taken from it, not from the archive that is to be judged."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg2
from recovery.refusal import RefusalError
from recovery.wal import Segment, holding, parse_lsn, segment

_STATE = "SELECT clock_timestamp(), max(at) FROM lifeline.heartbeat"
# A file of the archiver may also be a timeline's history.
_ARCHIVED = "SELECT substr(last_archived_wal, 1, 24), last_archived_time FROM pg_stat_archiver"
_BEATS = "SELECT at, lsn FROM lifeline.heartbeat ORDER BY at DESC LIMIT 500"


@dataclass(frozen=True)
class Ledger:
    """The facts a restore has to live up to."""

    now: datetime
    newest_heartbeat: datetime
    archived: Segment | None
    """None when the server has archived nothing since it started."""
    archived_at: datetime | None
    archived_heartbeat: datetime | None
    """The newest whose WAL lies before the last archived segment."""


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
    archived = _segment(wal)
    before = [at for at, lsn in beats if archived is not None and holding(lsn) < archived.number]
    return Ledger(now, newest, archived, archived_at, before[0] if before else None)


def _segment(wal: str | None) -> Segment | None:
    try:
        return None if wal is None else segment(wal)
    except ValueError:
        return None
