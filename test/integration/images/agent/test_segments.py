"""agent/segments.py: a segment that Postgres itself does not tell its archiver of, on real servers."""

from __future__ import annotations

import unittest

from agent.cluster import Member
from agent.segments import SegmentsWatch
from agent.shared import Shared
from support import FakePatroni, Server, World, until


class Unnoticed(unittest.TestCase):
    def setUp(self) -> None:
        self.world = World()
        self.addCleanup(self.world.end)
        self.primary = self.world.server("primary").create()
        self.standby = self.world.server("standby").copy(self.primary)
        patroni = FakePatroni(self.world.certificates)
        self.addCleanup(patroni.stop)
        self.shared = Shared(60)
        self.watch = SegmentsWatch(self.world.settings(self.standby, patroni), self.shared)

    def fail_over_where_a_segment_ends(self) -> str:
        """The new leader has a whole segment of the old timeline, and nobody began the next one."""
        self.primary.sql("CREATE TABLE last AS SELECT generate_series(1, 1000)")
        segment = self.primary.sql("SELECT pg_walfile_name(pg_switch_wal())")
        end = self.primary.sql("SELECT pg_current_wal_lsn()")
        until(
            lambda: self.standby.sql(f"SELECT pg_last_wal_replay_lsn() >= '{end}'") == "t",
            "the standby has the whole segment",
        )
        self.primary.stop("QUIT")
        self.standby.promote()
        # Where the primary wrote one record more in time, the standby's receiver has noticed.
        until(lambda: ".ready" not in self.status(self.standby, segment), "nothing waits")
        for suffix in self.status(self.standby, segment):
            (self.standby.data / "pg_wal/archive_status" / f"{segment}{suffix}").unlink()
        return segment

    def status(self, server: Server, segment: str) -> list[str]:
        folder = server.data / "pg_wal" / "archive_status"
        return [path.suffix for path in folder.glob(f"{segment}.*")]

    def leads(self, role: str = "leader") -> None:
        self.shared.member.set(Member("p-0", role, busy=False, starting=False))

    def test_is_archived_although_no_checkpoint_looks_at_what_is_kept(self) -> None:
        segment = self.fail_over_where_a_segment_ends()
        self.standby.sql("CHECKPOINT")
        self.assertEqual(self.status(self.standby, segment), [], "Postgres has found it by itself")
        self.leads()
        self.watch.look()
        self.assertEqual(self.status(self.standby, segment), [], "it may be closing it just now")
        self.watch.look()
        # The next one to end wakes the archiver, which otherwise looks every minute.
        self.standby.sql("CREATE TABLE more AS SELECT 1; SELECT pg_switch_wal()")
        until(lambda: self.status(self.standby, segment) == [".done"], "it is archived")

    def test_so_is_a_history_of_which_all_marks_are_gone(self) -> None:
        self.fail_over_where_a_segment_ends()
        until(lambda: self.status(self.standby, "00000002.history") == [".done"], "it was archived")
        (self.standby.data / "pg_wal/archive_status/00000002.history.done").unlink()
        self.leads()
        for _ in range(2):
            self.watch.look()
        self.assertNotEqual(self.status(self.standby, "00000002.history"), [])

    def test_is_left_alone_by_a_member_that_does_not_archive(self) -> None:
        segment = self.fail_over_where_a_segment_ends()
        self.leads("replica")
        for _ in range(3):
            self.watch.look()
        self.assertEqual(self.status(self.standby, segment), [])

    def test_those_that_are_written_or_prepared_are_left_alone(self) -> None:
        self.fail_over_where_a_segment_ends()
        self.leads()
        for _ in range(3):
            self.watch.look()
        current = self.standby.sql("SELECT pg_walfile_name(pg_current_wal_lsn())")
        prepared = (self.standby.data / "pg_wal" / f"{current[:-2]}{int(current[-2:], 16) + 1:02X}")
        prepared.touch()
        for _ in range(3):
            self.watch.look()
        for segment in (current, prepared.name):
            self.assertEqual(self.status(self.standby, segment), [])


if __name__ == "__main__":
    unittest.main()
