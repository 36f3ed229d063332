"""
Counts and exports what a restore took away: the rows that an earlier generation of the data has and the restored one has
not. Runs when the restored one serves, while the earlier one still stands, closed to writes.

DATABASE_PORT, DATABASE_NAME, DATABASE_USER, DATABASE_PASSWORD_FILE, PGSSLMODE, PGSSLROOTCERT
OLD_MEMBERS, NEW_MEMBERS
    hosts of both generations' members, separated by spaces
OLD_GENERATION, RESTORED_TO
    for the report
PGBACKREST_CONFIG, REPORTS_FOLDER
    the region's bucket, and who may file reports there: reports/lost-rows/
WAIT_SECONDS
    longest to wait for the earlier generation
"""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import psycopg2
from proof.credentials import bucket_of, report_credentials
from proof.s3 import request
from recovery.earlier import OpenError, UnreachableError, closed

from .compare import Connection, lost, tables

_PART_BYTES = 4 * 2**20

_NEW_LEADER_SECONDS = 10
_OLD_LEADER_SECONDS = 30
"""A failover may be under way. Afterwards who has no leader follows, or is broken."""


def main() -> int:
    """Exit code 0 also where nobody is left to ask: a restore from a broken generation must not wait for it."""
    generation = os.environ["OLD_GENERATION"]
    new = _writer(os.environ["NEW_MEMBERS"].split())
    if new is None:
        # Its copy of the earlier generation follows whatever the other region's database is now.
        _say("this region follows: the one that writes counts")
        return 0
    try:
        old = _earlier(os.environ["OLD_MEMBERS"].split(), float(os.environ["WAIT_SECONDS"]))
    except UnreachableError as reason:
        # What an earlier run reported stays.
        _say(f"WARNING: not counted: generation {generation}: {reason}; its volumes are kept")
        return 0
    except OpenError as reason:
        _say(f"not counted: generation {generation}: {reason}; another run counts")
        return 1
    for connection in (old, new):
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    _export(old, new, generation)
    return 0


def _say(sentence: str) -> None:
    print(f"lost-rows: {sentence}", flush=True)


def _writer(members: list[str]) -> Connection | None:
    """
    The member that leads; None where the region follows.

    :raises psycopg2.OperationalError: when none answers at all
    """
    started = time.monotonic()
    while True:
        try:
            return _connect(members, "primary")
        except psycopg2.OperationalError:
            if time.monotonic() - started >= _NEW_LEADER_SECONDS:
                _connect(members, "any").close()
                return None
            time.sleep(1)


def _earlier(members: list[str], wait: float) -> Connection:
    """
    The earlier generation's leader, or what is left where that is broken, closed to writes.

    :raises UnreachableError: when nobody answers
    :raises OpenError: when somebody still writes
    """
    try:
        return closed(members, lambda: _connect(members, "primary"), _OLD_LEADER_SECONDS, wait)
    except UnreachableError:
        found = closed(members, lambda: _connect(members, "any"), wait, wait)
    _say("WARNING: its leader does not answer: counted is what a follower has of it")
    return found


def _connect(members: list[str], session: str) -> Connection:
    """
    One of them.

    :param session: libpq's target_session_attrs
    """
    return psycopg2.connect(
        host=",".join(members),
        port=os.environ["DATABASE_PORT"],
        dbname=os.environ["DATABASE_NAME"],
        user=os.environ["DATABASE_USER"],
        password=Path(os.environ["DATABASE_PASSWORD_FILE"]).read_text().strip(),
        connect_timeout=3,
        target_session_attrs=session,
    )


def _export(old: Connection, new: Connection, generation: str) -> None:
    bucket = bucket_of(Path(os.environ["PGBACKREST_CONFIG"]))
    credentials = report_credentials(bucket)
    folder = f"reports/lost-rows/generation-{generation}"

    def upload(name: str, body: bytes) -> str:
        key = f"{folder}/{name}"
        request(bucket, credentials, "PUT", key, body)
        return f"s3://{bucket.name}/{key}"

    counts: dict[str, int] = {}
    blind: dict[str, list[str]] = {}
    files: list[str] = []
    known = tables(new)
    for table, columns in tables(old).items():
        if unseen := [column for column in columns if column not in known.get(table, columns)]:
            blind[table] = unseen
        part: list[str] = []
        size = count = number = 0
        name = re.sub(r"[^A-Za-z0-9._-]", "_", table)
        for row in lost(old, new, table, columns, known.get(table, [])):
            part.append(row)
            size += len(row)
            count += 1
            if size >= _PART_BYTES:
                number += 1
                files.append(upload(f"{name}-{number}.jsonl", _lines(part)))
                part, size = [], 0
        if part:
            files.append(upload(f"{name}-{number + 1}.jsonl", _lines(part)))
        counts[table] = count
    summary = {
        "generation": int(generation),
        "restoredTo": os.environ["RESTORED_TO"],
        "lostRows": sum(counts.values()),
        "tables": counts,
        # What was changed in nothing but these is lost as well, and counted nowhere.
        "notCompared": blind,
        "files": files,
    }
    upload("summary.json", json.dumps(summary, indent=2).encode())
    _say(
        f"{summary['lostRows']} rows of generation {generation} are not in the restored data: {json.dumps(counts)}"
    )
    for table, columns in blind.items():
        _say(
            f"WARNING: not compared in {table}: {', '.join(columns)}; the restored data has no such column, so what was"
            " changed there alone is lost uncounted"
        )
    for file in files:
        _say(f"exported to {file}")


def _lines(rows: list[str]) -> bytes:
    return "".join(f"{row}\n" for row in rows).encode()
