"""Is the member well? One look at a time, remembered from look to look. No clock, no server: only judgement."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum

from .settings import Timing
from .timeline import Judgement, Lineage, Relation, format_lsn, judge


class Health(Enum):
    """What the agent thinks of the member."""

    WELL = "well"
    UNKNOWN = "unknown"
    DIVERGED = "diverged"
    STUCK = "stuck"
    FOREIGN = "foreign"
    """Another database than the upstream's: a mistake of configuration, nothing that may be healed by deleting."""

    @property
    def is_bad(self) -> bool:
        """Whether the member must not be used."""
        return self in (Health.DIVERGED, Health.STUCK, Health.FOREIGN)


@dataclass(frozen=True)
class Verdict:
    """A judgement with its reason, since when."""

    health: Health
    reason: str
    since: float


@dataclass(frozen=True)
class Look:
    """One look at the member and at the server it should follow."""

    writes: bool
    """Holds the leader key of the writing region: nobody is above it."""
    busy: bool
    """Patroni is making a new copy of the data, or stopping or starting the server on purpose."""
    starting: bool
    streaming: bool
    own: Lineage | None
    """None while the server does not answer."""
    upstream: Lineage | None
    """None while it is not reachable, not known, or not to be believed."""
    written: Hashable
    """Positions in its control file; they move when a server that does not answer replays WAL."""


class Tracker:
    """Turns looks into verdicts. A fork counts when seen twice in a row, standing still when it lasts."""

    def __init__(self, timing: Timing, now: float) -> None:
        self._timing = timing
        self._verdict = Verdict(Health.UNKNOWN, "not looked yet", now)
        self._position: Hashable = None
        self._written: Hashable = None
        self._still_since = now
        self._suspected = False

    @property
    def verdict(self) -> Verdict:
        """The latest verdict."""
        return self._verdict

    def observe(self, look: Look, now: float) -> Verdict:
        """Judges one look. What cannot be judged leaves a bad verdict standing."""
        moved = self._moves(look, now)
        if look.writes:
            return self._say(Health.WELL, "it is the leader", now)
        if look.upstream is None or look.busy:
            self._still_since = now
            self._suspected = False
            reason = "a new copy is being made" if look.busy else "its upstream does not answer"
            return self._undecided(reason, now)
        judgement = self._judge(look)
        if judgement.relation in (Relation.DIVERGED, Relation.FOREIGN):
            return self._suspect(judgement, now)
        self._suspected = False
        if look.streaming or moved or _caught_up(look):
            self._still_since = now
            if judgement.relation is Relation.UNKNOWN:
                return self._undecided(judgement.reason, now)
            return self._say(Health.WELL, judgement.reason, now)
        return self._stands_still(look, now)

    def _judge(self, look: Look) -> Judgement:
        if look.own is None or look.upstream is None:
            return Judgement(Relation.UNKNOWN, "the server does not answer")
        return judge(look.own, look.upstream)

    def _moves(self, look: Look, now: float) -> bool:
        """Whether the member came further since it was last seen in this state; going down and up is no progress."""
        if look.own is None:
            moved = look.written != self._written
            self._written = look.written
        else:
            position = (look.own.timeline, look.own.lsn)
            moved = position != self._position
            self._position = position
        if moved:
            self._still_since = now
        return moved

    def _suspect(self, judgement: Judgement, now: float) -> Verdict:
        """Timeline and position are not read in one step: a single look may mix before and after."""
        if not self._suspected:
            self._suspected = True
            return self._undecided(judgement.reason, now)
        foreign = judgement.relation is Relation.FOREIGN
        return self._say(Health.FOREIGN if foreign else Health.DIVERGED, judgement.reason, now)

    def _stands_still(self, look: Look, now: float) -> Verdict:
        # A start may replay much from the disk before it writes down how far it came.
        limit = self._timing.stuck * (10 if look.starting else 1)
        still = now - self._still_since
        reason = f"no progress for {still:.0f} s although the upstream answers"
        if look.own is not None:
            reason += f": timeline {look.own.timeline} at {format_lsn(look.own.lsn)}"
        if still < limit:
            return self._undecided(reason, now)
        return self._say(Health.STUCK, reason, now)

    def _undecided(self, reason: str, now: float) -> Verdict:
        if self._verdict.health.is_bad:
            return self._verdict
        return self._say(Health.UNKNOWN, reason, now)

    def _say(self, health: Health, reason: str, now: float) -> Verdict:
        before = self._verdict
        stays = health is before.health or (health.is_bad and before.health.is_bad)
        self._verdict = Verdict(health, reason, before.since if stays else now)
        return self._verdict


def _caught_up(look: Look) -> bool:
    own, upstream = look.own, look.upstream
    if own is None or upstream is None:
        return False
    return own.timeline == upstream.timeline and own.lsn >= upstream.lsn
