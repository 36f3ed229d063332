"""backup.sh and restore-point.sh against a leader, a standby and an S3 server."""

from __future__ import annotations

import json
import os
import subprocess
import unittest
from pathlib import Path

from lab import SCRIPTS, Lab, Member
from services import must, run, until


class Backups(unittest.TestCase):
    lab: Lab

    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = Lab()
        cls.addClassCleanup(cls.lab.close)
        cls.leader = cls.lab.member("leader").create()
        cls.standby = cls.lab.member("standby").follow(cls.leader)
        cls.pauses = cls.lab.folder / "pauses"
        cls.program("sleep", f'echo "$1" >>{cls.pauses}; exec /bin/sleep 1')

    @classmethod
    def program(cls, name: str, script: str) -> Path:
        """Takes the place of a program of that name in the pod."""
        file = cls.lab.folder / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/bash\n{script}\n")
        file.chmod(0o755)
        return file

    def environment(self, members: list[Member], **more: str) -> dict[str, str]:
        """Of the CronJob's pod; here the members differ in folder and port, which its environment says."""
        found = self.lab.environment | {
            "PGDATA": str(self.leader.data),
            "PGHOST": str(self.leader.sockets),
            "MEMBERS": " ".join("localhost" for _ in members),
            "BACKUP_PORT": str(members[0].backup_port),
            "DEADLINE_SECONDS": "180",
            "PATH": f"{self.lab.folder}/bin:{os.environ['PATH']}",
            "RESTORE_WINDOW_DAYS": "30",
            "MONTHLY_BACKUPS": "12",
            "PGBACKREST_CONFIG": str(self.leader.configuration),
            "PGBACKREST_CONFIG_INCLUDE_PATH": str(self.lab.secrets / "own"),
        }
        for number, member in enumerate(members, 1):
            prefix = f"PGBACKREST_PG{number}"
            found[f"{prefix}_PATH"] = str(member.data)
            found[f"{prefix}_SOCKET_PATH"] = str(member.sockets)
            found[f"{prefix}_PORT"] = str(member.port)
            found[f"{prefix}_HOST_CONFIG"] = str(member.configuration)
        return found | more

    def backups(self) -> list[dict[str, str]]:
        words = ["pgbackrest", "--stanza=main", "info", "--output=json"]
        return json.loads(must(words, self.leader.environment))[0]["backup"]

    def checked(self) -> list[str]:
        return [b["label"] for b in self.backups() if "checked" in (b.get("annotation") or {})]

    def test_1_a_full_backup_is_taken_verified_and_said_to_be_kept(self) -> None:
        # The standby is the region's only member that answers here; the leader is the other region's.
        peer = f"localhost:{self.leader.backup_port}"
        finished = run(
            [SCRIPTS / "backup.sh", "full"],
            self.environment([self.standby, self.leader], MEMBERS="localhost", PEER_BACKUP=peer),
            seconds=300,
        )
        self.assertEqual(finished.returncode, 0, finished.stdout)
        self.assertIn("the other region's leader begins and ends the backup", finished.stdout)
        self.assertIn("wait for replay on the standby", finished.stdout)
        self.assertIn("status: ok", finished.stdout)
        self.assertRegex(finished.stdout, r"retention: keeping \d{8}-\d{6}F: in the restore window")
        self.assertEqual([b["type"] for b in self.backups()], ["full"])
        self.assertEqual(self.checked(), [self.backups()[0]["label"]])

    def test_2_without_a_standby_the_leader_copies(self) -> None:
        finished = run([SCRIPTS / "backup.sh", "diff"], self.environment([self.leader]))
        self.assertEqual(finished.returncode, 0, finished.stdout)
        self.assertIn("no standby answers", finished.stdout)
        self.assertEqual([b["type"] for b in self.backups()], ["full", "diff"])

    def test_3_a_backup_waits_for_another_one(self) -> None:
        environment = self.environment([self.leader])
        full = ["--type=full", "--annotation=checked=2026-11-22T01:20:00Z", "--no-expire-auto"]
        other = subprocess.Popen(
            ["pgbackrest", "--stanza=main", *full, "backup"],
            env={**self.leader.environment, "PATH": "/usr/bin:/bin"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        lock = self.leader.folder / "lock" / "main-backup.lock"
        until(lambda: lock.exists() and lock.stat().st_size > 0, "the other backup runs")
        finished = run([SCRIPTS / "backup.sh", "incr"], environment, seconds=300)
        self.assertEqual(other.wait(300), 0)
        self.assertEqual(finished.returncode, 0, finished.stdout)
        self.assertIn("another backup is running; waiting for it", finished.stdout)
        self.assertEqual([b["type"] for b in self.backups()], ["full", "diff", "full", "incr"])

    def test_3_two_that_begin_at_once_do_not_meet_for_ever(self) -> None:
        self.pauses.unlink(missing_ok=True)
        said = "WARN: unable to check pg1: [LockAcquireError]; ERROR: [056]: unable to find primary cluster"
        tries = f"$(wc -l <{self.pauses} 2>/dev/null || echo 0)"
        fake = self.program("pgbackrest", f'(({tries} < 4)) && echo "{said}"; exit 1')
        run([SCRIPTS / "backup.sh", "incr"], self.environment([self.standby]))
        fake.unlink()
        pauses = [float(line) for line in self.pauses.read_text().split()]
        self.assertEqual(len(pauses), 4)
        self.assertGreater(len(set(pauses)), 2, pauses)
        self.assertTrue(all(8 <= pause < 24 for pause in pauses), pauses)

    def test_4_a_member_that_is_gone_costs_seconds_and_nobody_is_an_error(self) -> None:
        environment = self.environment([self.leader], MEMBERS="gone.invalid", DEADLINE_SECONDS="5")
        finished = run([SCRIPTS / "backup.sh", "full"], environment, seconds=10)
        self.assertEqual(finished.returncode, 1)
        self.assertIn("no member answers: gone.invalid", finished.stdout)

    def test_5_a_region_without_its_writer_says_what_it_needs(self) -> None:
        environment = self.environment([self.standby], PEER_BACKUP="localhost:1")
        finished = run([SCRIPTS / "backup.sh", "incr"], environment)
        self.assertEqual(finished.returncode, 1)
        self.assertIn("the other region's leader does not answer at localhost:1", finished.stdout)

    def test_6_bad_calls_are_refused(self) -> None:
        for word in ("", "everything"):
            finished = run([SCRIPTS / "backup.sh", word], self.environment([self.leader]))
            self.assertEqual(finished.returncode, 2)
        finished = run([SCRIPTS / "backup.sh", "full"], self.environment([self.leader], MEMBERS=""))
        self.assertEqual(
            (finished.returncode, finished.stdout), (2, "backup: MEMBERS is not set\n")
        )

    def test_7_a_file_that_is_missing_in_the_bucket_is_found(self) -> None:
        label = self.backups()[-1]["reference"][0]
        folder = self.lab.storage.files / "lifeline-here/postgres-1/backup/main" / label
        victim = next((folder / "pg_data/base").rglob("1259.zst"))
        content = victim.read_bytes()
        words = [
            "/usr/bin/python3",
            "-c",
            "import sys; from recovery.manifest import main; sys.exit(main())",
        ]
        environment = self.environment([self.leader])
        victim.unlink()
        missing = run(words, environment)
        victim.write_bytes(content[: len(content) // 2])
        short = run(words, environment)
        victim.write_bytes(content)
        whole = run(words, environment)
        self.assertEqual(
            (missing.returncode, short.returncode, whole.returncode), (1, 1, 0), whole.stdout
        )
        self.assertIn("1259.zst of backup", missing.stdout)
        self.assertIn("fewer than", short.stdout)

    def test_8_old_sets_are_expired_with_their_wal(self) -> None:
        # One backup of each kind from the past cannot be had; a window of nothing stands for it.
        program = (
            "import sys, retention; from datetime import timedelta; "
            "retention.Policy = lambda **_: P(timedelta(0), 1, 1, 1); sys.exit(retention.main())"
        )
        words = ["/usr/bin/python3", "-c", f"from retention import Policy as P; {program}"]
        before = [b["label"] for b in self.backups()]
        finished = run(words, self.environment([self.leader]))
        self.assertEqual(finished.returncode, 0, finished.stdout)
        after = [b["label"] for b in self.backups()]
        self.assertEqual(after, before[2:])
        words = ["pgbackrest", "--stanza=main", "info", "--output=json"]
        archive = json.loads(must(words, self.leader.environment))[0]["archive"][0]
        self.assertGreaterEqual(archive["min"], self.backups()[0]["archive"]["start"])

    def test_9_the_first_one_is_taken_again_until_its_whole_run_ended_well(self) -> None:
        for label in self.checked():
            words = [f"--set={label}", "--annotation=checked=", "annotate"]
            must(["pgbackrest", "--stanza=main", *words], self.leader.environment)
        self.assertEqual(self.checked(), [])
        before = len(self.backups())
        failed = self.environment([self.leader], MONTHLY_BACKUPS="some")
        finished = run([SCRIPTS / "backup.sh", "first"], failed, seconds=300)
        self.assertEqual(finished.returncode, 1)
        self.assertIn("old ones could not be expired", finished.stdout)
        self.assertEqual((len(self.backups()), self.checked()), (before + 1, []))
        again = run([SCRIPTS / "backup.sh", "first"], self.environment([self.leader]), seconds=300)
        self.assertEqual(again.returncode, 0, again.stdout)
        self.assertEqual(self.checked(), [self.backups()[-1]["label"]])
        once_more = run([SCRIPTS / "backup.sh", "first"], self.environment([self.leader]))
        self.assertEqual(once_more.returncode, 0)
        self.assertIn("has a full backup already", once_more.stdout)

    def test_9_the_first_one_waits_for_the_wal_that_makes_the_stanza(self) -> None:
        there = self.lab.storage.files / "lifeline-here/postgres-1/backup"
        away = there.with_name("not-yet")
        there.rename(away)
        with subprocess.Popen(
            [SCRIPTS / "backup.sh", "first"],
            env={**os.environ, **self.environment([self.leader])},
            stdout=subprocess.PIPE,
            text=True,
        ) as waiting:
            assert waiting.stdout is not None
            said = ""
            while "waiting for the first WAL" not in said:
                heard = waiting.stdout.readline()
                self.assertNotEqual(heard, "", said)
                said += heard
            away.rename(there)
            said += waiting.stdout.read()
            self.assertEqual(waiting.wait(), 0, said)
        self.assertIn("full backup taken", said)



class RestorePoints(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = Lab()
        cls.addClassCleanup(cls.lab.close)
        cls.leader = cls.lab.member("leader").create()

    def point(self, *names: str, **more: str):
        environment = self.lab.client(self.leader) | {"DEADLINE_SECONDS": "20"} | more
        return run([SCRIPTS / "restore-point.sh", *names], environment)

    def test_a_point_is_in_the_archive_when_it_returns_and_is_made_once(self) -> None:
        first = self.point("v1.4.0")
        self.assertEqual(first.returncode, 0, first.stdout)
        self.assertIn("is in this region's archive", first.stdout)
        again = self.point("v1.4.0")
        self.assertEqual(again.stdout.splitlines()[0], first.stdout.splitlines()[0])
        self.assertEqual(
            self.leader.sql("SELECT count(*) FROM lifeline.restore_points", "shop"), "1"
        )
        wal = first.stdout.splitlines()[0].split()[-1]
        found = self.lab.storage.files / "lifeline-here/postgres-1/archive/main/15-1" / wal[:16]
        self.assertEqual(len(list(found.glob(f"{wal}-*"))), 1)

    def test_an_attempt_takes_what_the_one_before_did_not(self) -> None:
        first = self.point("v1.5.0")
        both = self.point("v1.5.0", "v1.5.0.2")
        self.assertEqual(both.returncode, 0, both.stdout)
        self.assertEqual(both.stdout.splitlines()[0], first.stdout.splitlines()[0])
        self.assertIn("v1.5.0.2 is at", both.stdout)
        taken = "SELECT string_agg(name, ' ' ORDER BY lsn) FROM lifeline.restore_points WHERE name ~ '^v1.6'"
        self.assertEqual(self.point("v1.6.0", "v1.6.0.2").returncode, 0)
        self.assertEqual(self.leader.sql(taken, "shop"), "v1.6.0 v1.6.0.2")

    def test_the_other_region_is_waited_for_and_then_only_warned_about(self) -> None:
        good = self.point("v1.4.1", PEER_POSTGRES=f"localhost:{self.leader.port}")
        self.assertEqual(good.returncode, 0)
        self.assertIn("is in the other region's archive", good.stdout)
        bad = self.point("v1.4.2", PEER_POSTGRES="localhost:1", DEADLINE_SECONDS="3")
        self.assertEqual(bad.returncode, 0)
        self.assertIn("WARNING", bad.stdout)

    def test_without_an_archive_there_is_no_point(self) -> None:
        self.lab.storage.pause()
        try:
            finished = self.point("v1.4.3", DEADLINE_SECONDS="3")
        finally:
            self.lab.storage.go_on()
        self.assertEqual(finished.returncode, 1)
        self.assertIn("there is no way back to v1.4.3", finished.stdout)

    def test_names_and_rights_are_checked(self) -> None:
        self.assertEqual(self.point().returncode, 2)
        self.assertEqual(self.point("v1.7.0", "a b").returncode, 2)
        for name in ("", "-x", "a b", "x" * 64, "a'b"):
            self.assertEqual(self.point(name).returncode, 2)
        refused = run(
            [
                "psql",
                "-X",
                "-h",
                "localhost",
                "-p",
                self.leader.port,
                "-U",
                "shop_user",
                "-d",
                "shop",
            ]
            + ["-c", "DELETE FROM lifeline.heartbeat"],
            self.lab.client(self.leader) | {"PGPASSWORD": "a $ecret"},
        )
        self.assertIn("permission denied", refused.stdout)

    def test_the_schema_can_be_made_again(self) -> None:
        self.leader.schema()


if __name__ == "__main__":
    unittest.main()
