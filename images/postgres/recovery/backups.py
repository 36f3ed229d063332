"""What pgBackRest knows of its backups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timezone
from typing import Any

from .wal import Segment, parse_lsn, segment

CHECKED = "checked"
"""
Annotation by which backup.sh marks a backup once it is checked and old ones are expired; its value is when. pgBackRest
lists a backup as soon as it is copied.
"""


@dataclass(frozen=True)
class Backup:
    """One backup set."""

    label: str
    kind: str
    """full, diff or incr."""
    start: datetime
    stop: datetime
    stop_lsn: int
    wal: Segment
    """The first one it needs."""
    size_bytes: int
    """Of the database when it is back."""
    database_id: int
    has_page_errors: bool
    prior: str | None
    """The set it builds upon; that set's own prior belongs to it too."""
    checked: bool
    """Whether all of its run ended well; any other was copied, and nobody looked whether all of it is there."""


def backups_of(stanza: Any) -> list[Backup]:
    """
    The backups of one stanza in the output of `pgbackrest info`, oldest first.

    :raises ValueError: when it has another shape
    """
    try:
        found = [
            Backup(
                label=entry["label"],
                kind=entry["type"],
                start=_time(entry["timestamp"]["start"]),
                stop=_time(entry["timestamp"]["stop"]),
                stop_lsn=parse_lsn(entry["lsn"]["stop"]),
                wal=segment(entry["archive"]["start"]),
                size_bytes=int(entry["info"]["size"]),
                database_id=int(entry["database"]["id"]),
                has_page_errors=entry["error"] is True,
                prior=entry["prior"],
                checked=CHECKED in (entry.get("annotation") or {}),
            )
            for entry in stanza["backup"]
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"cannot read what pgbackrest info says: {error!r}") from None
    return sorted(found, key=lambda backup: backup.stop)


def newest_sound(backups: Iterable[Backup]) -> Backup | None:
    """The newest checked one without page errors; any other only when there is none of those."""
    return max(backups, key=lambda b: (not b.has_page_errors, b.checked, b.stop), default=None)


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
