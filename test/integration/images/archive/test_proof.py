"""restore-proof.py: green on an archive that is whole, red on every poisoned one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proof.report import Report, Stopped
from proof.s3 import S3Error

from lab import SCRIPTS, Lab
from services import must, run


class Proofs(unittest.TestCase):
    lab: Lab

    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = Lab()
        cls.addClassCleanup(cls.lab.close)
        cls.leader = cls.lab.member("leader").create()
        cls.leader.sql(
            "CREATE TABLE orders (id int PRIMARY KEY, total int CHECK (total > 0));"
            "CREATE TABLE lines (id int PRIMARY KEY, of int REFERENCES orders);"
            "INSERT INTO orders SELECT n, n FROM generate_series(1, 2000) n;"
            "INSERT INTO lines SELECT n, n FROM generate_series(1, 2000) n",
            "shop",
        )
        words = ["pgbackrest", "--stanza=main", "--no-expire-auto", "--type=full", "backup"]
        must(words, cls.leader.environment)
        # The archive then has two timelines, and segments before and after the switch.
        cls.segments = [cls._segment(), cls._segment()]
        cls.leader.new_timeline()
        cls.segments += [cls._segment() for _ in range(3)]
        cls.bucket = cls.lab.storage.files / "lifeline-here/postgres-1"
        cls.archive = cls.bucket / "archive/main/15-1"

    @classmethod
    def _segment(cls) -> str:
        """A segment with two heartbeats a moment apart."""
        cls.leader.beat()
        time.sleep(0.3)
        cls.leader.beat()
        return cls.leader.archive()

    def proof(self, **more: str) -> tuple[subprocess.CompletedProcess[str], dict]:
        finished = run([SCRIPTS / "restore-proof.py"], self.lab.proof_environment(self.leader, **more))
        latest = self.lab.storage.request(
            "lifeline-here", "GET", "reports/restore-proof/latest.json"
        )
        said = re.search(r"^restore-proof: report (\{.*\})$", finished.stdout, re.M)
        assert said is not None, finished.stdout
        self.assertEqual(json.loads(said[1]), json.loads(latest), "the log tells the same")
        return finished, json.loads(latest)

    def red(self, phase: str, sentence: str, **more: str) -> None:
        finished, report = self.proof(**more)
        self.assertEqual(finished.returncode, 1, finished.stdout)
        self.assertEqual(report["result"], "red")
        self.assertEqual([p["name"] for p in report["phases"] if not p["ok"]], [phase], report)
        self.assertRegex(report["reason"], sentence)
        record(self, report["reason"])

    def stored(self, number: int) -> Path:
        """The file of one of the segments above."""
        return next(self.archive.rglob(f"{self.segments[number]}-*"))

    @contextmanager
    def changed(self, *files: Path) -> Iterator[list[bytes]]:
        """Their content, put back afterwards."""
        contents = [file.read_bytes() for file in files]
        try:
            yield contents
        finally:
            for file, content in zip(files, contents, strict=True):
                file.write_bytes(content)

    def test_the_whole_archive_is_green(self) -> None:
        before = listing(self.bucket)
        finished, report = self.proof()
        self.assertEqual(finished.returncode, 0, finished.stdout)
        self.assertEqual((report["result"], report["reason"]), ("green", None))
        names = [
            "ledger",
            "listing",
            "restore",
            "recovery",
            "pages",
            "indexes",
            "dump",
            "constraints",
        ]
        self.assertEqual(
            [p["name"] for p in report["phases"]], [*names, "point-in-time", "repository"]
        )
        self.assertTrue(all(p["ok"] and p["seconds"] > 0 for p in report["phases"]), report)
        self.assertEqual((report["region"], report["generation"]), ("here", 1))
        self.assertGreater(report["measuredRtoSeconds"], 0)
        self.assertLess(report["measuredRpoSeconds"], 600)
        self.assertEqual(listing(self.bucket), before, "a proof writes nothing into the archive")
        self.assertFalse((self.lab.folder / "proof/pgdata").exists())
        record(self, "green")

    def test_one_that_its_deadline_stops_files_that_it_was(self) -> None:
        words = [SCRIPTS / "restore-proof.py"]
        with subprocess.Popen(
            words,
            env={**os.environ, **self.lab.proof_environment(self.leader)},
            stdout=subprocess.PIPE,
            text=True,
        ) as stopped:
            assert stopped.stdout is not None
            for line in stopped.stdout:
                if line.startswith("restore-proof: ok  restore"):
                    stopped.terminate()
            self.assertEqual(stopped.wait(), 1)
        latest = self.lab.storage.request(
            "lifeline-here", "GET", "reports/restore-proof/latest.json"
        )
        report = json.loads(latest)
        self.assertEqual(report["result"], "red")
        self.assertRegex(report["reason"], "it was stopped from outside, as its deadline does")
        self.assertFalse((self.lab.folder / "proof/pgdata").exists())
        record(self, report["reason"])

    def test_a_removed_segment_is_red(self) -> None:
        with self.changed(self.stored(3)):
            self.stored(3).unlink()
            self.red("listing", f"{self.segments[3]} is missing")

    def test_a_removed_last_segment_is_red(self) -> None:
        with self.changed(self.stored(4)):
            self.stored(4).unlink()
            self.red("listing", f"the living database archived {self.segments[4]}")

    def test_a_truncated_segment_is_red(self) -> None:
        with self.changed(self.stored(2)) as (content,):
            self.stored(2).write_bytes(content[: len(content) // 2])
            self.red("recovery", "the WAL between is damaged")

    def test_a_zeroed_segment_is_red(self) -> None:
        with self.changed(self.stored(2)) as (content,):
            self.stored(2).write_bytes(bytes(len(content)))
            self.red("recovery", "the WAL between is damaged")

    def test_a_flipped_bit_in_a_segment_is_red(self) -> None:
        with self.changed(self.stored(3)) as (content,):
            middle = len(content) // 2
            flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
            self.stored(3).write_bytes(flipped)
            self.red("recovery", "the WAL between is damaged")

    def test_two_swapped_segments_are_red(self) -> None:
        with self.changed(self.stored(2), self.stored(3)) as (one, other):
            self.stored(2).write_bytes(other)
            self.stored(3).write_bytes(one)
            self.red("recovery", "the WAL between is damaged")

    def test_a_removed_history_is_red(self) -> None:
        history = self.archive / "00000002.history"
        with self.changed(history):
            history.unlink()
            self.red("listing", "its history 00000002.history is missing")

    def test_a_damaged_manifest_is_red(self) -> None:
        manifest = next(self.bucket.glob("backup/main/*F/backup.manifest"))
        with self.changed(manifest) as (content,):
            manifest.write_bytes(content[:-100])
            self.red("listing", "unable to flush")

    def test_a_damaged_data_file_is_red(self) -> None:
        file = max(
            self.bucket.glob("backup/main/*F/pg_data/base/*/*"), key=lambda f: f.stat().st_size
        )
        with self.changed(file) as (content,):
            middle = len(content) // 2
            file.write_bytes(
                content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
            )
            self.red("restore", "unable to flush|checksum|corruption")

    def test_an_old_segment_nobody_needs_is_judged_too(self) -> None:
        file = next(self.archive.rglob("000000010000000000000001-*"))
        with self.changed(file) as (content,):
            file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
            self.red("repository", "invalid result 15-1/0000000100000000/000000010000000000000001-")

    def test_a_heartbeat_that_lags_behind_is_red(self) -> None:
        self.red("recovery", "older than the living database", MAX_RPO_SECONDS="0.001")

    def test_a_living_database_that_cannot_be_asked_is_red(self) -> None:
        self.red("ledger", "cannot be asked", DATABASE_PORT="1")

    def test_another_cipher_key_is_red(self) -> None:
        wrong = str(self.lab.secrets / "wrong-cipher")
        self.red("listing", "with this cipher key", PGBACKREST_CONFIG_INCLUDE_PATH=wrong)

    def test_a_report_that_cannot_be_filed_is_an_error(self) -> None:
        empty = self.lab.folder / "no-keys"
        empty.mkdir()
        (empty / "access-key").write_text("reader")
        (empty / "secret-key").write_text("reader-secret")
        finished = run(
            [SCRIPTS / "restore-proof.py"],
            self.lab.proof_environment(
                self.leader, DATABASE_PORT="1", REPORTS_FOLDER=str(empty)
            ),
        )
        self.assertEqual(finished.returncode, 1)
        self.assertIn("the report could not be filed", finished.stdout)

    def test_the_credentials_can_do_no_harm(self) -> None:
        storage = self.lab.storage
        for user, method, key in (
            ("reader", "PUT", "postgres-1/x"),
            ("reader", "DELETE", "postgres-1/backup/main/backup.info"),
            ("reporter", "GET", "postgres-1/backup/main/backup.info"),
            ("reporter", "PUT", "postgres-1/x"),
        ):
            with self.assertRaisesRegex(S3Error, "403"):
                storage.request("lifeline-here", method, key, user=user)


class Reasons(unittest.TestCase):
    """A proof may end anywhere."""

    def test_what_ends_it_between_two_phases_is_its_reason(self) -> None:
        for error, reason in ((Stopped("from outside"), "from outside"), (OSError(5), "OSError(5)")):
            report = Report("here", 1)
            with report.phase("restore"):
                pass
            report.ended_by(error)
            self.assertEqual(report.reason, reason)

    def test_what_a_phase_says_is_said_better(self) -> None:
        report = Report("here", 1)
        with self.assertRaises(Stopped) as raised, report.phase("restore"):
            raise Stopped("from outside")
        report.ended_by(raised.exception)
        self.assertEqual(report.reason, "restore: from outside")


class LivingArchives(unittest.TestCase):
    """The archive goes on while it is judged."""

    def setUp(self) -> None:
        self.lab = Lab()
        self.addCleanup(self.lab.close)
        self.leader = self.lab.member("leader").create()
        self.leader.beat()
        words = ["pgbackrest", "--stanza=main", "--type=full", "backup"]
        must(words, self.leader.environment)

    def beats(self) -> None:
        """pgBackRest and S3 tell times by the second."""
        for _ in range(2):
            time.sleep(1.1)
            self.leader.beat()
        time.sleep(1.1)
        self.leader.archive()

    def green_although(self, line: str) -> dict:
        """The report, when heartbeats arrive in the archive once the proof has said this."""
        proof = subprocess.Popen(
            [SCRIPTS / "restore-proof.py"],
            env={**os.environ, **self.lab.proof_environment(self.leader)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert proof.stdout is not None
        said = ""
        while line not in said:
            heard = proof.stdout.readline()
            self.assertNotEqual(heard, "", said)
            said += heard
        self.beats()
        said += proof.stdout.read()
        self.assertEqual(proof.wait(), 0, said)
        report = re.search(r"^restore-proof: report (\{.*\})$", said, re.M)
        assert report is not None, said
        return json.loads(report[1])

    def test_a_backup_that_nothing_followed_yet_is_waited_for(self) -> None:
        self.green_although("waiting for two heartbeats")

    def test_segments_that_arrive_after_the_listing_are_no_fault(self) -> None:
        self.beats()
        report = self.green_although("ok  listing")
        # Recovery replays them as well; lost is what was not there when the archive was looked at.
        self.assertGreater(report["measuredRpoSeconds"], 1)


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file."""
    files = (f for f in folder.rglob("*") if f.is_file())
    return {str(f): (f.stat().st_size, f.stat().st_mtime_ns) for f in files}


def record(test: unittest.TestCase, seen: str) -> None:
    """For the table in docs/faults.md, where somebody asks for it."""
    file = os.environ.get("LIFELINE_FAULTS")
    if file is not None:
        with Path(file).open("a") as table:
            table.write(f"{test.id().rsplit('.', 1)[1]}\t{seen}\n")


if __name__ == "__main__":
    unittest.main()
