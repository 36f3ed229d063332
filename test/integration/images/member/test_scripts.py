"""The scripts that Patroni and Postgres run: on a real Postgres and a real pgBackRest with repositories on disk."""

from __future__ import annotations

import socket
import subprocess
import time
import unittest
from pathlib import Path

from member import Member

SEGMENT = 16 << 20


class Push(Member):
    name = "0000000100000000000000AA"

    def push(self, name: str, **more: str) -> subprocess.CompletedProcess[str]:
        return self.run_script("archive-push.sh", self.segment(name), name, "pgbackrest", **more)

    def history(self, *lines: str) -> None:
        """The newest history that the member knows."""
        file = self.server.data / "pg_wal" / f"{len(lines) + 1:08X}.history"
        file.write_text("\n".join(lines) + "\n")
        self.addCleanup(file.unlink)

    def test_the_leader_archives_and_makes_the_stanza_that_nobody_made(self) -> None:
        done = self.push(self.name)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(self.name, self.archived())
        again = self.push(self.name)
        self.assertEqual(again.returncode, 0, again.stdout)

    def test_others_wait_until_the_leader_has_archived(self) -> None:
        self.patroni.status = (503, {})
        early = self.push(self.name)
        self.assertEqual(early.returncode, 1, early.stdout)
        self.assertIn("for the leader to archive", early.stdout)
        self.patroni.lead("p-0")
        self.assertEqual(self.push(self.name).returncode, 0)
        self.patroni.status = (503, {})
        late = self.push(self.name)
        self.assertEqual(late.returncode, 0, late.stdout)

    def test_others_do_not_wait_for_what_comes_before_all_that_the_bucket_has(self) -> None:
        self.assertEqual(self.push(self.name).returncode, 0)
        self.patroni.status = (503, {})
        before = self.push(f"{self.name[:-2]}A9")
        self.assertEqual(before.returncode, 0, before.stdout)
        later = self.push(f"{self.name[:-2]}AB")
        self.assertEqual(later.returncode, 1, later.stdout)
        # The leader archives it all the same.
        self.patroni.lead("p-0")
        self.assertEqual(self.push(f"{self.name[:-2]}A9").returncode, 0)
        self.assertIn(f"{self.name[:-2]}A9", self.archived())

    def test_what_no_restore_asks_for_holds_up_nobody_but_the_leader(self) -> None:
        self.patroni.status = (503, {})
        for name in (f"{self.name}.00000028.backup", f"{self.name}.partial"):
            done = self.run_script("archive-push.sh", f"pg_wal/{name}", name, "pgbackrest")
            self.assertEqual(done.returncode, 0, done.stdout)
        history = self.run_script("archive-push.sh", "pg_wal/x", "00000009.history", "pgbackrest")
        self.assertEqual(history.returncode, 1, history.stdout)

    def test_a_standby_without_its_patroni_archives_nothing(self) -> None:
        signal = self.server.data / "standby.signal"
        signal.touch()
        self.addCleanup(signal.unlink)
        done = self.push(self.name, PATRONI_API="https://localhost:1")
        self.assertEqual(done.returncode, 1, done.stdout)

    def test_a_dead_leaders_last_segments_are_saved_before_patroni_is_up(self) -> None:
        done = self.push(self.name, PATRONI_API="https://localhost:1")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_what_lies_past_a_switch_of_timelines_is_dropped_by_every_member(self) -> None:
        self.history("1\t0/AA000400\tno recovery target specified", "2\t0/AC000000\tx")
        for status in ((200, {}), (503, {})):
            self.patroni.status = status
            done = self.push(self.name)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn("timeline was left", done.stdout)
        self.assertEqual(self.push("0000000200000000000000AC").returncode, 0)
        self.assertFalse((self.folder / "own/archive").exists())

    def test_what_lies_before_a_switch_is_archived(self) -> None:
        self.history("1\t0/AB000400\tno recovery target specified")
        for name in (self.name, "0000000200000000000000AB"):
            done = self.push(name)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn(name, self.archived())

    def test_positions_beyond_four_gigabytes_are_compared_as_numbers(self) -> None:
        self.history("1\t1/2000000\tno recovery target specified")
        kept = "0000000100000001000000" + "01"
        self.assertEqual(self.push(kept).returncode, 0)
        self.assertIn(kept, self.archived())
        self.assertIn("timeline was left", self.push("000000010000000100000002").stdout)

    def test_a_repository_that_fails_is_a_failure(self) -> None:
        (self.folder / "own").rmdir()
        (self.folder / "own").write_text("not a folder")
        self.assertNotEqual(self.push(self.name).returncode, 0)


