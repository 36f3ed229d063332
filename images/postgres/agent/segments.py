"""
Tells the archiver of whole segments and histories that Postgres has not told it of. Where a timeline ends exactly at the
end of a segment, the leader that a failover made never began the next one, and so never closed that one. Postgres finds
it only when a checkpoint would remove it, which wal_keep_size and slots put off for as long as they keep it. A history
it never finds: Patroni forgets all marks when it makes a leader that crashed end cleanly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .database import rows, superuser
from .metrics import Value
from .settings import Settings
from .shared import Shared
from .timeline import parse_lsn
from .watch import say

_SEGMENT_BYTES = 16 << 20
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_HISTORY = re.compile(r"[0-9A-F]{8}\.history")
_POSITION = "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text"


class SegmentsWatch:
    """Every loop, on the member that archives."""

    def __init__(self, settings: Settings, shared: Shared) -> None:
        self._settings = settings
        self._shared = shared
        self._seen: frozenset[str] = frozenset()

    def look(self) -> Mapping[str, Value | None]:
        """Measures nothing. What is unnoticed in two looks running Postgres is not closing just now."""
        member = self._shared.member.get()
        unnoticed: frozenset[str] = frozenset()
        if member is not None and member.role in ("leader", "standby_leader"):
            unnoticed = self._unnoticed()
        for name in sorted(unnoticed & self._seen):
            self._status(f"{name}.ready").touch()
            say(f"{name} is whole, and the archiver was not told: it is now")
        self._seen = unnoticed
        return {}

    def _unnoticed(self) -> frozenset[str]:
        """Segments before the present one, of whichever timeline: the archiver itself drops what was superseded."""
        with superuser(self._settings) as opened:
            [(position,)] = rows(opened, _POSITION)
        if position is None:
            return frozenset()
        present = parse_lsn(position) // _SEGMENT_BYTES
        folder = self._settings.data_folder / "pg_wal"
        names = [path.name for path in folder.iterdir()]
        whole = {n for n in names if _number(n, present) < present or _HISTORY.fullmatch(n)}
        known = {path.stem for path in self._status("").iterdir()}
        return frozenset(whole - known)

    def _status(self, name: str) -> Path:
        return self._settings.data_folder / "pg_wal" / "archive_status" / name


def _number(name: str, otherwise: int) -> int:
    """Of a segment, which counts from the beginning of the data on every timeline alike."""
    return (int(name[8:16], 16) << 8) + int(name[16:], 16) if _SEGMENT.fullmatch(name) else otherwise
