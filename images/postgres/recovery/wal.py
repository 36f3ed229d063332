"""Names of WAL files, timelines, and whether an archive holds every segment between two of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SEGMENT_BYTES = 16 * 2**20
"""As initdb makes it; the image does not change it."""
_PER_LOG = 2**32 // SEGMENT_BYTES
_STORED = re.compile(r"(?:.*/)?([0-9A-F]{24})-[0-9a-f]{40}(?:\.\w+)?$")
_HISTORY = re.compile(r"(?:.*/)?([0-9A-F]{8})\.history$")


@dataclass(frozen=True, order=True)
class Segment:
    """One WAL segment; its number counts from the beginning of the database, on every timeline alike."""

    timeline: int
    number: int

    @property
    def name(self) -> str:
        """As Postgres names the file."""
        log, part = divmod(self.number, _PER_LOG)
        return f"{self.timeline:08X}{log:08X}{part:08X}"


def segment(name: str) -> Segment:
    """The segment of a file name."""
    if not re.fullmatch(r"[0-9A-F]{24}", name):
        raise ValueError(f'not the name of a WAL segment: "{name}"')
    return Segment(int(name[:8], 16), int(name[8:16], 16) * _PER_LOG + int(name[16:], 16))


def parse_lsn(text: str) -> int:
    """Bytes since the beginning, from Postgres's own notation."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def holding(lsn: int) -> int:
    """Number of the segment in which WAL that ends at this position lies."""
    return max(lsn - 1, 0) // SEGMENT_BYTES


@dataclass(frozen=True)
class Switch:
    """A timeline ended here; from the history of a later one."""

    timeline: int
    lsn: int
    reason: str


def parse_history(text: str) -> tuple[Switch, ...]:
    """
    The lines of a timeline's history file, oldest first.

    :raises ValueError: when it is not one
    """
    switches = []
    for line in text.splitlines():
        fields = line.split("\t", 2)
        if not line.strip() or line.startswith("#"):
            continue
        try:
            switches.append(Switch(int(fields[0]), parse_lsn(fields[1]), fields[2]))
        except (IndexError, ValueError):
            raise ValueError(f"not a line of a timeline's history: {line!r}") from None
    if not switches:
        raise ValueError("a timeline's history is empty")
    return tuple(switches)


def includes(history: Iterable[Switch], last: int, timeline: int, lsn: int) -> bool:
    """
    Whether what a timeline held up to a position belongs to another one.

    :param history: of the timeline `last`
    """
    if timeline == last:
        return True
    return any(switch.timeline == timeline and lsn <= switch.lsn for switch in history)


def stored_segments(paths: Iterable[str]) -> dict[Segment, list[str]]:
    """The segments in a listing of a pgBackRest archive, with the paths of each."""
    found: dict[Segment, list[str]] = {}
    for path in paths:
        match = _STORED.match(path)
        if match:
            found.setdefault(segment(match[1]), []).append(path)
    return found


def stored_histories(paths: Iterable[str]) -> set[int]:
    """The timelines whose history files are in a listing."""
    return {int(match[1], 16) for match in map(_HISTORY.match, paths) if match}


@dataclass(frozen=True)
class Chain:
    """The way from a backup to the end of the archive, as Postgres takes it when told to recover to the latest."""

    segments: tuple[Segment, ...]
    """Every segment the way needs, in order, whether it is there or not."""
    missing: tuple[Segment, ...]

    @property
    def end(self) -> Segment:
        """The newest segment."""
        return self.segments[-1]


def chain(
    start: Segment, stored: Iterable[Segment], histories: Mapping[int, tuple[Switch, ...]]
) -> Chain:
    """
    The segments from the start of a backup to the newest of the last timeline that descends from the backup's.

    :param histories: of every timeline in the archive that has a file
    :raises ValueError: when a timeline has segments but no history, so that Postgres would not find the way to it
    """
    have = set(stored)
    newest = {s.timeline for s in have if s.timeline > start.timeline} | {start.timeline}
    for timeline in sorted(newest - {start.timeline}):
        if timeline not in histories:
            raise ValueError(
                f"timeline {timeline} has WAL in the archive, but its history {timeline:08X}.history is missing"
            )
    descendants = [t for t in histories if t > start.timeline and _descends(histories[t], start)]
    last = max(descendants, default=start.timeline)
    way: list[Segment] = []
    number = start.number
    timeline = start.timeline
    for switch in histories.get(last, ()):
        if switch.timeline < timeline or switch.timeline == last:
            continue
        until = switch.lsn // SEGMENT_BYTES
        way += [Segment(switch.timeline, n) for n in range(number, until)]
        number = max(number, until)
    top = max((s.number for s in have if s.timeline == last), default=number - 1)
    way += [Segment(last, n) for n in range(number, top + 1)]
    if not way:
        way = [start]
    return Chain(tuple(way), tuple(s for s in way if s not in have))


def _descends(history: tuple[Switch, ...], start: Segment) -> bool:
    """Whether a timeline left the backup's own after the backup began."""
    return any(
        switch.timeline == start.timeline and switch.lsn // SEGMENT_BYTES >= start.number
        for switch in history
    )
