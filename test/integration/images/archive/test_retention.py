"""Which backups stay, without any server."""

from __future__ import annotations

import unittest
from datetime import UTC, datetime, timedelta, timezone

from recovery.backups import Backup
from recovery.refusal import RefusalError
from recovery.wal import Segment
from retention import Decision, Policy, decide

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
"""A Sunday."""
POLICY = Policy(window=timedelta(days=30), monthly=12)


def backup(
    stop: datetime, kind: str, prior: str | None = None, damaged: bool = False, checked: bool = True
) -> Backup:
    label = f"{stop:%Y%m%d-%H%M%S}{kind[0].upper()}"
    return Backup(label, kind, stop, stop, 0, Segment(1, 1), 0, 1, damaged, prior, checked)


def history(days: int, end: datetime = NOW) -> list[Backup]:
    """A full backup each Sunday, a differential one on every other day, the last one an hour ago."""
    made: list[Backup] = []
    full: str | None = None
    for back in range(days, -1, -1):
        stop = end - timedelta(days=back, hours=1)
        if stop.isoweekday() == 7 or full is None:
            made.append(backup(stop, "full"))
            full = made[-1].label
        else:
            made.append(backup(stop, "diff", full))
    return made


def kept(backups: list[Backup], decision: Decision) -> list[Backup]:
    return [b for b in backups if b.label in decision.kept]


class Steady(unittest.TestCase):
    """Two years of backups on schedule."""

    def setUp(self) -> None:
        self.backups = history(730)
        self.decision = decide(self.backups, NOW, POLICY)
        self.kept = kept(self.backups, self.decision)

    def test_every_moment_of_the_window_has_a_backup_before_it(self) -> None:
        begins = NOW - timedelta(days=30)
        self.assertLessEqual(self.kept[0].stop, begins)
        base = max(b.stop for b in self.kept if b.stop <= begins)
        self.assertLess(begins - base, timedelta(days=1))

    def test_every_backup_in_the_window_stays(self) -> None:
        inside = [b for b in self.backups if b.stop > NOW - timedelta(days=30)]
        self.assertTrue({b.label for b in inside} <= set(self.decision.kept))

    def test_seven_days_four_weeks_and_twelve_months_are_reachable(self) -> None:
        self.assertEqual(len({b.stop.date() for b in self.kept[-7:]}), 7)
        self.assertGreaterEqual(len({b.stop.isocalendar()[:2] for b in self.kept}), 4)
        full_months = {(b.stop.year, b.stop.month) for b in self.kept if b.kind == "full"}
        self.assertEqual(len(full_months), 12)
        self.assertIn((2025, 12), full_months)
        self.assertNotIn((2025, 11), full_months)

    def test_nothing_else_stays(self) -> None:
        beyond = [b for b in self.kept if b.stop < NOW - timedelta(days=38)]
        self.assertTrue(all(b.kind == "full" for b in beyond))
        self.assertEqual(len(beyond), 11 - 1)

    def test_wal_is_kept_from_the_window_on_only(self) -> None:
        full = [b for b in reversed(self.kept) if b.kind == "full"]
        oldest_with_wal = full[self.decision.full_backups_with_wal - 1]
        begins = NOW - timedelta(days=30)
        self.assertLessEqual(oldest_with_wal.stop, begins)
        self.assertLess(begins - oldest_with_wal.stop, timedelta(days=7))

    def test_a_second_run_expires_nothing_more(self) -> None:
        again = decide(self.kept, NOW, POLICY)
        self.assertEqual(again.expired, [])

    def test_day_by_day_it_stays_within_the_same_bounds(self) -> None:
        alive: list[Backup] = []
        everything = history(500)
        for made in everything:
            now = made.stop + timedelta(hours=1)
            alive.append(made)
            alive = kept(alive, decide(alive, now, POLICY))
            begins = now - timedelta(days=30)
            if made.stop - everything[0].stop > timedelta(days=30):
                self.assertTrue(any(b.stop <= begins for b in alive), now)
            labels = {b.label for b in alive}
            self.assertTrue(all(b.prior is None or b.prior in labels for b in alive), now)
        self.assertEqual(len({(b.stop.year, b.stop.month) for b in alive if b.kind == "full"}), 12)
        self.assertLess(len(alive), 60)


class Order(unittest.TestCase):
    def test_a_set_goes_before_the_one_it_builds_upon(self) -> None:
        backups = history(120)
        expired = decide(backups, NOW, POLICY).expired
        position = {label: index for index, label in enumerate(expired)}
        for b in backups:
            if b.label in position and b.prior in position:
                self.assertLess(position[b.label], position[b.prior])
        self.assertGreater(len(expired), 50)

    def test_what_others_build_upon_stays_however_long_the_chain(self) -> None:
        full = backup(NOW - timedelta(days=400), "full")
        diff = backup(NOW - timedelta(days=300), "diff", full.label)
        incr = backup(NOW - timedelta(hours=1), "incr", diff.label)
        decision = decide([full, diff, incr], NOW, POLICY)
        self.assertEqual(decision.expired, [])

    def test_a_backup_whose_base_is_missing_stops_it(self) -> None:
        incr = backup(NOW - timedelta(hours=1), "incr", "20260101-000000F")
        with self.assertRaisesRegex(RefusalError, "20260101-000000F, which is missing"):
            decide([incr], NOW, POLICY)


