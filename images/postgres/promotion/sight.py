"""Looks at this member and at the other region. What does not answer is None, never an error."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any

import psycopg2

from agent.database import connection, lineage, rows, superuser
from agent.patroni import Patroni
from agent.settings import Address, Settings

from .verdict import Declared, Here, Leader, There

_NO_ANSWER = (OSError, ValueError, KeyError, IndexError, http.client.HTTPException, psycopg2.Error)
_LAST_WRITER = "SELECT region FROM lifeline.heartbeat ORDER BY at DESC LIMIT 1"
_RECEIVES = """
SELECT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming' AND sender_host = %s)
"""


def look_here(settings: Settings) -> Here:
    """
    :raises psycopg2.Error: when this member's Postgres does not answer: then it cannot be promoted either
    """
    seconds = settings.timing.call
    with connection(
        seconds,
        host=settings.socket_folder,
        port=settings.postgres[1],
        user="postgres",
        replication="true",
        application_name="may-promote",
    ) as opened:
        system, timeline, lsn, _ = rows(opened, "IDENTIFY_SYSTEM")[0]
    high, low = lsn.split("/")
    return Here(
        system=str(system),
        timeline=int(timeline),
        lsn=(int(high, 16) << 32) + int(low, 16),
        wrote_last=_last_writer(settings) == settings.region,
        lived_lately=_age(settings) < settings.timing.lately,
        lived=settings.lived_file.exists(),
        receives=_receives(settings),
    )


def look_there(settings: Settings, api: Address) -> There:
    """Asks the leader's Postgres, and whichever member of Patroni answers."""
    patroni = Patroni(api, settings.tls_folder, settings.timing.call)
    members = _members(patroni)
    return There(
        leader=_leader(settings),
        declared=_declared(patroni),
        lock_holder_runs=None
        if members is None
        else any(_holds_and_runs(member) for member in members),
        timeline=max((_timeline(member) for member in members or ()), default=0),
    )


def is_declared_follower(settings: Settings) -> bool:
    """Whether this region's own order to write was taken back meanwhile."""
    own = Patroni(settings.patroni, settings.tls_folder, settings.timing.call)
    return _declared(own) is Declared.FOLLOWER


def _last_writer(settings: Settings) -> str | None:
    try:
        with superuser(settings, settings.database) as opened:
            return str(rows(opened, _LAST_WRITER)[0][0])
    except _NO_ANSWER:
        return None


def _receives(settings: Settings) -> bool:
    """From the other region; a member that follows another of its own region learns nothing by it."""
    with superuser(settings) as opened:
        return bool(rows(opened, _RECEIVES, settings.peer_postgres[0])[0][0])


def _age(settings: Settings) -> float:
    try:
        # Either way: a clock that was set back must not keep an old file young.
        return abs(time.time() - settings.alive_file.stat().st_mtime)
    except OSError:
        return float("inf")


def _leader(settings: Settings) -> Leader | None:
    try:
        found = lineage(settings, settings.peer_postgres)
    except _NO_ANSWER:
        return None
    return Leader(found.system, found.timeline, found.lsn, found.in_recovery)


def _declared(patroni: Patroni) -> Declared | None:
    try:
        config = _json(patroni, "/config")
        return Declared.FOLLOWER if config.get("standby_cluster") else Declared.WRITER
    except _NO_ANSWER:
        return None


def _members(patroni: Patroni) -> list[dict[str, Any]] | None:
    try:
        return list(_json(patroni, "/cluster")["members"])
    except _NO_ANSWER:
        return None


def _json(patroni: Patroni, path: str) -> dict[str, Any]:
    reply = patroni.get(path)
    if reply.status != 200:
        raise ValueError(f"{path} answered {reply.status}")
    found = json.loads(reply.text)
    if not isinstance(found, dict):
        raise ValueError(f"{path} answered no object")
    return found


def _holds_and_runs(member: dict[str, Any]) -> bool:
    """A follower's state would be "streaming" or "in archive recovery", whatever the region is declared to be."""
    return member.get("role") in ("leader", "standby_leader") and member.get("state") == "running"


def _timeline(member: dict[str, Any]) -> int:
    timeline = member.get("timeline")
    return timeline if isinstance(timeline, int) else 0
