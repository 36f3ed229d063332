"""
Makes the data of a new generation out of the archive of an earlier one. Run by Patroni as its bootstrap method; PGDATA
appears by rename, complete and recovered, so that a run that was killed is simply run again. With --check it only says
whether that can be done: nothing was touched yet when it is refused.

PGDATA, REGION, PEER_REGION, GENERATION, POSTGRES_DB, PGBACKREST_CONFIG, PGBACKREST_CONFIG_INCLUDE_PATH
    as in every container of the pod
RESTORE_FROM_GENERATION, RESTORE_FROM_REGION
    the archive to read; the other region's is read with the peer's configuration and credentials
RESTORE_TARGET_KIND, RESTORE_TARGET
    latest | time | point, and the time (with zone) or the name
EARLIER_MEMBERS and what else earlier.py and ending.py need
    for the latest, and to look for a point
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timezone
from pathlib import Path

from .archive import Archive, Contents, contents
from .ending import archive_the_end
from .manifest import check
from .points import plan_to_point
from .refusal import RefusalError
from .restore import End, Plan, fetch, plan, recover
from .server import PrivateServer, ServerError
from .target import Target, shown, target
from .wal import parse_lsn

_REQUIRED = ["PGDATA", "REGION", "PEER_REGION", "GENERATION", "POSTGRES_DB", "PGBACKREST_CONFIG"]
_REQUIRED += ["PGBACKREST_CONFIG_INCLUDE_PATH", "RESTORE_FROM_GENERATION", "RESTORE_FROM_REGION"]
_REQUIRED += ["RESTORE_TARGET_KIND"]


def main() -> int:
    """Exit code 0 only when PGDATA is exactly what was asked for."""
    try:
        if sys.argv[1:] == ["--check"]:
            _check(os.environ)
        else:
            _restore(os.environ)
    except RefusalError as refusal:
        print(f"restore-generation: {refusal}", file=sys.stderr, flush=True)
        return 1
    return 0


def _say(sentence: str) -> None:
    print(f"restore-generation: {sentence}", flush=True)


def _asked(environment: Mapping[str, str]) -> tuple[Target, Archive]:
    """Where to, and from where."""
    missing = [name for name in _REQUIRED if not environment.get(name)]
    if missing:
        raise RefusalError(f"{', '.join(missing)} must be set")
    aim = target(environment["RESTORE_TARGET_KIND"], environment.get("RESTORE_TARGET", ""))
    return aim, _archive(environment)


def _check(environment: Mapping[str, str]) -> None:
    aim, archive = _asked(environment)
    if _is_made(environment):
        _say(f"generation {environment['GENERATION']} is there already")
        return
    found = contents(archive)
    _same_database(archive, found, environment)
    planned = plan(found, aim) if aim.point is None else plan_to_point(environment, found, aim, _say)
    check(archive, planned.base)
    _say(f"{aim.words} can be restored, from backup {planned.base.label} of {shown(planned.base.stop)}")


def _is_made(environment: Mapping[str, str]) -> bool:
    """A generation that once served has an archive of its own, in one region at least."""
    for region in (environment["REGION"], environment["PEER_REGION"]):
        own = _archive({**environment, "RESTORE_FROM_REGION": region}, itself=True)
        try:
            if own.system_id() is not None:
                return True
        except RefusalError as refusal:
            _say(f"whether generation {own.generation} is there cannot be seen in {region}: {refusal}")
    return False


def _restore(environment: Mapping[str, str]) -> None:
    aim, archive = _asked(environment)
    data = Path(environment["PGDATA"])
    if data.exists() and any(data.iterdir()):
        raise RefusalError(
            f"{data} holds data; a restore makes a new generation and never overwrites one"
        )
    with _alone(data.parent):
        started = datetime.now(UTC)
        draft = data.with_name(f"{data.name}.restore")
        end = archive_the_end(environment, archive.region, _say) if aim.is_latest else None
        found = contents(archive)
        _same_database(archive, found, environment)
        planned = _chosen(found, aim, draft, environment["POSTGRES_DB"], end)
        _say(f"replaying WAL from backup {planned.base.label} to {aim.words}")
        recovered = recover(found, planned, aim, draft, end=end)
        _hand_over(draft, data)
        commit = "no commit" if recovered.last_commit is None else shown(recovered.last_commit)
        seconds = (datetime.now(UTC) - started).total_seconds()
        _say(f"restored to {aim.words} in {seconds:.1f} s; the last commit is of {commit}")


def _archive(environment: Mapping[str, str], itself: bool = False) -> Archive:
    """The archive to read; or, in the same region, the one that the new generation itself writes."""
    configuration = Path(environment["PGBACKREST_CONFIG"])
    include = Path(environment["PGBACKREST_CONFIG_INCLUDE_PATH"])
    region = environment["RESTORE_FROM_REGION"]
    if not environment["RESTORE_FROM_GENERATION"].isdecimal():
        raise RefusalError(
            f'RESTORE_FROM_GENERATION must be a whole number, got "{environment["RESTORE_FROM_GENERATION"]}"'
        )
    generation = int(environment["RESTORE_FROM_GENERATION"])
    if region == environment["PEER_REGION"]:
        configuration = configuration.with_name(f"{configuration.stem}-peer.conf")
        include = include.with_name("peer")
    elif region != environment["REGION"]:
        raise RefusalError(
            f'RESTORE_FROM_REGION must be {environment["REGION"]} or {environment["PEER_REGION"]}, got "{region}"'
        )
    if itself:
        return Archive(configuration, include, int(environment["GENERATION"]), region)
    if str(generation) == environment["GENERATION"]:
        raise RefusalError(f"generation {generation} cannot be restored from itself")
    return Archive(configuration, include, generation, region)


def _same_database(archive: Archive, found: Contents, environment: Mapping[str, str]) -> None:
    """Both regions archive one database; two identifiers mean that one bucket holds something else."""
    regions = (environment["REGION"], environment["PEER_REGION"])
    other = regions[1] if archive.region == regions[0] else regions[0]
    try:
        twin = _archive({**environment, "RESTORE_FROM_REGION": other}).system_id()
    except RefusalError as refusal:
        _say(f"not compared with the archive in {other}: {refusal}")
        return
    if twin is not None and twin != found.system_id:
        raise RefusalError(
            f"generation {archive.generation} has system identifier {found.system_id} in {archive.region} and "
            f"{twin} in {other}: one of the two archives belongs to another database"
        )


@contextmanager
def _alone(volume: Path) -> Iterator[None]:
    volume.mkdir(parents=True, exist_ok=True)
    with (volume / "restore.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RefusalError(f"another restore is running on {volume}") from None
        yield


def _chosen(
    found: Contents, aim: Target, draft: Path, database: str, end: End | None
) -> Plan:
    """The plan, with its files in the draft."""
    planned = plan(found, aim, end=end)
    _say(f"fetching backup {planned.base.label} of {shown(planned.base.stop)}")
    fetch(found, planned.base, draft)
    if aim.point is not None:
        lsn = _point_in(found, planned, draft, aim.point, database)
        if lsn is not None:
            # The newest backup knows the point by name: it is younger than the point.
            planned = plan(found, aim, before_lsn=lsn)
            _say(f"{aim.words} is older; fetching backup {planned.base.label}")
            fetch(found, planned.base, draft)
    return planned


def _point_in(found: Contents, planned: Plan, data: Path, point: str, database: str) -> int | None:
    """Where a restore point lies that this backup already contains."""
    settings = {
        "restore_command": found.archive.restore_command(data),
        "recovery_target_timeline": str(planned.chain.end.timeline),
        "recovery_target": "immediate",
        "recovery_target_action": "pause",
        "hot_standby": "on",
    }
    (data / "recovery.signal").touch()
    try:
        with PrivateServer(data, settings) as server:
            server.wait()
            if server.rows("SELECT to_regclass('lifeline.restore_points') IS NULL", database)[0][0]:
                return None
            rows = server.rows(
                "SELECT lsn FROM lifeline.restore_points WHERE name = %s", database, point
            )
            return parse_lsn(rows[0][0]) if rows else None
    except ServerError as error:
        raise RefusalError(
            f"backup {planned.base.label} does not become consistent: {error}"
        ) from None


def _hand_over(draft: Path, data: Path) -> None:
    """Makes the draft the data, on a disk that may lose its power now."""
    for name in ("recovery.signal", "standby.signal", "backup_label.old"):
        (draft / name).unlink(missing_ok=True)
    auto = draft / "postgresql.auto.conf"
    lines = auto.read_text().splitlines(keepends=True) if auto.exists() else []
    auto.write_text(
        "".join(line for line in lines if not line.startswith(("restore_command", "recovery_")))
    )
    # The new archive needs the history that leads back here; it was made while nothing was archived.
    status = draft / "pg_wal" / "archive_status"
    for history in (draft / "pg_wal").glob("*.history"):
        if not (status / f"{history.name}.done").exists():
            (status / f"{history.name}.ready").touch()
    for folder in (status, status.parent, draft):
        _sync(folder)
    if data.exists():
        data.rmdir()
    draft.rename(data)
    _sync(data.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