class Unchecked(unittest.TestCase):
    """Copied, and nobody knows whether all of it is there."""

    def test_they_stay_in_the_window_and_keep_no_checked_one_from_staying(self) -> None:
        # Every second one failed its checks, the newest of each day and month among them.
        backups = [
            made
            for day in range(400, -1, -1)
            for made in (
                backup(NOW - timedelta(days=day, hours=3), "full"),
                backup(NOW - timedelta(days=day, hours=2), "full", checked=False),
            )
        ]
        alive = kept(backups, decide(backups, NOW, POLICY))
        begins = NOW - timedelta(days=30)
        inside = [b for b in backups if b.stop > begins]
        self.assertTrue(all(b in alive for b in inside))
        beyond = [b for b in alive if b.stop <= begins]
        self.assertTrue(beyond and all(b.checked for b in beyond))
        self.assertEqual(len({(b.stop.year, b.stop.month) for b in alive if b.checked}), 12)

    def test_the_newest_is_the_one_that_was_checked_just_now(self) -> None:
        first = backup(NOW - timedelta(days=40), "full")
        newest = backup(NOW - timedelta(minutes=1), "full", checked=False)
        self.assertEqual(decide([first, newest], NOW, POLICY).kept[newest.label], "in the restore window")


class Sparse(unittest.TestCase):
    def test_a_pause_in_backups_does_not_use_up_days_weeks_or_months(self) -> None:
        backups = [
            *history(300, NOW - timedelta(days=90)),
            backup(NOW - timedelta(hours=1), "full"),
        ]
        alive = kept(backups, decide(backups, NOW, POLICY))
        self.assertGreaterEqual(len(alive), 7)
        months = {(b.stop.year, b.stop.month) for b in alive if b.kind == "full"}
        self.assertGreaterEqual(len(months), 11)

    def test_the_first_backup_stays_with_all_wal(self) -> None:
        only = backup(NOW - timedelta(minutes=1), "full")
        decision = decide([only], NOW, POLICY)
        self.assertEqual((list(decision.kept), decision.expired), ([only.label], []))
        self.assertEqual(decision.full_backups_with_wal, 1)

    def test_no_backup_is_no_error(self) -> None:
        self.assertEqual(decide([], NOW, POLICY), Decision({}, [], 0))

    def test_the_newest_full_backup_is_never_expired(self) -> None:
        strict = Policy(window=timedelta(days=1), monthly=1, daily=1, weekly=1)
        backups = history(10)
        self.assertIn("F", {label[-1] for label in decide(backups, NOW, strict).kept})

    def test_a_short_window_keeps_a_backup_before_it(self) -> None:
        strict = Policy(window=timedelta(days=2), monthly=1, daily=1, weekly=1)
        backups = history(60)
        alive = kept(backups, decide(backups, NOW, strict))
        self.assertTrue(any(b.stop <= NOW - timedelta(days=2) for b in alive))


class Damage(unittest.TestCase):
    def test_nothing_goes_while_the_newest_backup_has_damaged_pages(self) -> None:
        backups = [*history(400), backup(NOW - timedelta(minutes=5), "full", damaged=True)]
        with self.assertRaisesRegex(RefusalError, "damaged pages"):
            decide(backups, NOW, POLICY)

    def test_a_damaged_backup_stands_for_no_day_week_or_month(self) -> None:
        backups = history(400)
        bad = backup(datetime(2026, 3, 31, 12, tzinfo=UTC), "full", damaged=True)
        decision = decide([*backups, bad], NOW, POLICY)
        self.assertIn(bad.label, decision.expired)
        march = [b for b in kept(backups, decision) if (b.stop.year, b.stop.month) == (2026, 3)]
        self.assertEqual([b.kind for b in march], ["full"])

    def test_the_window_begins_with_a_sound_backup(self) -> None:
        backups = history(60)
        begins = NOW - timedelta(days=30)
        bad = backup(begins - timedelta(minutes=1), "full", damaged=True)
        alive = kept(backups, decide([*backups, bad], NOW, POLICY))
        self.assertTrue(any(b.stop <= begins for b in alive))


class Clock(unittest.TestCase):
    def test_a_clock_in_the_future_expires_nothing(self) -> None:
        for ahead in (timedelta(days=1, hours=1), timedelta(days=400)):
            with self.assertRaisesRegex(RefusalError, "more than a day apart"):
                decide(history(100), NOW + ahead, POLICY)

    def test_a_clock_in_the_past_expires_nothing(self) -> None:
        with self.assertRaisesRegex(RefusalError, "more than a day apart"):
            decide(history(100), NOW - timedelta(days=2), POLICY)

    def test_an_hour_more_or_less_does_not_matter(self) -> None:
        for hours in (-1, 1, 22):
            decide(history(100), NOW + timedelta(hours=hours), POLICY)

    def test_a_backup_made_under_a_false_clock_still_leaves_days_weeks_and_months(self) -> None:
        later = NOW + timedelta(days=3650)
        backups = [*history(730), backup(later - timedelta(minutes=1), "full")]
        alive = kept(backups, decide(backups, later, POLICY))
        self.assertGreaterEqual(len({b.stop.date() for b in alive}), 7)
        self.assertEqual(len({(b.stop.year, b.stop.month) for b in alive if b.kind == "full"}), 12)

    def test_other_time_zones_mean_the_same_moment(self) -> None:
        backups = history(100)
        local = NOW.astimezone(timezone(timedelta(hours=-11)))
        self.assertEqual(decide(backups, local, POLICY), decide(backups, NOW, POLICY))

    def test_the_change_of_the_year_splits_no_week(self) -> None:
        end = datetime(2027, 1, 3, 3, tzinfo=UTC)
        backups = history(60, end)
        weeks = {b.stop.isocalendar()[:2] for b in kept(backups, decide(backups, end, POLICY))}
        self.assertIn((2026, 53), weeks)


if __name__ == "__main__":
    unittest.main()
