"""Looks into the region's own archive: which backups there are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .command import must
from .metrics import Value
from .settings import Settings

_UNREACHABLE = 99
"""Status by which `pgbackrest info` says that it could not look; its exit code is 0 all the same."""

_CHECKED = "checked"
"""Annotation of a backup whose whole run ended well; without it a copy is only listed."""

QUIET = ["--log-level-console=off", "--log-level-file=off", "--log-level-stderr=warn"]


class BackupsWatch:
    """Every slow loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def look(self) -> Mapping[str, Value | None]:
        """What pgBackRest knows."""
        words = ["pgbackrest", "--stanza=main", *QUIET, "info", "--output=json"]
        return backup_facts(json.loads(must(words, self._settings.timing.command)))


def backup_facts(info: Any) -> dict[str, Value | None]:
    """
    The newest backup of each type in the output of `pgbackrest info`, of those that backup.sh marked as checked.

    :raises ValueError: when the output has another shape, or says that the archive could not be read
    """
    try:
        stanza = next(entry for entry in info if entry["name"] == "main")
        status = stanza["status"]
        if int(status["code"]) == _UNREACHABLE:
            raise ValueError(str(stanza["repo"][0]["status"]["message"]))
        newest: dict[str, Any] = {}
        for backup in stanza["backup"]:
            if _CHECKED not in (backup.get("annotation") or {}):
                continue
            kind = str(backup["type"])
            if kind not in newest or _end(backup) >= _end(newest[kind]):
                newest[kind] = backup
        last = max(stanza["backup"], key=_end, default=None)
        return {
            "backup_last_completion_seconds": {k: _end(b) for k, b in newest.items()},
            "backup_last_duration_seconds": {
                k: _end(b) - float(b["timestamp"]["start"]) for k, b in newest.items()
            },
            "backup_last_size_bytes": {
                k: float(b["info"]["repository"]["delta"]) for k, b in newest.items()
            },
            "backup_failed": float(
                int(status["code"]) != 0 or (last is not None and bool(last["error"]))
            ),
        }
    except (IndexError, KeyError, TypeError, StopIteration) as error:
        raise ValueError(f"cannot read what pgbackrest info says: {error!r}") from None


def _end(backup: Any) -> float:
    return float(backup["timestamp"]["stop"])
