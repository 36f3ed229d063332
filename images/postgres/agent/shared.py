"""What the watches tell one another."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from .cluster import Member
from .verdict import Verdict

T = TypeVar("T")


class Recent(Generic[T]):
    """A value that is forgotten when nobody renews it: no decision rests on what was true a minute ago."""

    def __init__(self, lifetime: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lifetime = lifetime
        self._clock = clock
        self._held: tuple[T, float] | None = None

    def set(self, value: T) -> None:
        """Holds a value from now on."""
        self._held = (value, self._clock())

    def get(self) -> T | None:
        """The value, while it is recent."""
        held = self._held
        if held is None or self._clock() - held[1] > self._lifetime:
            return None
        return held[0]


class Shared:
    """One writer per value, any number of readers."""

    def __init__(self, loop: float) -> None:
        lifetime = 4 * loop
        self.member: Recent[Member] = Recent(lifetime)
        self.in_recovery: Recent[bool] = Recent(lifetime)
        self.verdict: Recent[Verdict] = Recent(lifetime)
        self.upstream_lsn: Recent[int] = Recent(lifetime)

    @property
    def writes(self) -> bool:
        """Whether this member is the writing leader: Patroni and Postgres must both say so."""
        member = self.member.get()
        return member is not None and member.role == "leader" and self.in_recovery.get() is False