class Get(Member):
    name = "0000000100000000000000BB"

    def get(self, **more: str) -> tuple[int, float, str]:
        """Exit code, seconds, output."""
        started = time.monotonic()
        done = self.run_script("archive-get.sh", self.name, str(self.folder / "got"), **more)
        return done.returncode, time.monotonic() - started, done.stdout

    def fill(self, peer: bool) -> None:
        self.pgbackrest("--no-online", "stanza-create", peer=peer)
        self.pgbackrest("archive-push", str(self.server.data / self.segment(self.name)), peer=peer)

    def test_takes_what_the_own_archive_has(self) -> None:
        self.fill(peer=False)
        code, _, output = self.get()
        self.assertEqual(code, 0, output)
        self.assertEqual((self.folder / "got").stat().st_size, SEGMENT)
        self.assertNotIn("other region", output)

    def test_takes_from_the_other_region_what_the_own_archive_lacks(self) -> None:
        self.fill(peer=True)
        code, _, output = self.get()
        self.assertEqual(code, 0, output)
        self.assertIn("came from the other region's bucket", output)

    def test_what_nobody_has_is_no_order_to_stop(self) -> None:
        code, _, output = self.get()
        self.assertEqual(code, 1, output)

    def test_a_server_that_is_away_costs_a_second_once(self) -> None:
        self.fill(peer=False)
        self.name = "0000000100000000000000BC"
        with socket.socket() as silent:
            # A full backlog swallows connections, as a dead region does.
            silent.bind(("127.0.0.1", 0))
            silent.listen(0)
            port = silent.getsockname()[1]
            fillers = [socket.socket() for _ in range(4)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            self.configure(
                "pgbackrest-peer.conf",
                "peer",
                "repo1-type=s3\nrepo1-s3-bucket=b\nrepo1-s3-region=r\nrepo1-s3-key=k\nrepo1-s3-key-secret=s\n"
                f"repo1-s3-endpoint=127.0.0.1:{port}",
            )
            code, first, output = self.get()
            self.assertEqual(code, 1, output)
            self.assertLess(first, 3)
            self.assertGreater(first, 0.9)
            # The best of three: a busy machine delays some, but an attempt to connect would delay each.
            again = [self.get() for _ in range(3)]
            self.assertEqual([code for code, _, _ in again], [1, 1, 1], again)
            self.assertLess(min(seconds for _, seconds, _ in again), 0.9)
            for filler in fillers:
                filler.close()


class CreateReplica(Member):
    def back_up(self, peer: bool) -> None:
        self.pgbackrest("--no-online", "stanza-create", peer=peer)
        self.pgbackrest(
            "--no-online", "--type=full", "--repo1-retention-full=1", "backup", peer=peer
        )

    def create(self) -> tuple[int, str, Path]:
        """Exit code, output and the folder of the copy."""
        target = self.folder / "copy"
        for file in self.folder.glob("*.conf"):
            file.write_text(file.read_text().replace(str(self.server.data), str(target)))
        target.mkdir(mode=0o700)
        done = self.run_script("create-replica.sh", PGDATA=str(target))
        return done.returncode, done.stdout, target

    def test_restores_the_own_regions_backup_as_a_standby(self) -> None:
        self.back_up(peer=False)
        code, output, copy = self.create()
        self.assertEqual(code, 0, output)
        self.assertTrue((copy / "standby.signal").exists())
        self.assertNotIn("other region", output)

    def test_restores_the_other_regions_backup_when_there_is_none(self) -> None:
        self.back_up(peer=True)
        code, output, copy = self.create()
        self.assertEqual(code, 0, output)
        self.assertIn("trying the other region's", output)
        self.assertTrue((copy / "standby.signal").exists())

    def test_leaves_the_copy_to_patroni_when_nobody_has_a_backup(self) -> None:
        code, output, copy = self.create()
        self.assertEqual(code, 1, output)
        self.assertEqual(list(copy.iterdir()), [])


class Ready(Member):
    def ready(self) -> subprocess.CompletedProcess[str]:
        return self.run_script("ready.sh", STATE_FOLDER=str(self.folder / "tmp"))

    def test_is_ready_when_patroni_says_so(self) -> None:
        done = self.ready()
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.patroni.status = (503, {})
        self.assertNotEqual(self.ready().returncode, 0)

    def test_is_not_ready_while_diverged(self) -> None:
        (self.folder / "tmp/diverged").write_text("stuck: for long\n")
        done = self.ready()
        self.assertEqual(done.returncode, 1)
        self.assertIn("stuck: for long", done.stdout)


if __name__ == "__main__":
    unittest.main()
