"""What a member that rewinds to another region archives afterwards: a real pg_rewind between real servers."""

from __future__ import annotations

import os
import unittest
from pathlib import Path

from agent.command import run
from member import SCRIPTS
from support import Server, World, until


class Rewind(unittest.TestCase):
    """Both archive for themselves, and never see each other's bucket."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.world = World()
        cls.addClassCleanup(cls.world.end)

    def setUp(self) -> None:
        name = self.id().rsplit("_", 1)[1]
        self.here = self.world.server(f"here-{name}").create()
        self.there = self.world.server(f"there-{name}").copy(self.here)
        self.addCleanup(self.there.stop)
        self.here.sql("CREATE TABLE t AS SELECT 1; SELECT pg_switch_wal()")
        until(lambda: self.marks(self.here, "done"), "the first segment is archived")
        position = self.here.sql("SELECT pg_current_wal_lsn()")
        replayed = f"SELECT pg_last_wal_replay_lsn() >= '{position}'"
        until(lambda: self.there.sql(replayed) == "t", "the other region has all of it")
        self.there.stop()
        self.before = self.marks(self.here, "done")
        self.here.sql("INSERT INTO t VALUES (2)")
        self.here.stop()
        self.there.start().promote()
        for _ in range(3):
            self.there.sql("INSERT INTO t VALUES (3); SELECT pg_switch_wal()")
        self.there.sql("CHECKPOINT")
        until(
            lambda: (
                len([m for m in self.marks(self.there, "done") if m.startswith("00000002")]) >= 4
            ),
            "the other region has archived its new timeline",
        )

    @staticmethod
    def marks(server: Server, kind: str) -> set[str]:
        status = server.data / "pg_wal" / "archive_status"
        return {path.stem for path in status.glob(f"*.{kind}")}

    def rewind(self, **more: str) -> tuple[int, str]:
        words = ["-D", str(self.here.data), "--source-server", self.there.conninfo("rewinder_1")]
        environment = {"PGDATA": str(self.here.data), **more}
        finished = run([str(SCRIPTS / "rewind.sh"), *words], 60, environment)
        return finished.code, finished.output + finished.errors

    def assert_whole(self) -> None:
        # The history and every segment of the new timeline, which only the other bucket has.
        ready = self.marks(self.here, "ready")
        self.assertIn("00000002.history", ready)
        self.assertLessEqual(
            {m for m in self.marks(self.there, "done") if m.startswith("00000002") and "." not in m},
            ready,
        )
        self.assertFalse(self.before & ready, "what this bucket has is not looked at again")
        self.assertFalse(Path(f"{self.here.data}.archived").exists())

    def test_what_only_the_other_bucket_has_is_archived_here_once(self) -> None:
        code, output = self.rewind()
        self.assertEqual(code, 0, output)
        self.assert_whole()

    @property
    def aside(self) -> Path:
        return Path(f"{self.here.data}.set-aside")

    def test_what_a_lost_region_alone_has_is_kept(self) -> None:
        for old in ("20260101T000000Z", "20260102T000000Z", "20260103T000000Z"):
            (self.aside / old).mkdir(parents=True)
        wal = self.here.data / "pg_wal"
        lost = max(name for name in self.marks(self.here, "done") if len(name) == 24)
        # As a checkpoint puts ready what it has no use for any more.
        (wal / "0000000100000000000000F0").write_bytes((wal / lost).read_bytes())
        # As after a crash: Patroni takes all marks away before it rewinds.
        for mark in (wal / "archive_status").iterdir():
            mark.unlink()
        written = {p.name: p.read_bytes() for p in wal.glob("0*") if len(p.name) == 24}
        code, output = self.rewind()
        self.assertEqual(code, 0, output)
        self.assertEqual(len(list(self.aside.iterdir())), 3)
        self.assertIn("20260101T000000Z: 3 newer ones are kept", output)
        newest = max(self.aside.iterdir())
        self.assertRegex(output, f"wrote from [0-9A-F/]+ on is in {newest}: {lost} ")
        saved = {path.name: path.read_bytes() for path in newest.iterdir()}
        self.assertLessEqual(saved.items(), written.items())
        # What was inserted after the other region was cut off, and is in nobody's database.
        self.assertEqual(min(saved), lost)
        dump = run(["pg_waldump", str(newest / lost)], 20)
        self.assertRegex(dump.output, r"Heap.*INSERT")
        self.assertRegex(dump.output, r"Transaction.*COMMIT")
        # And where its server ended; nothing that a checkpoint had put ready.
        self.assertEqual(len(saved), 2)

    def test_nothing_is_set_aside_where_there_is_no_need(self) -> None:
        code, output = self.rewind(PATH=self.with_program("pg_rewind", "idle", "echo no rewind required >&2"))
        self.assertEqual(code, 0, output)
        self.assertFalse(self.aside.exists())

    def test_a_member_comes_back_where_nothing_can_be_set_aside(self) -> None:
        self.aside.touch()
        code, output = self.rewind()
        self.assertEqual(code, 0, output)
        self.assertIn("could not be set aside", output)
        self.assert_whole()

    def test_nothing_is_set_aside_inside_a_region(self) -> None:
        code, output = self.rewind(PATH=self.with_program("curl", "writes", "echo '{\"ttl\": 30}'"))
        self.assertEqual(code, 0, output)
        self.assertFalse(self.aside.exists())
        self.assert_whole()

    def with_program(self, program: str, name: str, script: str) -> str:
        fake = self.world.folder / name / program
        fake.parent.mkdir()
        fake.write_text(f"#!/bin/bash\n{script}\n")
        fake.chmod(0o755)
        return f"{fake.parent}:{os.environ['PATH']}"

    def test_an_attempt_that_failed_half_way_forgets_nothing_again(self) -> None:
        theirs = self.there.data / "pg_wal" / "archive_status"
        ours = self.here.data / "pg_wal" / "archive_status"
        path = self.with_program("pg_rewind", "broken", f'[[ "$*" == *--dry-run* ]] || cp {theirs}/*.done {ours}\nexit 1')
        code, _ = self.rewind(PATH=path)
        self.assertEqual(code, 1)
        code, output = self.rewind()
        self.assertEqual(code, 0, output)
        self.assert_whole()

    def test_what_an_attempt_with_other_data_saw_says_nothing_now(self) -> None:
        theirs = {f"{name}.done" for name in self.marks(self.there, "done")}
        Path(f"{self.here.data}.archived").write_text("of another\nbeginning\n" + "\n".join(theirs))
        code, output = self.rewind()
        self.assertEqual(code, 0, output)
        self.assert_whole()
        self.assertTrue(self.aside.exists())

    def test_says_what_pg_rewind_is(self) -> None:
        finished = run([str(SCRIPTS / "rewind.sh"), "--help"], 5)
        self.assertEqual(finished.code, 0)
        self.assertIn("pg_rewind resynchronizes", finished.output)


if __name__ == "__main__":
    unittest.main()
