"""
The generation of the data before the one that is made: it is still there to be asked.

EARLIER_MEMBERS  host:port of those that it may have, separated by spaces; unset where it is not the one before
POSTGRES_DB, POSTGRES_USER, POSTGRES_PASSWORD_FILE, TLS_FOLDER
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg2

Connection = Any

# What began before the closing may still write, with or without having done so.
_CLOSED = """
SELECT current_setting('default_transaction_read_only') = 'on'
   AND NOT EXISTS (
     SELECT FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
       AND (backend_xid IS NOT NULL OR xact_start < pg_conf_load_time())
   )
"""


class UnreachableError(Exception):
    """There is nobody to ask, or nobody answers."""


class OpenError(Exception):
    """It answers, and is still written to."""


class Members:
    """Where its servers may be."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        named = [it.rpartition(":") for it in environment.get("EARLIER_MEMBERS", "").split()]
        self.hosts = [host for host, _, _ in named]
        self._ports = [port for _, _, port in named]
        self._environment = environment

    def connect(self, session: str) -> Connection:
        """
        A session with one of them.

        :param session: libpq's target_session_attrs
        """
        return connect(self._environment, ",".join(self.hosts), ",".join(self._ports), session)


def connect(environment: Mapping[str, str], host: str, port: str, session: str) -> Connection:
    """A session as the application's role."""
    return psycopg2.connect(
        host=host,
        port=port,
        target_session_attrs=session,
        dbname=environment["POSTGRES_DB"],
        user=environment["POSTGRES_USER"],
        password=Path(environment["POSTGRES_PASSWORD_FILE"]).read_text().strip(),
        connect_timeout=3,
        sslmode="verify-full",
        sslrootcert=f"{environment['TLS_FOLDER']}/ca.crt",
    )


def closed(
    members: list[str], connected: Callable[[], Connection], answer_seconds: float, seconds: float
) -> Connection:
    """
    A session with the earlier generation when all that was ever written to it is there.

    :param answer_seconds: longest to wait for somebody who answers
    :param seconds: longest to wait for the end of what is under way
    :raises UnreachableError: when nobody answers
    :raises OpenError: when somebody does, and it is not closed by then
    """
    started = time.monotonic()
    reason: Exception = UnreachableError("it does not answer")
    while True:
        if not any(map(_has_address, members)):
            reason = UnreachableError("it has no member any more")
        else:
            try:
                connection = connected()
                with connection.cursor() as cursor:
                    cursor.execute(_CLOSED)
                    if cursor.fetchone()[0]:
                        connection.rollback()
                        return connection
                connection.close()
                reason = OpenError("it still accepts writes, or one is under way")
            except psycopg2.OperationalError as error:
                reason = UnreachableError(str(error).strip())
        limit = seconds if isinstance(reason, OpenError) else answer_seconds
        if time.monotonic() - started >= limit:
            raise reason
        time.sleep(1)


def _has_address(member: str) -> bool:
    try:
        socket.getaddrinfo(member, None)
    except socket.gaierror:
        return False
    return True
