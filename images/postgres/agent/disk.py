"""Looks at the data volume."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from .metrics import Value
from .settings import Settings


class DiskWatch:
    """Every loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def look(self) -> Mapping[str, Value | None]:
        """Space, and WAL that waits for the archive. While the data is being replaced there is no WAL to measure."""
        volume = os.statvfs(self._settings.volume)
        folder = self._settings.data_folder / "pg_wal"
        space: dict[str, Value | None] = {
            "volume_free_bytes": volume.f_bavail * volume.f_frsize,
            "volume_size_bytes": volume.f_blocks * volume.f_frsize,
        }
        try:
            waits = waiting(self._settings.data_folder)
            return {**space, **waits, "pg_wal_bytes": _size(folder)}
        except FileNotFoundError:
            return space


def waiting(data_folder: Path) -> dict[str, Value | None]:
    """
    WAL that waits for the archive.

    :raises FileNotFoundError: while the data is being replaced
    """
    count, oldest = 0, time.time()
    with os.scandir(data_folder / "pg_wal" / "archive_status") as entries:
        for entry in entries:
            modified = _stat(entry).st_mtime if entry.name.endswith(".ready") else None
            if modified:
                count += 1
                oldest = min(oldest, modified)
    return {
        "wal_ready_count": count,
        "wal_ready_oldest_age_seconds": max(0.0, time.time() - oldest) if count else 0.0,
    }


def _size(folder: Path) -> float:
    with os.scandir(folder) as entries:
        return float(sum(_stat(e).st_size for e in entries if e.is_file(follow_symlinks=False)))


def _stat(entry: os.DirEntry[str]) -> os.stat_result:
    """Files come and go between the listing and the look; one that is gone counts for nothing."""
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return os.stat_result((0,) * 10)
