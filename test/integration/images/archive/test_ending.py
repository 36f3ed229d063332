"""A restore of everything, beside the generation that it is made of: the last commit counts, not the last segment."""

from __future__ import annotations

import shutil
import subprocess
import unittest
from unittest import mock

from lab import SCRIPTS, Lab
from recovery import ending
from recovery.archive import Archive, contents
from recovery.earlier import Members
from recovery.refusal import RefusalError
from recovery.restore import End, fetch, plan, recover
from recovery.server import PrivateServer
from recovery.target import Target
from recovery.wal import SEGMENT_BYTES
from services import must, run


class Ending(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = Lab()
        cls.addClassCleanup(cls.lab.close)
        cls.leader = cls.lab.member("leader").create()
        cls.leader.sql("CREATE TABLE rows (number int PRIMARY KEY)", "shop")
        cls.leader.sql("GRANT SELECT ON rows TO shop_user", "shop")
        # The last segment waits for nothing but for what is tested, however long that takes.
        cls.leader.sql("ALTER SYSTEM SET archive_timeout = 0")
        must(["pgbackrest", "--stanza=main", "--no-expire-auto", "backup"], cls.leader.environment)

    def setUp(self) -> None:
        self.volume = self.lab.folder / "volume"
        self.addCleanup(shutil.rmtree, self.volume, ignore_errors=True)
        self.closes("on")

    def closes(self, value: str) -> None:
        """As Patroni does it."""
        self.leader.sql(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
        self.leader.sql("SELECT pg_reload_conf()")

    def write(self, number: int) -> None:
        """A commit of which nothing is archived yet."""
        self.leader.archive()
        self.leader.sql(f"BEGIN READ WRITE; INSERT INTO rows VALUES ({number}); COMMIT", "shop")

    @property
    def environment(self) -> dict[str, str]:
        return {
            **self.leader.environment,
            "PGDATA": str(self.volume / "pgdata"),
            "GENERATION": "2",
            "RESTORE_FROM_GENERATION": "1",
            "RESTORE_FROM_REGION": "here",
            "RESTORE_TARGET_KIND": "latest",
            "EARLIER_MEMBERS": f"localhost:{self.leader.port}",
            "PEER_POSTGRES": f"localhost:{self.leader.port}",
        }

    def restore(self, **more: str) -> subprocess.CompletedProcess[str]:
        return run([SCRIPTS / "restore-generation.sh"], self.environment | more)

    def rows(self) -> list[int]:
        with PrivateServer(self.volume / "pgdata", {}) as server:
            server.wait()
            return [row[0] for row in server.rows("SELECT number FROM rows ORDER BY 1", "shop")]

    def test_the_last_commit_is_restored(self) -> None:
        self.write(1)
        without = self.restore(EARLIER_MEMBERS="")
        self.assertEqual(without.returncode, 0, without.stdout)
        self.assertEqual(self.rows(), [])
        shutil.rmtree(self.volume)
        finished = self.restore()
        self.assertEqual(finished.returncode, 0, finished.stdout)
        self.assertIn("is in the archive to its end", finished.stdout)
        self.assertEqual(self.rows(), [1])

    def test_a_recovery_that_stops_short_of_the_end_is_a_refusal(self) -> None:
        """In the middle of the last segment, where damage looks like the end of all WAL."""
        self.leader.archive()
        found = contents(Archive.own(self.leader.environment))
        planned = plan(found, Target())
        data = self.volume / "pgdata"
        last = planned.chain.end
        behind = End(last.timeline, (last.number + 1) * SEGMENT_BYTES + 1)
        fetch(found, planned.base, data)
        with self.assertRaisesRegex(RefusalError, f"{last.name} is damaged"):
            recover(found, planned, Target(), data, end=behind)

    def end(self, archive_seconds: int = 1) -> list[str]:
        said: list[str] = []
        with (
            mock.patch.object(ending, "ANSWER_SECONDS", 0),
            mock.patch.object(ending, "CLOSING_SECONDS", 0),
            mock.patch.object(ending, "ARCHIVE_SECONDS", archive_seconds),
        ):
            ending.archive_the_end(self.environment, "here", said.append)
        return said

    def test_one_that_still_takes_writes_is_a_refusal(self) -> None:
        self.closes("off")
        with self.assertRaisesRegex(RefusalError, "it still accepts writes"):
            self.end()

    def test_a_transaction_from_before_the_closing_is_waited_for(self) -> None:
        """It has written nothing yet, and may."""
        self.closes("off")
        members = Members(self.environment)
        with members.connect("any") as early, early.cursor() as cursor:
            cursor.execute("SELECT 1")
            self.closes("on")
            with self.assertRaisesRegex(RefusalError, "or one is under way"):
                self.end()
        early.close()
        self.assertEqual(len(self.end(archive_seconds=60)), 1)

    def test_one_that_is_gone_is_not_waited_for(self) -> None:
        with mock.patch.object(ending, "ANSWER_SECONDS", 0):
            said: list[str] = []
            environment = self.environment | {"EARLIER_MEMBERS": "localhost:1 gone.invalid:1"}
            ending.archive_the_end(environment, "here", said.append)
        self.assertIn("WARNING: what the generation before had not archived", said[0])

    def test_one_that_cannot_archive_is_a_refusal(self) -> None:
        configuration = self.leader.configuration
        aside = configuration.rename(configuration.with_suffix(".aside"))
        self.addCleanup(lambda: aside.rename(configuration))
        with self.assertRaisesRegex(RefusalError, "is not in the archive of here after 1 s"):
            self.end()

    def test_the_other_regions_archive_is_asked_there(self) -> None:
        environment = self.environment | {"PEER_POSTGRES": "localhost:1"}
        with self.assertRaisesRegex(RefusalError, "the archive of there .* port 1 failed"):
            ending.archive_the_end(environment, "there", print)

    def check(self, point: str) -> subprocess.CompletedProcess[str]:
        more = {"RESTORE_TARGET_KIND": "point", "RESTORE_TARGET": point}
        return run([SCRIPTS / "restore-generation.sh", "--check"], self.environment | more)

    def test_a_point_is_looked_for_beforehand(self) -> None:
        self.closes("off")
        self.leader.sql("SELECT lifeline.create_restore_point('v1')", "shop")
        self.leader.archive()
        there = self.check("v1")
        self.assertEqual(there.returncode, 0, there.stdout)
        never = self.check("v2")
        self.assertEqual(never.returncode, 1)
        self.assertRegex(never.stdout, "restore point v2 was never taken; there is .*v1")
        bucket = self.lab.storage.files / "lifeline-here/postgres-1/archive"
        wal = self.leader.sql("SELECT wal FROM lifeline.restore_points WHERE name = 'v1'", "shop")
        (stored,) = bucket.rglob(f"{wal}-*")
        aside = stored.rename(self.lab.folder / "aside")
        self.addCleanup(lambda: aside.rename(stored))
        lost = self.check("v1")
        self.assertEqual(lost.returncode, 1, lost.stdout)
        self.assertIn(wal, lost.stdout)


if __name__ == "__main__":
    unittest.main()
