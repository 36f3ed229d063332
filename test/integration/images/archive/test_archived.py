"""lifeline.archived(): a segment counts as archived only when all before it are, too."""

from __future__ import annotations

import unittest
from pathlib import Path

from lab import Lab


class Archived(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = Lab()
        cls.addClassCleanup(cls.lab.close)
        cls.leader = cls.lab.member("leader").create()

    def is_archived(self, name: str) -> bool:
        return self.leader.sql(f"SELECT lifeline.archived('{name}')", "shop") == "t"

    def write(self) -> None:
        """An empty segment is not ended."""
        self.leader.sql("SELECT pg_logical_emit_message(true, 'test', 'something')")

    def archive(self) -> str:
        self.write()
        return self.leader.archive()

    def status(self, name: str) -> Path:
        return self.leader.data / "pg_wal" / "archive_status" / name

    def test_what_comes_before_counts_and_what_comes_after_does_not(self) -> None:
        self.write()
        present = self.leader.sql("SELECT pg_walfile_name(pg_current_wal_lsn())")
        self.assertFalse(self.is_archived(present))
        self.leader.archive()
        self.assertTrue(self.is_archived(present))

    def test_a_segment_that_the_archiver_hears_of_late_counts(self) -> None:
        earlier, later = self.archive(), self.archive()
        self.assertLess(earlier, later)
        # As a failover leaves it where a timeline ends with a segment: there, and nobody was told.
        self.status(f"{earlier}.done").unlink()
        self.assertFalse(self.is_archived(later))
        self.status(f"{earlier}.ready").touch()
        self.archive()
        self.assertTrue(self.is_archived(later))
