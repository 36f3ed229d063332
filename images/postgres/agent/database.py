"""Calls to Postgres that end in time, even when the server is frozen or a link swallows everything."""

from __future__ import annotations

import re
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import psycopg2.extensions

from .settings import Settings
from .timeline import Lineage, Switch, parse_history, parse_lsn

_call = threading.local()


def _wait(connection: Any) -> None:
    """Waits for libpq as select does, but never past the deadline of this thread's call."""
    while True:
        state = connection.poll()
        if state == psycopg2.extensions.POLL_OK:
            return
        left = _call.until - time.monotonic()
        reads = [connection] if state == psycopg2.extensions.POLL_READ else []
        writes = [connection] if state == psycopg2.extensions.POLL_WRITE else []
        if left <= 0 or not any(select.select(reads, writes, [], left)):
            raise psycopg2.OperationalError("no answer in time")


psycopg2.extensions.set_wait_callback(_wait)


@contextmanager
def connection(seconds: float, **parameters: Any) -> Iterator[Any]:
    """A connection for one call; the limit covers connecting and all queries together."""
    _call.until = time.monotonic() + seconds
    opened = psycopg2.connect(**parameters)
    try:
        opened.autocommit = True
        yield opened
    finally:
        opened.close()


@contextmanager
def superuser(settings: Settings, database: str = "postgres") -> Iterator[Any]:
    """The local server through its socket, where the pod's user is the superuser."""
    seconds = settings.timing.call
    with connection(
        seconds,
        host=settings.socket_folder,
        port=settings.postgres[1],
        user="postgres",
        dbname=database,
        application_name="lifeline-agent",
        options=f"-c statement_timeout={int(seconds * 1000)} -c lock_timeout=1000",
    ) as opened:
        yield opened


def rows(opened: Any, sql: str, *arguments: object) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    with opened.cursor() as cursor:
        cursor.execute(sql, arguments or None)
        return list(cursor.fetchall()) if cursor.description is not None else []


def lineage(settings: Settings, address: tuple[str, int]) -> Lineage:
    """
    Where a server is, asked in the replication protocol as the replicator: what this needs is what streaming needs.
    """
    host, port = address
    # libpq would look the name up while it holds Python's lock.
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
    folder = settings.tls_folder
    with connection(
        settings.timing.call,
        host=host,
        hostaddr=found,
        port=port,
        user=f"replicator_{settings.generation}",
        replication="true",
        application_name="lifeline-agent",
        sslmode="verify-full",
        sslcert=str(folder / "tls.crt"),
        sslkey=str(folder / "tls.key"),
        sslrootcert=str(folder / "ca.crt"),
        gssencmode="disable",
    ) as opened:
        system, timeline, lsn, _ = rows(opened, "IDENTIFY_SYSTEM")[0]
        in_recovery = opened.info.parameter_status("in_hot_standby") == "on"
        return Lineage(
            system=str(system),
            timeline=int(timeline),
            lsn=parse_lsn(lsn),
            in_recovery=in_recovery,
            history=_history(opened, int(timeline)),
        )


def _history(opened: Any, timeline: int) -> tuple[Switch, ...] | None:
    """A server lacks the file of its own timeline when it was copied and has not met a switch since."""
    if timeline == 1:
        return ()
    try:
        _, content = rows(opened, f"TIMELINE_HISTORY {timeline}")[0]
    except psycopg2.errors.UndefinedFile:
        return None
    text = content if isinstance(content, str) else bytes(content).decode()
    return parse_history(_from_bytea(text))


def _from_bytea(text: str) -> str:
    r"""A bytea without a type comes as `\x` and hexadecimal digits."""
    match = re.fullmatch(r"\\x((?:[0-9a-f]{2})*)", text)
    return bytes.fromhex(match[1]).decode() if match else text
