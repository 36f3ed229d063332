"""Compares this member's past with that of the server it follows, and tells the pod when they have parted."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Hashable, Mapping

import psycopg2

from .cluster import Member
from .command import CommandError, must
from .database import lineage, rows, superuser
from .metrics import Value
from .settings import Address, Settings
from .shared import Shared
from .timeline import Lineage, parse_lsn
from .verdict import Health, Look, Tracker, Verdict
from .watch import say

_POSITIONS = re.compile(
    r"^(?:Latest checkpoint location|Minimum recovery ending location|Min recovery.*): *(.*)$", re.M
)


class LineageWatch:
    """Every loop."""

    def __init__(self, settings: Settings, shared: Shared) -> None:
        self._settings = settings
        self._shared = shared
        self._tracker = Tracker(settings.timing, time.monotonic())

    def look(self) -> Mapping[str, Value | None]:
        """Own side first, then the upstream's: what arrives in between must not look unknown there."""
        member = self._shared.member.get()
        own, streaming = self._own()
        address = self._upstream_of(member)
        upstream = self._asked(address)
        if upstream is not None:
            self._shared.upstream_lsn.set(upstream.lsn)
        before = self._tracker.verdict
        verdict = self._tracker.observe(
            Look(
                writes=member is not None
                and member.role == "leader"
                and own is not None
                and not own.in_recovery,
                busy=member is None or member.busy,
                starting=member is not None and member.starting,
                streaming=streaming,
                own=own,
                upstream=_believed(member, upstream),
                written=self._written() if own is None else None,
            ),
            time.monotonic(),
        )
        self._shared.verdict.set(verdict)
        self._tell(before, verdict)
        return {
            "timeline": None if own is None else own.timeline,
            "upstream_reachable": None if address is None else float(upstream is not None),
            "replay_lag_bytes": _behind(own, upstream),
            "diverged": float(self._settings.diverged_file.exists()),
        }

    def _own(self) -> tuple[Lineage | None, bool]:
        """
        Position first, then the timeline: the other way round a switch in between would put a new position on the
        old timeline, which looks like a fork.
        """
        try:
            with superuser(self._settings) as opened:
                replayed, receiver = rows(
                    opened,
                    "SELECT pg_last_wal_replay_lsn()::text, (SELECT status FROM pg_stat_wal_receiver)",
                )[0]
            own = lineage(self._settings, self._settings.postgres)
        except psycopg2.Error:
            return None, False
        if own.in_recovery and replayed is not None:
            own = dataclasses.replace(own, lsn=parse_lsn(replayed))
        return own, own.in_recovery and receiver == "streaming"

    def _upstream_of(self, member: Member | None) -> Address | None:
        if member is None:
            return None
        return self._settings.peer_postgres if member.role == "standby_leader" else member.leader

    def _asked(self, address: Address | None) -> Lineage | None:
        if address is None:
            return None
        try:
            return lineage(self._settings, address)
        except (OSError, psycopg2.Error):
            return None

    def _written(self) -> Hashable:
        """Positions in the control file, which move while a server that does not answer yet replays WAL."""
        try:
            text = must(["pg_controldata", "-D", str(self._settings.data_folder)], 3)
        except (CommandError, OSError):
            return None
        return tuple(_POSITIONS.findall(text))

    def _tell(self, before: Verdict, verdict: Verdict) -> None:
        file = self._settings.diverged_file
        if verdict.health.is_bad:
            file.write_text(f"{verdict.health.value}: {verdict.reason}\n")
        elif verdict.health is Health.WELL:
            file.unlink(missing_ok=True)
        if verdict.health is not before.health and (verdict.health.is_bad or before.health.is_bad):
            say(f"the member is {verdict.health.value}: {verdict.reason}")


def _believed(member: Member | None, upstream: Lineage | None) -> Lineage | None:
    """Of two regions that both follow, neither is the truth about the other."""
    if member is not None and upstream is not None and member.role == "standby_leader":
        return None if upstream.in_recovery else upstream
    return upstream


def _behind(own: Lineage | None, upstream: Lineage | None) -> float | None:
    if own is None or upstream is None or not own.in_recovery:
        return None
    return max(0.0, float(upstream.lsn - own.lsn))
