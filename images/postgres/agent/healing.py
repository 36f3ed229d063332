"""What to do about a member that has been diverged for long. Choosing is pure; doing goes through Patroni's API."""

from __future__ import annotations

from dataclasses import dataclass

from .cluster import Member
from .patroni import Patroni
from .settings import Timing
from .verdict import Health, Verdict


@dataclass(frozen=True)
class Remedy:
    """One request to the local Patroni."""

    path: str
    body: dict[str, object]
    meaning: str


def remedy_for(
    verdict: Verdict, member: Member | None, writes: bool, attempts: int = 0
) -> Remedy | None:
    """
    The request that heals the member, if one may be made at all.

    :param writes: what Postgres itself says: a server that is not in recovery holds commits which nobody else may have,
        whatever Patroni calls it
    :param attempts: that were made since the member was last well
    """
    if verdict.health not in (Health.DIVERGED, Health.STUCK):
        return None
    if member is None or member.busy or writes:
        return None
    if member.role == "replica" and member.has_leader:
        # Forced, because a start that fails over and over counts as an action in progress.
        if attempts == 0:
            return Remedy("/reinitialize", {"force": True}, "has Patroni make a new copy of the data")
        # The archive may hold a stretch that was given up: a copy from it would be as diverged as the last one.
        body: dict[str, object] = {"force": True, "from_leader": True}
        return Remedy("/reinitialize", body, "has Patroni copy the data from the leader itself")
    if member.role != "standby_leader":
        return None
    if not member.candidates:
        return Remedy("/restart", {}, "has Patroni restart Postgres, for want of another member")
    # Patroni refuses to rebuild who holds the leader key. Handing it over makes both compare timelines and rewind.
    body = {"leader": member.name, "candidate": member.candidates[0]}
    return Remedy("/switchover", body, f"hands the leader key to {member.candidates[0]}")


class Healer:
    """Asks for a remedy when patience is at its end, then ever more rarely."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._attempts = 0
        self._next = 0.0

    @property
    def attempts(self) -> int:
        """Since the member was last well."""
        return self._attempts

    def is_due(self, verdict: Verdict, now: float) -> bool:
        """Whether the member was bad for long enough, and the last attempt is long enough ago."""
        if verdict.health is Health.WELL:
            self._attempts, self._next = 0, 0.0
        return verdict.health.is_bad and now >= max(
            verdict.since + self._timing.patience, self._next
        )

    def attempt(self, remedy: Remedy, patroni: Patroni, now: float) -> str:
        """Makes the request; the sentence it returns says what came of it."""
        pause = self._timing.patience * 3.0 ** min(self._attempts, 8)
        self._attempts += 1
        self._next = now + min(pause, self._timing.longest_pause)
        reply = patroni.post(remedy.path, remedy.body)
        return f"{remedy.meaning}: Patroni answered {reply.status} {reply.text.strip()[:200]}"
