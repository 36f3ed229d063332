"""
Proves every week that the region's own archive brings the database back: with credentials that can only read, on a
server that cannot archive, judged by what the living database says it had archived.

PGDATA             folder to restore into; its content is thrown away
REGION, GENERATION, POSTGRES_DB, PGBACKREST_CONFIG
PGBACKREST_CONFIG_INCLUDE_PATH      of the credentials that may only read
REPORTS_FOLDER     access-key and secret-key that may file the report; without them the pod's own role is asked for
MAX_RPO_SECONDS    red when more would have been lost
DATABASE_HOST, DATABASE_PORT, DATABASE_NAME, DATABASE_USER, DATABASE_PASSWORD_FILE, PGSSLMODE, PGSSLROOTCERT
                   of the living database
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from recovery.archive import Archive, contents
from recovery.backups import backups_of
from recovery.manifest import check
from recovery.refusal import RefusalError
from recovery.restore import fetch, plan, recover
from recovery.server import PrivateServer
from recovery.target import Target, shown
from recovery.wal import Segment, parse_lsn

from .checks import (
    check_constraints,
    check_dump,
    check_indexes,
    check_listing,
    check_pages,
    check_repository,
)
from .ledger import Beat, Ledger, take_ledger
from .report import Report, Stopped

_RIPENING_SECONDS = 240
"""Longer than a heartbeat and a segment take on their way, so that the later rungs judge what is wrong."""
_REQUIRED = ["PGDATA", "REGION", "GENERATION", "POSTGRES_DB", "PGBACKREST_CONFIG", "REPORTS_FOLDER"]
_REQUIRED += ["PGBACKREST_CONFIG_INCLUDE_PATH", "MAX_RPO_SECONDS", "DATABASE_HOST"]


def main() -> int:
    """0 when green, 1 when red or when the report could not be filed, 2 when it was not told enough."""
    missing = [name for name in _REQUIRED if not os.environ.get(name)]
    if missing:
        print(f"restore-proof: {', '.join(missing)} must be set", file=sys.stderr)
        return 2
    report = Report(os.environ["REGION"], int(os.environ["GENERATION"]))
    data = Path(os.environ["PGDATA"])
    try:
        signal.signal(signal.SIGTERM, _stopped)
        _climb(report, data)
        report.green = True
    except (Exception, Stopped) as error:
        report.ended_by(error)
    finally:
        # From here on it takes less than the time that a pod gets to end.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        return _file(report)
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _stopped(_signal: int, _frame: object) -> NoReturn:
    raise Stopped("it was stopped from outside, as its deadline does")


def _file(report: Report) -> int:
    report.finish()
    print(f"restore-proof: {'green' if report.green else f'RED: {report.reason}'}", flush=True)
    try:
        print(f"restore-proof: report in {report.upload()}", flush=True)
    except Exception as error:
        print(f"restore-proof: the report could not be filed: {error}", file=sys.stderr)
        return 1
    return 0 if report.green else 1


def _climb(report: Report, data: Path) -> None:
    archive = Archive.own(os.environ)
    latest = Target()
    with report.phase("ledger") as phase:
        ledger = _ripe_ledger(archive)
        archived = "nothing" if ledger.archived is None else ledger.archived.name
        phase.detail = f"last archived {archived}, last heartbeat {shown(ledger.newest_heartbeat)}"
    with report.phase("listing") as phase:
        found = contents(archive)
        planned = plan(found, latest)
        wal = check_listing(found, planned.chain, ledger)
        phase.detail = f"{wal}; {check(archive, planned.base)} files of {planned.base.label}"
    with report.phase("restore") as phase:
        fetch(found, planned.base, data)
        phase.detail = f"{planned.base.size_bytes} bytes"
    beats: list[Beat] = []
    with report.phase("recovery") as phase:
        recover(found, planned, latest, data, lambda server: beats.extend(_beats(server)))
        phase.detail = _compare(report, ledger, beats, planned.chain.end)
    report.rto_seconds = round(sum(p.seconds for p in report.phases[-2:]), 3)
    with report.phase("pages") as phase:
        phase.detail = check_pages(data)
    steps: dict[str, Callable[[PrivateServer], str]] = {
        "indexes": check_indexes,
        "dump": check_dump,
        "constraints": check_constraints,
    }
    with PrivateServer(data, {}) as server:
        server.wait()
        for name, step in steps.items():
            with report.phase(name) as phase:
                phase.detail = step(server)
    with report.phase("point-in-time") as phase:
        # What came into the archive since the listing was restored too.
        found = contents(archive)
        before, after = _between([at for at, _ in beats], found.backups[0].stop)
        aim = Target(time=before + (after - before) / 2)
        earlier = plan(found, aim)
        fetch(found, earlier.base, data)
        beats.clear()
        recover(found, earlier, aim, data, lambda server: beats.extend(_beats(server)))
        if [at for at, _ in beats[:1]] != [before]:
            last = shown(beats[0][0]) if beats else "none"
            raise RefusalError(
                f"restored to {aim.words}, but the last heartbeat is {last}, not {shown(before)}"
            )
        phase.detail = f"{aim.words}: everything before, nothing after"
    with report.phase("repository") as phase:
        phase.detail = check_repository(archive)


def _ripe_ledger(archive: Archive) -> Ledger:
    """
    The archive of a generation that was just made has no two heartbeats to aim between yet: they come within minutes. An
    archive that cannot be read is for the next rung to judge.
    """
    until = time.monotonic() + _RIPENING_SECONDS
    while True:
        ledger = take_ledger()
        try:
            oldest = backups_of(archive.stanza())[0]
        except RefusalError:
            return ledger
        if ledger.archived_since(oldest.stop) >= 2 or time.monotonic() > until:
            return ledger
        print("restore-proof: waiting for two heartbeats in the archive", flush=True)
        time.sleep(5)


def _beats(server: PrivateServer) -> list[Beat]:
    """Newest first."""
    sql = "SELECT at, lsn FROM lifeline.heartbeat ORDER BY at DESC LIMIT 5000"
    return [(at, parse_lsn(lsn)) for at, lsn in server.rows(sql, os.environ["POSTGRES_DB"])]


def _compare(report: Report, ledger: Ledger, beats: list[Beat], end: Segment) -> str:
    """The hole at the end of an archive is seen only from outside."""
    if not beats:
        raise RefusalError("the restored database has no heartbeat row")
    newest, _ = beats[0]
    if ledger.archived_heartbeat is not None and newest < ledger.archived_heartbeat:
        raise RefusalError(
            f"the last heartbeat restored is of {shown(newest)}; the living database archived one of "
            f"{shown(ledger.archived_heartbeat)}"
        )
    lost = ledger.seconds_lost(beats, end)
    if lost is None:
        raise RefusalError(f"no heartbeat restored lies before {end.name}, where the archive ended")
    report.rpo_seconds = round(lost, 3)
    allowed = float(os.environ["MAX_RPO_SECONDS"])
    if report.rpo_seconds > allowed:
        raise RefusalError(
            f"the last heartbeat in the archive is {report.rpo_seconds:.0f} s older than the living database, more than {allowed:.0f} s"
        )
    return f"to {shown(newest)}; the archive was {report.rpo_seconds:.0f} s behind the living database"


def _between(beats: list[datetime], earliest: datetime) -> tuple[datetime, datetime]:
    """Two heartbeats in a row that any backup could be asked for."""
    usable = [at for at in beats if at > earliest]
    if len(usable) < 2:
        raise RefusalError("there are not two heartbeats after the oldest backup to aim between")
    return usable[1], usable[0]
