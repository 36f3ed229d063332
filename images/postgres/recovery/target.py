"""What a restore may aim at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timezone

from .refusal import RefusalError

_ZONED = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)")
_POINT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True)
class Target:
    """The latest commit when neither is set."""

    time: datetime | None = None
    point: str | None = None

    @property
    def is_latest(self) -> bool:
        """Everything that was committed."""
        return self.time is None and self.point is None

    @property
    def words(self) -> str:
        """For a sentence."""
        if self.time is not None:
            return shown(self.time)
        return f"restore point {self.point}" if self.point is not None else "the latest commit"


def target(kind: str, value: str) -> Target:
    """
    The target of RESTORE_TARGET_KIND and RESTORE_TARGET.

    :raises RefusalError: when it could mean two things, or nothing
    """
    if kind == "latest":
        return Target()
    if kind == "time":
        if not _ZONED.fullmatch(value):
            raise RefusalError(
                f'the time to restore to needs a date, a time and a zone, such as 2026-11-21T09:00:00Z; got "{value}"'
            )
        try:
            return Target(time=datetime.fromisoformat(value).astimezone(UTC))
        except ValueError as error:
            raise RefusalError(f'"{value}" is no time: {error}') from None
    if kind == "point":
        if not _POINT.fullmatch(value):
            raise RefusalError(
                f'"{value}" cannot be a restore point: letters, digits, dots, dashes and underscores, at most 63'
            )
        return Target(point=value)
    raise RefusalError(f'RESTORE_TARGET_KIND must be latest, time or point, got "{kind}"')


def shown(time: datetime) -> str:
    """A time for people and for Postgres alike."""
    return time.astimezone(UTC).isoformat(sep=" ")
