"""A region was cut off, wrote and backed up on, and then followed the other one: what only it had is no part of a restore."""

from __future__ import annotations

import shutil
import subprocess
import time
import unittest
from datetime import UTC, datetime
from unittest import mock

from lab import SCRIPTS, Lab, Member
from recovery.archive import Contents, StoredFile
from recovery.backups import Backup
from recovery.refusal import RefusalError
from recovery.restore import End, plan
from recovery.server import PrivateServer
from recovery.target import Target
from recovery.wal import Segment
from services import must, run

SEGMENT = 2**24
SHA = "0123456789abcdef0123456789abcdef01234567"


def backup(
    label: str, timeline: int, number: int, stop_lsn: int, checked: bool = True
) -> Backup:
    """A second of the day by its segment."""
    moment = datetime(2026, 11, 21, 2, 0, number, tzinfo=UTC)
    wal = Segment(timeline, number)
    return Backup(label, "diff", moment, moment, stop_lsn, wal, 1, 1, False, None, checked)


def contents(backups: list[Backup], segments: list[Segment], histories: dict[int, str]) -> Contents:
    archive = mock.Mock(generation=1)
    archive.text = lambda path: histories[int(path[-16:-8], 16)]
    stored = StoredFile(1, datetime(2026, 11, 21, 3, tzinfo=UTC))
    files = {f"{s.name[:16]}/{s.name}-{SHA}.zst": stored for s in segments}
    files |= {f"{timeline:08X}.history": stored for timeline in histories}
    return Contents(archive, 7, backups, files, "15-1")


class Plans(unittest.TestCase):
    """Timeline 2 left timeline 1 in the middle of segment 5."""

    segments = [*(Segment(1, n) for n in range(2, 10)), *(Segment(2, n) for n in range(5, 8))]
    histories = {2: f"1\t0/{5 * SEGMENT + 64:X}\tno recovery target specified\n"}
    lasting = backup("lasting", 1, 3, 4 * SEGMENT)

    def base(self, *backups: Backup) -> str:
        return plan(contents([*backups], self.segments, self.histories), Target()).base.label

    def test_a_backup_after_the_fork_is_no_base(self) -> None:
        self.assertEqual(self.base(self.lasting, backup("apart", 1, 7, 8 * SEGMENT)), "lasting")

    def test_neither_is_one_that_began_before_the_fork_and_ended_after_it(self) -> None:
        across = backup("across", 1, 5, 5 * SEGMENT + 65)
        self.assertEqual(self.base(self.lasting, across), "lasting")

    def test_one_that_ended_before_the_fork_is(self) -> None:
        until = backup("until", 1, 5, 5 * SEGMENT + 64)
        self.assertEqual(self.base(self.lasting, until), "until")

    def test_an_unchecked_one_is_only_where_there_is_no_other(self) -> None:
        unchecked = backup("unchecked", 2, 6, 7 * SEGMENT, checked=False)
        self.assertEqual(self.base(self.lasting, unchecked), "lasting")
        self.assertEqual(self.base(unchecked), "unchecked")

    def test_one_of_the_newest_timeline_is(self) -> None:
        newest = backup("newest", 2, 6, 7 * SEGMENT)
        self.assertEqual(self.base(self.lasting, backup("apart", 1, 8, 9 * SEGMENT), newest), "newest")

    def test_an_archive_that_has_only_such_backups_is_refused(self) -> None:
        with self.assertRaisesRegex(RefusalError, "no backup of generation 1 .* timeline 2"):
            self.base(backup("apart", 1, 7, 8 * SEGMENT))

    def test_a_timeline_whose_history_is_missing_is_named(self) -> None:
        with self.assertRaisesRegex(RefusalError, "00000002.history is missing"):
            plan(contents([self.lasting], self.segments, {}), Target())

    def test_the_end_that_was_marked_must_lie_on_the_way(self) -> None:
        found = contents([self.lasting], self.segments, self.histories)
        for timeline, lsn in ((2, 7 * SEGMENT + 9), (1, 5 * SEGMENT + 64), (1, 4 * SEGMENT)):
            plan(found, Target(), end=End(timeline, lsn))
        for timeline, lsn in ((1, 5 * SEGMENT + 65), (2, 8 * SEGMENT + 1), (3, 6 * SEGMENT)):
            with self.assertRaisesRegex(RefusalError, "the end of the generation before"):
                plan(found, Target(), end=End(timeline, lsn))


class Restores(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = Lab()
        cls.addClassCleanup(cls.lab.close)
        cls.region = cls.lab.member("region").create()
        cls.region.sql("CREATE TABLE rows (text text PRIMARY KEY)", "shop")
        cls.write(cls.region, "before")
        cls.back_up("full")
        cls.region.archive()
        cls.region.stop()
        other = cls.lab.member("other")
        shutil.copytree(cls.region.data, other.data)
        cls.region.start()
        cls.write(cls.region, "apart")
        cls.region.archive()
        cls.back_up("diff")
        cls.write(cls.region, "apart, after its backup")
        cls.region.archive()
        cls.region.stop()
        # The region then follows the other one, and archives what it receives.
        other.new_timeline()
        cls.write(other, "there")
        other.archive()
        # The bucket's times are whole seconds.
        time.sleep(1.1)
        cls.later = datetime.now(UTC).isoformat()
        time.sleep(1.1)
        cls.write(other, "there, later")
        other.archive()
        other.stop()

    @classmethod
    def write(cls, member: Member, text: str) -> None:
        member.sql(f"INSERT INTO rows VALUES ('{text}')", "shop")

    @classmethod
    def back_up(cls, kind: str) -> None:
        words = ["pgbackrest", "--stanza=main", "--no-expire-auto", f"--type={kind}", "backup"]
        must(words, cls.region.environment)

    def setUp(self) -> None:
        self.volume = self.lab.folder / "volume"
        self.addCleanup(shutil.rmtree, self.volume, ignore_errors=True)

    def restore(self, kind: str, value: str = "") -> subprocess.CompletedProcess[str]:
        return run(
            [SCRIPTS / "restore-generation.sh"],
            self.region.environment | self.lab.restore_environment(kind, value),
        )

    def rows(self) -> list[str]:
        with PrivateServer(self.volume / "pgdata", {}) as server:
            server.wait()
            return [row[0] for row in server.rows("SELECT text FROM rows ORDER BY 1", "shop")]

    def test_the_latest_commit_is_that_of_the_region_that_went_on(self) -> None:
        finished = self.restore("latest")
        self.assertEqual(finished.returncode, 0, finished.stdout)
        self.assertEqual(self.rows(), ["before", "there", "there, later"])

    def test_so_is_a_time_after_it(self) -> None:
        finished = self.restore("time", self.later)
        self.assertEqual(finished.returncode, 0, finished.stdout)
        self.assertEqual(self.rows(), ["before", "there"])


if __name__ == "__main__":
    unittest.main()
