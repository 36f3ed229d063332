"""
The rules by which a region may write. Pure functions over what was seen.

Both regions may ask at the same moment, each about the other, with either configuration: at most one may be allowed.
Timelines decide first, as whoever wrote last has the highest; then who wrote last on the common one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class Here:
    """This member."""

    system: str
    timeline: int
    lsn: int
    """Received or replayed, whichever is further."""
    wrote_last: bool
    """The newest heartbeat is this region's: a failover within the region, not a move."""
    lived_lately: bool
    """Postgres ran in this very pod as a sound member within the last minutes: it did not start cold."""
    lived: bool
    """The volume belonged to a sound member once: its data is not a mere copy from the archive."""
    receives: bool
    """The other region's leader sends WAL to this very member."""


@dataclass(frozen=True)
class Leader:
    """The other region's leader, as its Postgres itself says."""

    system: str
    timeline: int
    lsn: int
    in_recovery: bool


class Declared(Enum):
    """What the other region is told to be."""

    WRITER = "writer"
    FOLLOWER = "follower"


@dataclass(frozen=True)
class There:
    """The other region, as far as it answered."""

    leader: Leader | None
    declared: Declared | None
    lock_holder_runs: bool | None
    """Patroni has a leader whose Postgres runs and receives nothing: most likely it writes."""
    timeline: int
    """The highest that any member reports; 0 when none does."""

    @property
    def is_reachable(self) -> bool:
        """Something of it answered."""
        return (
            self.leader is not None
            or self.declared is not None
            or self.lock_holder_runs is not None
        )


class Answer(Enum):
    """May this member be promoted?"""

    ALLOW = "allow"
    WAIT = "wait"
    """Not now; the end of all patience makes it a refusal."""
    ALLOW_IN_THE_END = "allow in the end"
    """Not now; the end of all patience makes it an allowance, when no WAL arrives any more."""
    RECEIVE = "receive"
    """Not now, and patience begins anew: a refusal would end the connection by which the rest arrives."""


@dataclass(frozen=True)
class Verdict:
    """An answer, and the sentence that explains it."""

    answer: Answer
    reason: str


def judge(here: Here, there: There) -> Verdict:
    """The other region answers: is anything in the way?"""
    leader = there.leader
    if leader is not None and not leader.in_recovery:
        return Verdict(Answer.WAIT, "the other region's leader accepts writes")
    if leader is None and there.lock_holder_runs:
        return Verdict(
            Answer.WAIT, "the other region's leader runs, and does not say that it follows"
        )
    if leader is not None and leader.system != here.system:
        return Verdict(Answer.WAIT, "the other region holds another database cluster")
    timeline = max(there.timeline, leader.timeline if leader is not None else 0)
    if timeline > here.timeline:
        return Verdict(
            Answer.WAIT,
            f"the other region has gone on without this one: timeline {timeline} there, {here.timeline} here",
        )
    return _failover(here, there) if here.wrote_last else _move(here, there, timeline)


def _failover(here: Here, there: There) -> Verdict:
    """This region wrote last, as far as it knows: the other one may have gone on since."""
    leader = there.leader
    if leader is not None:
        if not here.lived and leader.timeline == here.timeline and here.lsn < leader.lsn:
            # Of what a member of this region lacks, nothing was acknowledged; a copy from the archive was never one.
            return Verdict(
                Answer.WAIT,
                f"this is a copy from the archive, and the other region has {leader.lsn - here.lsn} bytes more: move the"
                " write role there (lifeline:activeRegion), by which nothing is lost",
            )
        if there.declared is Declared.WRITER:
            # It may be on its way up. One that still follows in the end is held back by its own guard.
            return Verdict(
                Answer.ALLOW_IN_THE_END, "the other region follows, and is declared to write"
            )
        return Verdict(Answer.ALLOW, "this region wrote last, and nobody writes in the other one")
    if there.declared is not Declared.FOLLOWER:
        return Verdict(
            Answer.WAIT, "the other region's leader cannot be asked, and is not declared a follower"
        )
    if there.timeline == 0:
        return _unasked(here)
    return Verdict(Answer.ALLOW, "this region wrote last, and the other one came no further")


def _move(here: Here, there: There, timeline: int) -> Verdict:
    leader = there.leader
    if there.declared is not Declared.FOLLOWER:
        return Verdict(Answer.WAIT, "the other region wrote last, and is not declared a follower")
    if leader is None:
        return _unasked(here)
    if timeline == here.timeline and here.lsn < leader.lsn:
        return Verdict(
            Answer.RECEIVE if here.receives else Answer.WAIT,
            f"{leader.lsn - here.lsn} bytes of the other region have not arrived yet",
        )
    return Verdict(Answer.ALLOW, "the other region follows, and all it has is here")


def _unasked(here: Here) -> Verdict:
    """The other region is a follower by its declaration; where its leader stands, nobody says."""
    if here.receives:
        return Verdict(
            Answer.RECEIVE, "the other region's leader takes no question, and still sends"
        )
    return Verdict(Answer.ALLOW_IN_THE_END, "nobody in the other region says how far it came")


def judge_alone(here: Here, promote_alone: bool) -> Verdict:
    """The other region does not answer. What is lost cannot be told from what is cut off."""
    if here.receives:
        return Verdict(Answer.RECEIVE, "the other region does not answer, and still sends")
    if here.lived_lately:
        return Verdict(
            Answer.ALLOW, "the other region does not answer; this member was there all along"
        )
    if promote_alone:
        return Verdict(Answer.ALLOW, "the other region does not answer, and is declared lost")
    return Verdict(
        Answer.WAIT,
        "the other region does not answer, and may have gone on without this one while it was away: connect the"
        " regions, or, when the other one is certainly not writing, set postgres.promoteAlone to true",
    )
