"""
Keeps some room on the data volume for the day when it is full. A server that stopped for want of room needs a little to
start again, and only once it runs does it give back the WAL that has reached the archive.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum

from .disk import waiting
from .metrics import Value
from .settings import Settings
from .shared import Shared
from .verdict import Health
from .watch import say

_SEGMENT = 16 << 20
SIZE = 4 * _SEGMENT
"""A start needs a segment, a promotion another one, and the checkpoint after it some more."""
_FULL = _SEGMENT
_AMPLE = 4 * SIZE
"""Nothing is set aside where room is short already."""


class Step(Enum):
    """What to do with the reserve."""

    NOTHING = "nothing"
    TAKE = "take"
    GIVE = "give"


def step(free: int, held: bool, is_well: bool, waits: bool) -> Step:
    """
    A server that still works would only use the reserve up, and so would one whose WAL waits for an archive that is
    away.
    """
    if held:
        return Step.GIVE if free < _FULL and not is_well and not waits else Step.NOTHING
    return Step.TAKE if free > _AMPLE else Step.NOTHING


class ReserveWatch:
    """Every loop."""

    def __init__(self, settings: Settings, shared: Shared) -> None:
        self._settings = settings
        self._shared = shared
        self._file = settings.lived_file.with_name("reserve")

    def look(self) -> Mapping[str, Value | None]:
        """Measures nothing."""
        volume = os.statvfs(self._settings.volume)
        verdict = self._shared.verdict.get()
        todo = step(
            free=volume.f_bavail * volume.f_frsize,
            held=self._file.exists(),
            is_well=verdict is not None and verdict.health is Health.WELL,
            waits=self._waits(),
        )
        if todo is Step.TAKE:
            self._take()
        elif todo is Step.GIVE:
            self._file.unlink()
            say("the volume is full: the reserve is given up, so that the server can start")
        return {}

    def _waits(self) -> bool:
        try:
            return waiting(self._settings.data_folder)["wal_ready_count"] != 0
        except FileNotFoundError:
            return False

    def _take(self) -> None:
        self._file.parent.mkdir(exist_ok=True)
        draft = self._file.with_suffix(".draft")
        with draft.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, SIZE)
        draft.rename(self._file)
