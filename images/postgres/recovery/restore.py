"""The steps of a restore, shared by new generations and by the restore proof."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .archive import Contents
from .backups import Backup, newest_sound
from .refusal import RefusalError
from .server import PrivateServer, Recovered, ServerError, control_data
from .target import Target, shown
from .wal import Chain, holding, includes

_SPARE_BYTES = 128 * 2**20
"""WAL while it is replayed, and files that pgBackRest writes beside."""


@dataclass(frozen=True)
class Plan:
    """From which backup, and over which WAL."""

    base: Backup
    chain: Chain


@dataclass(frozen=True)
class End:
    """Where a generation ended, by its own account."""

    timeline: int
    lsn: int


def plan(
    contents: Contents, target: Target, before_lsn: int | None = None, end: End | None = None
) -> Plan:
    """
    The newest backup that ended before the target, and proof that the WAL from there to the target is in the archive.

    :param before_lsn: where a restore point lies, once that is known
    :param end: what the latest commit must not come before, where that is known
    :raises RefusalError: when the target cannot be reached
    """
    generation = contents.archive.generation
    if not contents.backups:
        raise RefusalError(f"there is no backup of generation {generation}")
    backups = contents.lasting_backups
    if not backups:
        raise RefusalError(
            f"there is no backup of generation {generation} that belongs to its timeline "
            f"{contents.newest_timeline}; each is of a stretch that was given up: restore from the other region's archive"
        )
    usable = backups
    if target.time is not None:
        usable = [b for b in backups if b.stop < target.time]
    if before_lsn is not None:
        usable = [b for b in backups if b.stop_lsn <= before_lsn]
    base = newest_sound(usable)
    if base is None:
        oldest = backups[0]
        raise RefusalError(
            f"{target.words} is before the oldest backup, which ended at {shown(oldest.stop)}; choose a later target"
        )
    way = contents.chain_from(base)
    _require(contents, target, Plan(base, way))
    if end is not None:
        _require_end(contents, way, end)
    return Plan(base, way)


def _require_end(contents: Contents, way: Chain, end: End) -> None:
    last = way.end.timeline
    history = contents.histories.get(last, ())
    is_on_it = includes(history, last, end.timeline, end.lsn)
    if not is_on_it or way.end.number < holding(end.lsn):
        raise RefusalError(
            f"the end of the generation before, {_written(end.lsn)} on timeline {end.timeline}, "
            f"does not lie on the way to {way.end.name}, where the archive ends: restore from the other region's archive, "
            "or to a time"
        )


def _require(contents: Contents, target: Target, planned: Plan) -> None:
    """What comes before the target must be there, and the target must have come."""
    missing = set(planned.chain.missing)
    last: datetime | None = None
    for segment in planned.chain.segments:
        if segment in missing:
            raise RefusalError(
                f"WAL segment {segment.name} is missing from the archive between backup {planned.base.label} and {target.words}; "
                f"what can be reached with this backup ends at {shown(last or planned.base.stop)}"
            )
        last = contents.archived_at(segment)
        if target.time is not None and last >= target.time:
            return
        if target.point is not None:
            # Where it lies is not known: recovery itself says when it was not found.
            return
    if target.time is not None:
        raise RefusalError(
            f"{target.words} is after the last archived WAL, which is from {shown(last or planned.base.stop)}; "
            "choose an earlier time, or wait until the archive has come that far"
        )


def fetch(contents: Contents, base: Backup, data: Path) -> None:
    """
    Puts the files of a backup into a folder, which may hold what an earlier attempt left.

    :raises RefusalError: when they do not fit, or are not what the archive says
    """
    _make_room(base, data)
    (data / "postmaster.pid").unlink(missing_ok=True)
    marks = [data / name for name in ("PG_VERSION", "backup.manifest")]
    resumed = any(mark.exists() for mark in marks)
    if not resumed:
        # Not far enough for pgBackRest to take it for its own.
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(mode=0o700, parents=True)
    words = [f"--pg1-path={data}", f"--set={base.label}", "--type=none"]
    words.append("--delta" if resumed else "--no-delta")
    contents.archive.must(*words, "restore")
    system_id = control_data(data)["Database system identifier"]
    if system_id != str(contents.system_id):
        raise RefusalError(
            f"backup {base.label} is of the database with system identifier {system_id}, the archive belongs to "
            f"{contents.system_id}: they do not fit together"
        )


def _make_room(base: Backup, data: Path) -> None:
    parent = next(p for p in data.parents if p.exists())
    there = sum(f.stat().st_size for f in data.rglob("*") if f.is_file() and not f.is_symlink())
    space = os.statvfs(parent)
    free = space.f_bavail * space.f_frsize + there
    needed = base.size_bytes + _SPARE_BYTES
    if free < needed:
        raise RefusalError(
            f"backup {base.label} needs {_mebibytes(needed)} MiB, {parent} has {_mebibytes(free)} MiB free; "
            "give the generation a larger volume"
        )


def _written(lsn: int) -> str:
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def _mebibytes(size: int) -> int:
    return -(-size // 2**20)


def recover(
    contents: Contents,
    planned: Plan,
    target: Target,
    data: Path,
    look: Callable[[PrivateServer], None] = lambda _: None,
    end: End | None = None,
) -> Recovered:
    """
    Replays WAL up to the target, ends recovery there and makes sure that it is there. The server is stopped again.

    :param look: sees the server while it runs
    :param end: what the latest commit must not come before, where that is known
    :raises RefusalError: when recovery ended anywhere else
    """
    settings = {
        "restore_command": contents.archive.restore_command(data),
        "recovery_target_timeline": str(planned.chain.end.timeline),
        "recovery_target_action": "promote",
        # The time itself does not belong to what is wanted back.
        "recovery_target_inclusive": "off" if target.time is not None else "on",
        "hot_standby": "off",
    }
    if target.time is not None:
        settings["recovery_target_time"] = shown(target.time)
    if target.point is not None:
        settings["recovery_target_name"] = target.point
    (data / "recovery.signal").touch()
    try:
        with PrivateServer(data, settings) as server:
            server.wait()
            recovered = server.recovered()
            _assert_reached(contents, planned, target, recovered)
            if end is not None and recovered.replayed_lsn < end.lsn:
                raise RefusalError(
                    f"recovery ended at {_written(recovered.replayed_lsn)}, before {_written(end.lsn)}, the end of the generation "
                    f"before: {planned.chain.end.name} is damaged; restore from the other region's archive, or to a time"
                )
            look(server)
            return recovered
    except ServerError as error:
        raise RefusalError(_why(contents, planned, target, str(error))) from None


def _why(contents: Contents, planned: Plan, target: Target, said: str) -> str:
    if "recovery ended before configured recovery target was reached" not in said:
        return f"recovery of backup {planned.base.label} failed: {said}"
    if target.point is not None:
        return f"the archive has no {target.words} after backup {planned.base.label}"
    end = contents.archived_at(planned.chain.end)
    return (
        f"no commit at or after {target.words} could be found in the archive, whose WAL ends at {shown(end)}; "
        "choose an earlier time, or wait until the archive has come further"
    )


def _assert_reached(contents: Contents, planned: Plan, target: Target, seen: Recovered) -> None:
    """Postgres ignores a target without a word in some cases, and takes any damage in WAL for its end."""
    end = planned.chain.end
    if target.point is not None:
        if seen.end.reason != f'at restore point "{target.point}"':
            raise RefusalError(f"recovery ended {seen.end.reason}, not at {target.words}")
    elif target.time is not None:
        if not seen.end.reason.startswith("before "):
            raise RefusalError(f"recovery ended {seen.end.reason}, not at {target.words}")
        if seen.last_commit is not None and seen.last_commit >= target.time:
            raise RefusalError(
                f"recovery went to {shown(seen.last_commit)}, past {target.words}; backup {planned.base.label} does not fit"
            )
    elif seen.end.timeline != end.timeline or holding(seen.replayed_lsn) < end.number:
        raise RefusalError(
            f"recovery ended at {_written(seen.replayed_lsn)} on timeline {seen.end.timeline}, but the archive goes on to {end.name}: "
            "the WAL between is damaged, and everything after it is lost to a restore"
        )
