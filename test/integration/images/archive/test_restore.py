"""restore-generation.sh: what it brings back, what it refuses, and what a kill leaves."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
import unittest
from collections import namedtuple
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from recovery.backups import Backup
from recovery.refusal import RefusalError
from recovery.restore import fetch
from recovery.server import PrivateServer
from recovery.target import target
from recovery.wal import Segment

from lab import SCRIPTS, Lab
from services import must, run, until


class Targets(unittest.TestCase):
    """Without any server."""

    def test_a_time_needs_a_zone(self) -> None:
        for text in (
            "2026-11-21T09:00:00",
            "2026-11-21",
            "yesterday",
            "09:00Z",
            "2026-11-21T09:00:00 CET",
            "",
        ):
            with self.assertRaisesRegex(RefusalError, "date, a time and a zone"):
                target("time", text)

    def test_the_same_moment_in_any_zone(self) -> None:
        moments = {
            target("time", t).time
            for t in (
                "2026-11-21T09:00:00Z",
                "2026-11-21T10:00+01:00",
                "2026-11-21 03:30:00.000-05:30",
            )
        }
        self.assertEqual(moments, {datetime(2026, 11, 21, 9, tzinfo=UTC)})

    def test_a_moment_that_does_not_exist_is_refused(self) -> None:
        with self.assertRaisesRegex(RefusalError, "is no time"):
            target("time", "2026-02-30T09:00:00Z")

    def test_other_kinds_and_names_are_refused(self) -> None:
        for kind, value in (("xid", "7"), ("point", "a b"), ("point", "")):
            with self.assertRaises(RefusalError):
                target(kind, value)

    def test_a_volume_that_is_too_small_is_refused_before_anything_is_fetched(self) -> None:
        now = datetime.now(UTC)
        base = Backup(
            "20261121-090000F", "full", now, now, 0, Segment(1, 1), 5 * 2**30, 1, False, None, True
        )
        space = namedtuple("space", "f_bavail f_frsize")(2**20, 4096)
        with (
            mock.patch("os.statvfs", return_value=space),
            self.assertRaisesRegex(RefusalError, "needs 5248 MiB, /tmp has 4096 MiB free"),
        ):
            fetch(mock.Mock(archive=None), base, Path("/tmp/lifeline-nothing/pgdata"))


class Restores(unittest.TestCase):
    """One leader whose rows 1, 2, 3 ... are known to lie before and after each target."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = Lab()
        cls.addClassCleanup(cls.lab.close)
        cls.leader = cls.lab.member("leader").create()
        (cls.leader.folder / "pgbackrest-peer.conf").write_text(cls.lab.configuration("there"))
        cls.row = 0
        cls.leader.sql("CREATE TABLE rows (number int PRIMARY KEY)", "shop")
        cls.add()
        cls.point("too-early")
        cls.backup("full")
        cls.add()
        cls.first_time = cls.moment()
        cls.add()
        cls.point("v1")
        cls.add()
        cls.leader.archive()
        cls.backup("incr")
        cls.add()
        cls.point("v2")
        cls.add()
        cls.leader.archive()

    def setUp(self) -> None:
        self.volume = self.lab.folder / "volume"
        self.addCleanup(shutil.rmtree, self.volume, ignore_errors=True)

    @classmethod
    def add(cls) -> None:
        cls.row += 1
        cls.leader.sql(f"INSERT INTO rows VALUES ({cls.row})", "shop")

    @classmethod
    def point(cls, name: str) -> None:
        cls.leader.sql(f"SELECT lifeline.create_restore_point('{name}')", "shop")

    @classmethod
    def backup(cls, kind: str) -> None:
        words = ["pgbackrest", "--stanza=main", "--no-expire-auto", f"--type={kind}", "backup"]
        must(words, cls.leader.environment)

    @classmethod
    def moment(cls) -> str:
        """A time that lies in a second of its own, after all that was done and before all that follows."""
        time.sleep(1.1)
        now = datetime.now(UTC).isoformat()
        time.sleep(0.1)
        return now

    def environment(self, kind: str, value: str, **more: str) -> dict[str, str]:
        return self.leader.environment | self.lab.restore_environment(kind, value) | more

    def restore(self, kind: str, value: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return run([SCRIPTS / "restore-generation.sh"], self.environment(kind, value, **more))

    def rows(self) -> list[int]:
        """What a server finds that is started on the restored folder as on any other."""
        with PrivateServer(self.volume / "pgdata", {}) as server:
            server.wait()
            self.assertFalse(server.rows("SELECT pg_is_in_recovery()")[0][0])
            return [row[0] for row in server.rows("SELECT number FROM rows ORDER BY 1", "shop")]

    def check(self, kind: str, value: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        words = [SCRIPTS / "restore-generation.sh", "--check"]
        return run(words, self.environment(kind, value, **more))

    def refused(self, sentence: str, kind: str, value: str = "", **more: str) -> None:
        finished = self.restore(kind, value, **more)
        self.assertEqual(finished.returncode, 1, finished.stdout)
        self.assertIn(sentence, finished.stdout.splitlines()[-1])
        self.assertFalse((self.volume / "pgdata").exists())

    def test_says_beforehand_whether_it_can_be_made_and_touches_nothing(self) -> None:
        possible = self.check("time", self.first_time)
        self.assertEqual(possible.returncode, 0, possible.stdout)
        self.assertRegex(possible.stdout, "can be restored, from backup [0-9-]+F of")
        for sentence, kind, value, more in (
            ("is before the oldest backup", "time", "2020-01-01T00:00:00Z", {}),
            ("is after the last archived WAL", "time", "2100-01-01T00:00:00Z", {}),
            ("there is no backup of generation 7", "latest", "", {"RESTORE_FROM_GENERATION": "7"}),
        ):
            finished = self.check(kind, value, **more)
            self.assertEqual(finished.returncode, 1, finished.stdout)
            self.assertIn(sentence, finished.stdout)
        self.assertFalse(self.volume.exists())

    def test_refuses_beforehand_a_backup_of_which_a_file_is_missing(self) -> None:
        backups = self.lab.storage.files / "lifeline-here/postgres-1/backup/main"
        for victim in backups.glob("*F/pg_data/base/*/1259.zst"):
            content = victim.read_bytes()
            victim.unlink()
            self.addCleanup(victim.write_bytes, content)
        finished = self.check("time", self.first_time)
        self.assertEqual(finished.returncode, 1, finished.stdout)
        self.assertRegex(finished.stdout, r"1259\.zst of backup [0-9-]+F is missing from the bucket")

    def test_has_nothing_to_check_once_the_generation_is_there(self) -> None:
        """A move to the other region must not depend on an archive that has long expired."""
        buckets = self.lab.storage.files
        for region in ("here", "there"):
            made = buckets / f"lifeline-{region}/postgres-2"
            shutil.copytree(buckets / "lifeline-here/postgres-1", made)
            finished = self.check("time", "2020-01-01T00:00:00Z")
            shutil.rmtree(made)
            self.assertEqual(finished.returncode, 0, finished.stdout)
            self.assertIn("generation 2 is there already", finished.stdout)

    def test_the_latest_commit_while_a_second_restore_is_refused(self) -> None:
        self.volume.mkdir()
        with (self.volume / "restore.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refused("another restore is running", "latest")
        finished = self.restore("latest")
        self.assertEqual(finished.returncode, 0, finished.stdout)
        status = self.volume / "pgdata/pg_wal/archive_status"
        self.assertTrue((status / "00000002.history.ready").exists())
        self.assertEqual(self.rows(), [1, 2, 3, 4, 5, 6])
        again = self.restore("latest")
        self.assertEqual(again.returncode, 1)
        self.assertIn("never overwrites", again.stdout)

    def test_a_time_between_two_rows(self) -> None:
        finished = self.restore("time", self.first_time)
        self.assertEqual(finished.returncode, 0, finished.stdout)
        self.assertEqual(self.rows(), [1, 2])

    def test_a_restore_point_after_the_newest_backup(self) -> None:
        finished = self.restore("point", "v2")
        self.assertEqual(finished.returncode, 0, finished.stdout)
        self.assertEqual(self.rows(), [1, 2, 3, 4, 5])

    def test_a_restore_point_before_the_newest_backup(self) -> None:
        finished = self.restore("point", "v1")
        self.assertEqual(finished.returncode, 0, finished.stdout)
        self.assertIn("is older; fetching backup", finished.stdout)
        self.assertEqual(self.rows(), [1, 2, 3])

    def test_the_other_regions_bucket(self) -> None:
        buckets = self.lab.storage.files
        copy = buckets / "lifeline-there/postgres-1"
        shutil.copytree(buckets / "lifeline-here/postgres-1", copy)
        self.addCleanup(shutil.rmtree, copy)
        finished = self.restore("latest", RESTORE_FROM_REGION="there")
        self.assertEqual(finished.returncode, 0, finished.stdout)
        self.assertNotIn("not compared", finished.stdout)
        self.assertEqual(self.rows(), [1, 2, 3, 4, 5, 6])

    def test_the_archive_of_another_database_is_refused(self) -> None:
        stranger = self.lab.member("stranger")
        stranger.configuration.write_text(self.lab.configuration("there", stranger))
        stranger.create()
        self.addCleanup(shutil.rmtree, self.lab.storage.files / "lifeline-there/postgres-1")
        self.addCleanup(stranger.stop)
        self.refused("one of the two archives belongs to another database", "latest")

    def test_a_killed_restore_is_simply_run_again(self) -> None:
        draft = self.volume / "pgdata.restore"
        whole = self.leader.data
        for share in (0.1, 0.5, 0.9):
            with (self.lab.folder / "killed").open("w") as output:
                child = subprocess.Popen(
                    [SCRIPTS / "restore-generation.sh"],
                    env={**os.environ, **self.environment("latest", "")},
                    stdout=output,
                    stderr=output,
                )
            # The last tenth of the way is WAL.
            until(
                lambda: (
                    size(draft / "base") >= size(whole / "base") * share
                    and (share < 0.9 or "replaying" in (self.lab.folder / "killed").read_text())
                ),
                f"{share:.0%} of the files are there",
                300,
            )
            self.assertIsNone(child.poll(), f"not killed at {share:.0%}")
            child.kill()
            child.wait()
            self.assertFalse((self.volume / "pgdata").exists())
        self.assertTrue(draft.exists())
        until(lambda: not is_used(draft), "nothing of the killed run lives on")
        # Junk of a half-written file must go too.
        (draft / "base/1").mkdir(parents=True, exist_ok=True)
        (draft / "base/1/junk").write_text("junk")
        finished = self.restore("latest")
        self.assertEqual(finished.returncode, 0, finished.stdout)
        self.assertFalse((self.volume / "pgdata/base/1/junk").exists())
        self.assertEqual(self.rows(), [1, 2, 3, 4, 5, 6])

    def test_refusals(self) -> None:
        wrong = {"PGBACKREST_CONFIG_INCLUDE_PATH": str(self.lab.secrets / "wrong-cipher")}
        self.lab.storage.request("lifeline-here", "PUT", "postgres-5/shop.sql.gz", "dump")
        for sentence, kind, value, more in (
            ("needs a date, a time and a zone", "time", "2026-11-21 09:00:00", {}),
            ("is before the oldest backup", "time", "2020-01-01T00:00:00Z", {}),
            ("is after the last archived WAL", "time", "2099-01-01T00:00:00Z", {}),
            ("with this cipher key", "latest", "", wrong),
            ("there is no backup of generation 7", "latest", "", {"RESTORE_FROM_GENERATION": "7"}),
            ("is a logical dump (shop.sql.gz)", "latest", "", {"RESTORE_FROM_GENERATION": "5"}),
            ("must be here or there", "latest", "", {"RESTORE_FROM_REGION": "elsewhere"}),
            ("cannot be restored from itself", "latest", "", {"GENERATION": "1"}),
            ("must be latest, time or point", "xid", "7", {}),
            ("RESTORE_FROM_REGION must be set", "latest", "", {"RESTORE_FROM_REGION": ""}),
        ):
            with self.subTest(sentence):
                self.refused(sentence, kind, value, **more)

    def test_points_that_cannot_be_reached_are_refused(self) -> None:
        self.refused("is before the oldest backup", "point", "too-early")
        self.refused("the archive has no restore point nowhere", "point", "nowhere")

    def test_a_hole_before_the_target_is_named(self) -> None:
        base = self.lab.storage.files / "lifeline-here/postgres-1/archive/main/15-1"
        last = sorted(base.rglob("0000000100000000*.zst"))[-2]
        content = last.read_bytes()
        last.unlink()
        self.addCleanup(last.write_bytes, content)
        self.refused(f"WAL segment {last.name[:24]} is missing", "latest")


def size(folder: Path) -> int:
    """Bytes below a folder that may be changing."""
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_size
        except FileNotFoundError:
            continue
    return total


def is_used(folder: Path) -> bool:
    """Whether a process runs in a folder or names it."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder) in (process / "cmdline").read_text(errors="replace"):
                return True
        except OSError:
            continue
    return False


if __name__ == "__main__":
    unittest.main()
