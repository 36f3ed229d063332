#!/usr/bin/python3
"""
Expires backups that nobody will ask for any more, and WAL before the restore window.

RESTORE_WINDOW_DAYS   every moment of so many days can be restored
MONTHLY_BACKUPS       so many months keep a full backup beyond that
PGBACKREST_CONFIG, PGBACKREST_CONFIG_INCLUDE_PATH, GENERATION, REGION   the archive
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from recovery.archive import Archive
from recovery.backups import Backup, backups_of
from recovery.refusal import RefusalError

DAILY = 7
WEEKLY = 4
CLOCK_TOLERANCE = timedelta(days=1)
"""Runs right after a backup: if the newest one seems older, or not made yet, the clock cannot be trusted to delete."""


@dataclass(frozen=True)
class Policy:
    """What has to stay reachable."""

    window: timedelta
    monthly: int
    daily: int = DAILY
    weekly: int = WEEKLY


@dataclass(frozen=True)
class Decision:
    """What goes and what stays."""

    kept: dict[str, str]
    """Label of each backup that stays, and the first reason for it."""
    expired: list[str]
    """Oldest last, so that a set goes before the one it builds upon."""
    full_backups_with_wal: int
    """So many of the newest full backups that stay keep all WAL that follows them."""


def decide(backups: Sequence[Backup], now: datetime, policy: Policy) -> Decision:
    """
    Which backups to expire.

    :raises RefusalError: when deleting would be unwise, whatever the policy says
    """
    ordered = sorted(backups, key=lambda b: b.stop, reverse=True)
    if not ordered:
        return Decision({}, [], 0)
    newest = ordered[0]
    if abs(now - newest.stop) > CLOCK_TOLERANCE:
        raise RefusalError(
            f"the newest backup ended at {newest.stop.isoformat()}, the clock says {now.isoformat()}: more than a day apart, "
            "so that nothing is expired by this clock"
        )
    if newest.has_page_errors:
        raise RefusalError(
            f"backup {newest.label} found damaged pages; nothing is expired, because an older one may be the last good one"
        )
    kept: dict[str, str] = {}
    by_label = {b.label: b for b in ordered}
    begins = now - policy.window
    for backup in ordered:
        if backup.stop > begins:
            _keep(kept, by_label, backup, "in the restore window")
    # Of the newest it is not written down yet. Any other stays while it lies in the window, and stands for nothing else.
    sound = [b for b in ordered if not b.has_page_errors and (b.checked or b is newest)]
    base = next((b for b in sound if b.stop <= begins), None)
    if base is not None:
        _keep(kept, by_label, base, "the restore window begins with it")
    for backup in _newest_of(sound, lambda b: b.stop.date(), policy.daily):
        _keep(kept, by_label, backup, "daily")
    for backup in _newest_of(sound, lambda b: b.stop.isocalendar()[:2], policy.weekly):
        _keep(kept, by_label, backup, "weekly")
    full = [b for b in sound if b.kind == "full"]
    for backup in _newest_of(full, lambda b: (b.stop.year, b.stop.month), policy.monthly):
        _keep(kept, by_label, backup, "monthly")
    return Decision(
        kept=kept,
        expired=[b.label for b in ordered if b.label not in kept],
        full_backups_with_wal=_full_backups_with_wal(kept, ordered, begins),
    )


def _full_backups_with_wal(
    kept: dict[str, str], ordered: Sequence[Backup], begins: datetime
) -> int:
    """Up to and with the newest full backup from before the window."""
    full = [b for b in ordered if b.kind == "full" and b.label in kept]
    inside = sum(b.stop > begins for b in full)
    return min(inside + 1, len(full))


def _newest_of(
    newest_first: Sequence[Backup], period: Callable[[Backup], Hashable], count: int
) -> list[Backup]:
    """The newest backup of each of the last periods that have one; a pause in backups does not use them up."""
    found: dict[Hashable, Backup] = {}
    for backup in newest_first:
        found.setdefault(period(backup), backup)
    return list(found.values())[:count]


def _keep(kept: dict[str, str], by_label: dict[str, Backup], backup: Backup, reason: str) -> None:
    kept.setdefault(backup.label, reason)
    while backup.prior is not None:
        if backup.prior not in by_label:
            raise RefusalError(
                f"backup {backup.label} builds upon {backup.prior}, which is missing"
            )
        backup = by_label[backup.prior]
        kept.setdefault(backup.label, "others build upon it")


def main() -> int:
    """Decides and does it; says every backup that stays and why."""
    try:
        policy = Policy(
            window=timedelta(days=_count("RESTORE_WINDOW_DAYS")), monthly=_count("MONTHLY_BACKUPS")
        )
        archive = Archive.own(os.environ)
        # None may be expired by pgBackRest's own count.
        full = "--repo1-retention-full=9999999"
        decision = decide(backups_of(archive.stanza()), datetime.now(UTC), policy)
        for label, reason in decision.kept.items():
            print(f"retention: keeping {label}: {reason}")
        for label in decision.expired:
            print(f"retention: expiring {label}", flush=True)
            archive.must(full, f"--set={label}", "expire")
        wal = f"--repo1-retention-archive={decision.full_backups_with_wal}"
        archive.must(full, "--repo1-retention-archive-type=full", wal, "expire")
    except RefusalError as refusal:
        print(f"retention: {refusal}", file=sys.stderr)
        return 1
    return 0


def _count(name: str) -> int:
    text = os.environ.get(name, "")
    if not text.isdecimal() or int(text) < 1:
        raise RefusalError(f'{name} must be a whole number from 1, got "{text}"')
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
