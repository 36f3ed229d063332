"""
Sees to it that the last commit of the generation before is in the archive when a restore asks for the latest: until its
segment is full, or a minute old, nobody archives it.

PEER_POSTGRES  host:port of the other region's leader, for a restore from there
and what earlier.py needs
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import psycopg2

from .earlier import Connection, Members, OpenError, UnreachableError, closed, connect
from .refusal import RefusalError
from .restore import End
from .wal import parse_lsn, segment

ANSWER_SECONDS = 60
"""Longest to wait for a generation that may be the reason for the restore."""
CLOSING_SECONDS = 300
"""Longest to wait for what is still written in it."""
ARCHIVE_SECONDS = 180
"""Longest to wait for its last segment: an archiver that was away tries again every minute."""


def archive_the_end(
    environment: Mapping[str, str], region: str, say: Callable[[str], None]
) -> End | None:
    """
    Returns when the archive of `region` has all that was committed, with the end of it; or with None when there is
    nobody who could bring it there.

    :raises RefusalError: when the generation before answers, and its last commits do not come into the archive
    """
    members = Members(environment)
    if not members.hosts:
        return None
    try:
        # Only the one that was written to knows where the end is.
        leader = closed(
            members.hosts, lambda: members.connect("primary"), ANSWER_SECONDS, CLOSING_SECONDS
        )
    except UnreachableError as reason:
        say(f"WARNING: what the generation before had not archived is not restored: {reason}")
        return None
    except OpenError as reason:
        raise RefusalError(
            f"the generation before has not come to its end: {reason}; end what writes there, or restore to a time"
        ) from None
    # Closed is what sessions begin with; this one may write its mark.
    leader.set_session(readonly=False, autocommit=True)
    with leader.cursor() as cursor:
        cursor.execute(
            "SELECT lsn, wal FROM lifeline.create_restore_point(%s)",
            [f"end-of-generation-{time.time_ns()}"],
        )
        lsn, wal = map(str, cursor.fetchone())
    _wait(leader if region == environment["REGION"] else _peer(environment, region), wal, region)
    say(f"the generation before is in the archive to its end, which is in {wal}")
    return End(segment(wal).timeline, parse_lsn(lsn))


def _peer(environment: Mapping[str, str], region: str) -> Connection:
    host, _, port = environment["PEER_POSTGRES"].rpartition(":")
    try:
        return connect(environment, host, port, "any")
    except psycopg2.OperationalError as error:
        raise RefusalError(
            f"whether the archive of {region} has all of the generation before cannot be seen: {str(error).strip()}; "
            "restore from this region's own archive, or to a time"
        ) from None


def _wait(archiver: Connection, wal: str, region: str) -> None:
    deadline = time.monotonic() + ARCHIVE_SECONDS
    archiver.set_session(autocommit=True)
    while True:
        with archiver.cursor() as cursor:
            cursor.execute("SELECT lifeline.archived(%s)", [wal])
            if cursor.fetchone()[0]:
                return
        if time.monotonic() >= deadline:
            raise RefusalError(
                f"{wal}, the end of the generation before, is not in the archive of {region} after {ARCHIVE_SECONDS} s; "
                "mend the archive, or restore to a time"
            )
        time.sleep(1)
