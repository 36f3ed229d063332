"""Timelines and positions: is one server's past a part of another's? Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class Switch:
    """Where a timeline was left for the next one."""

    timeline: int
    lsn: int


@dataclass(frozen=True)
class Lineage:
    """Where a server is, and by which timelines it came there."""

    system: str
    timeline: int
    lsn: int
    """Replayed position in recovery, written position otherwise."""
    in_recovery: bool
    history: tuple[Switch, ...] | None
    """Oldest first, without the present timeline; None when the server does not have the file."""


class Relation(Enum):
    """What a server is to the one it should follow."""

    ANCESTOR = "ancestor"
    """Can follow: everything it has is part of the upstream's past."""
    DIVERGED = "diverged"
    """Holds something that the upstream never had."""
    FOREIGN = "foreign"
    """Another database altogether."""
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Judgement:
    """A relation, and the sentence that explains it."""

    relation: Relation
    reason: str


_LSN = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")


def parse_lsn(text: str) -> int:
    """:raises ValueError: when the text is not a position such as 16/B374D848"""
    match = _LSN.fullmatch(text)
    if match is None:
        raise ValueError(f'not a WAL position: "{text}"')
    return (int(match[1], 16) << 32) + int(match[2], 16)


def format_lsn(lsn: int) -> str:
    """A position as Postgres writes it."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def parse_history(text: str) -> tuple[Switch, ...]:
    """
    Reads a timeline history file.

    :raises ValueError: when a line cannot be read or timelines do not ascend; Postgres refuses such a file too
    """
    switches: list[Switch] = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words = line.split()
        if len(words) < 2 or not words[0].isdecimal():
            raise ValueError(f'not a line of a timeline history: "{line}"')
        switch = Switch(int(words[0]), parse_lsn(words[1]))
        if switches and switch.timeline <= switches[-1].timeline:
            raise ValueError(f"timeline {switch.timeline} comes after {switches[-1].timeline}")
        switches.append(switch)
    return tuple(switches)


def judge(own: Lineage, upstream: Lineage) -> Judgement:
    """
    Whether `own` can follow `upstream`. Take `own` first: what it streams in between would seem to be unknown
    upstream. A server that writes is the truth; one that follows may only be behind.
    """
    if own.system != upstream.system:
        return Judgement(
            Relation.FOREIGN,
            f"system identifier {own.system} is not the upstream's, {upstream.system}",
        )
    if own.timeline > upstream.timeline and upstream.in_recovery:
        return Judgement(
            Relation.UNKNOWN,
            f"timeline {own.timeline} is newer than that of the upstream, which follows too",
        )
    if own.timeline > upstream.timeline:
        return Judgement(
            Relation.DIVERGED,
            f"timeline {own.timeline} is newer than {upstream.timeline}, on which the upstream writes",
        )
    here = f"timeline {own.timeline} at {format_lsn(own.lsn)}"
    if own.timeline == upstream.timeline:
        if own.lsn > upstream.lsn and not upstream.in_recovery:
            there = format_lsn(upstream.lsn)
            return Judgement(Relation.DIVERGED, f"{here} is ahead of the upstream at {there}")
        return _same_way(own, upstream, f"{here} is the upstream's timeline")
    if upstream.history is None:
        return Judgement(
            Relation.UNKNOWN, f"the upstream has no history of its timeline {upstream.timeline}"
        )
    end = {switch.timeline: switch.lsn for switch in upstream.history}.get(own.timeline)
    if end is None:
        return Judgement(
            Relation.DIVERGED,
            f"timeline {own.timeline} is not in the upstream's history of {upstream.timeline}",
        )
    if own.lsn > end:
        return Judgement(Relation.DIVERGED, f"{here} is past {format_lsn(end)}, where it was left")
    return _same_way(own, upstream, f"{here} is before {format_lsn(end)}, where it was left")


def _same_way(own: Lineage, upstream: Lineage, reason: str) -> Judgement:
    """Two servers promoted apart may both call the result timeline 6: only the way there tells them apart."""
    mine = _way_to(own.timeline, own.history)
    theirs = _way_to(own.timeline, upstream.history)
    if not mine or not theirs:
        return Judgement(Relation.ANCESTOR, reason)
    # A history may begin late, where an older file was missing at a promotion.
    start = max(min(mine), min(theirs))
    for timeline in sorted(mine.keys() | theirs.keys()):
        if timeline >= start and mine.get(timeline) != theirs.get(timeline):
            left, other = _at(mine.get(timeline)), _at(theirs.get(timeline))
            return Judgement(
                Relation.DIVERGED, f"left timeline {timeline} {left}, the upstream {other}"
            )
    return Judgement(Relation.ANCESTOR, reason)


def _way_to(timeline: int, history: tuple[Switch, ...] | None) -> dict[int, int]:
    return {s.timeline: s.lsn for s in history or () if s.timeline < timeline}


def _at(lsn: int | None) -> str:
    return "never" if lsn is None else f"at {format_lsn(lsn)}"
