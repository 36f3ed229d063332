"""What the living database says of its archive, without any server."""

from __future__ import annotations

import unittest
from datetime import UTC, datetime, timedelta

from proof.ledger import Ledger
from recovery.wal import Segment

SEGMENT = 2**24
BACKUP = datetime(2026, 1, 4, 1, tzinfo=UTC)


class Heartbeats(unittest.TestCase):
    def archived(self, *lsns: int, last: int) -> int:
        beats = [(BACKUP + timedelta(seconds=30 * (n + 1)), lsn) for n, lsn in enumerate(lsns)]
        newest = beats[-1][0]
        ledger = Ledger(newest, newest, Segment(1, last), newest, beats[::-1])
        return ledger.archived_since(BACKUP)

    def test_those_of_archived_segments_count(self) -> None:
        self.assertEqual(self.archived(11 * SEGMENT + 40, 12 * SEGMENT + 40, last=12), 2)
        self.assertEqual(self.archived(11 * SEGMENT + 40, 12 * SEGMENT + 40, last=11), 1)

    def test_one_right_after_a_switch_is_in_the_new_segment(self) -> None:
        """As on a database that has nothing else to do: the segment before was ended at its minute."""
        self.assertEqual(self.archived(11 * SEGMENT, 12 * SEGMENT, last=11), 1)

    def test_those_before_the_backup_do_not_count(self) -> None:
        early = Ledger(BACKUP, BACKUP, Segment(1, 12), BACKUP, [(BACKUP, 11 * SEGMENT)])
        self.assertEqual(early.archived_since(BACKUP), 0)


class Losses(unittest.TestCase):
    """The archive ended with segment 12 when it was looked at."""

    def lost(self, *restored: tuple[int, int]) -> float | None:
        beats = [(BACKUP + timedelta(seconds=at), lsn) for at, lsn in restored]
        now = BACKUP + timedelta(seconds=100)
        return Ledger(now, now, Segment(1, 12), now, []).seconds_lost(beats[::-1], Segment(3, 12))

    def test_the_newest_restored_heartbeat_counts(self) -> None:
        self.assertEqual(self.lost((0, 11 * SEGMENT), (30, 12 * SEGMENT + 40)), 70)

    def test_what_came_into_the_archive_since_it_was_looked_at_does_not(self) -> None:
        self.assertEqual(self.lost((30, 13 * SEGMENT - 1), (90, 13 * SEGMENT), (700, 14 * SEGMENT)), 70)

    def test_one_that_came_while_it_was_looked_at_is_no_gain(self) -> None:
        self.assertEqual(self.lost((101, 12 * SEGMENT)), 0)

    def test_none_is_no_measure(self) -> None:
        self.assertIsNone(self.lost((700, 14 * SEGMENT)))


if __name__ == "__main__":
    unittest.main()
