"""The scripts that Patroni and Postgres run: on a real Postgres and a real pgBackRest with repositories on disk."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import unittest
from pathlib import Path

from support import FakePatroni, World

SCRIPTS = Path(os.environ["LIFELINE_SCRIPTS"])
SEGMENT = 16 << 20


class Member(unittest.TestCase):
    """A stopped database cluster with a repository of its own and the other region's."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.world = World()
        cls.server = cls.world.server("member").create()
        cls.server.stop()
        cls.patroni = FakePatroni(cls.world.certificates)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.patroni.stop()
        cls.world.end()

    def setUp(self) -> None:
        self.folder = self.world.folder / self.id().rsplit(".", 1)[1]
        for name in ("own", "peer", "peer-secrets", "tmp"):
            (self.folder / name).mkdir(parents=True)
        self.environment = {
            "PATH": os.environ["PATH"],
            "PGDATA": str(self.server.data),
            "TLS_FOLDER": str(self.world.certificates.folder),
            "TMPDIR": str(self.folder / "tmp"),
            "PATRONI_API": f"https://localhost:{self.patroni.port}",
            "PGBACKREST_CONFIG": str(self.configure("pgbackrest.conf", "own")),
            "ARCHIVE_PEER": str(self.folder / "peer-secrets"),
        }
        self.configure("pgbackrest-peer.conf", "peer")
        self.patroni.lead("p-0")

    def configure(self, name: str, repository: str, more: str = "") -> Path:
        """A configuration of pgBackRest; the repository is a folder unless `more` says otherwise."""
        file = self.folder / name
        file.write_text(
            f"[global]\n{more or f'repo1-path={self.folder}/{repository}'}\n"
            "repo1-cipher-type=aes-256-cbc\nrepo1-cipher-pass=secret\n"
            f"lock-path={self.folder}/lock\nspool-path={self.folder}/spool\nlog-level-file=off\narchive-mode-check=n\n"
            f"[main]\npg1-path={self.server.data}\npg1-socket-path={self.server.sockets}\n"
            f"pg1-port={self.server.port}\npg1-user=postgres\n"
        )
        return file

    def run_script(self, name: str, *args: str, **more: str) -> subprocess.CompletedProcess[str]:
        """The script's end, with all it said."""
        return subprocess.run(
            [str(SCRIPTS / name), *args],
            env={**self.environment, **more},
            cwd=self.server.data,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )

    def pgbackrest(self, *args: str, peer: bool = False) -> str:
        """Its output; fails the test when it fails."""
        config = [f"--config={self.folder}/pgbackrest-peer.conf"] if peer else []
        words = ["pgbackrest", "--stanza=main", *config, *args]
        return subprocess.check_output(words, env=self.environment, text=True)

    def segment(self, name: str) -> str:
        """A segment of the cluster under this name: PATH of archive_command."""
        source = next(
            path for path in sorted((self.server.data / "pg_wal").glob("0" * 7 + "1" + "?" * 16))
        )
        content = bytearray(source.read_bytes())
        # The page header names the timeline, which nobody looks at here; the system identifier stays.
        file = self.server.data / "pg_wal" / name
        if file != source:
            file.write_bytes(content)
            self.addCleanup(file.unlink, missing_ok=True)
        return f"pg_wal/{name}"

    def archived(self) -> str:
        """Names of what is in the own repository."""
        return self.pgbackrest("repo-ls", "--recurse", "archive/main")


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
            code, second, output = self.get()
            self.assertEqual(code, 1, output)
            self.assertLess(second, 0.9)
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


class PostBootstrap(Member):
    def setUp(self) -> None:
        super().setUp()
        self.server.start()
        self.addCleanup(self.server.stop)
        (self.folder / "password").write_text("a $trange 'pass\"word\n")
        self.environment |= {
            "PGHOST": str(self.server.sockets),
            "PGPORT": str(self.server.port),
            "POSTGRES_DB": "gravl",
            "POSTGRES_USER": "gravl_user",
            "POSTGRES_PASSWORD_FILE": str(self.folder / "password"),
        }
        self.addCleanup(self.server.sql, "DROP ROLE IF EXISTS gravl_user")
        self.addCleanup(self.server.sql, "DROP DATABASE IF EXISTS gravl")

    def refuse(self, message: str, **more: str) -> None:
        done = self.run_script("post-bootstrap.sh", **more)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(message, done.stdout)

    def test_makes_roles_database_schema_and_stanza_and_never_prints_the_password(self) -> None:
        for _ in range(2):
            done = self.run_script("post-bootstrap.sh")
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertNotIn("trange", done.stdout)
        sql = self.server.sql
        self.assertEqual(
            sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'gravl'"),
            "gravl_user",
        )
        rights = "rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls"
        self.assertEqual(sql(f"SELECT {rights} FROM pg_roles WHERE rolname = 'gravl_user'"), "f")
        self.assertEqual(
            sql("SELECT rolreplication FROM pg_roles WHERE rolname = 'replicator'"), "t"
        )
        self.assertEqual(sql("SELECT pg_has_role('exporter', 'pg_monitor', 'member')"), "t")
        self.assertEqual(sql("SELECT has_database_privilege('exporter', 'gravl', 'connect')"), "f")
        stat = "'pg_stat_file(text, boolean)'"
        self.assertEqual(sql(f"SELECT has_function_privilege('rewinder', {stat}, 'execute')"), "t")
        self.assertEqual(sql("SELECT to_regclass('lifeline.heartbeat') IS NOT NULL", "gravl"), "t")
        self.assertIn("archive.info", self.archived())
        self.assertNotIn("trange", self.server.log.read_text())

    def test_takes_over_a_changed_password(self) -> None:
        self.assertEqual(self.run_script("post-bootstrap.sh").returncode, 0)
        stored = "SELECT rolpassword FROM pg_authid WHERE rolname = 'gravl_user'"
        before = self.server.sql(stored)
        (self.folder / "password").write_text("rotated")
        self.assertEqual(self.run_script("post-bootstrap.sh").returncode, 0)
        self.assertNotEqual(self.server.sql(stored), before)

    def test_goes_on_while_the_bucket_is_away(self) -> None:
        (self.folder / "own").rmdir()
        (self.folder / "own").write_text("not a folder")
        done = self.run_script("post-bootstrap.sh")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("no stanza yet", done.stdout)

    def test_refuses_the_archive_of_another_database_cluster(self) -> None:
        other = self.world.server("foreign").create()
        other.stop()
        text = (self.folder / "pgbackrest.conf").read_text()
        foreign = self.folder / "foreign.conf"
        foreign.write_text(text.replace(str(self.server.data), str(other.data)))
        self.pgbackrest(f"--config={foreign}", "--no-online", "stanza-create")
        self.refuse("the archive of another database cluster")

    def test_refuses_names_that_are_none_or_reserved(self) -> None:
        for name in ("", "Shop; DROP", "x" * 64):
            self.refuse(
                f'must be a lower-case name of letters, digits and underscores, at most 63, got "{name}"',
                POSTGRES_DB=name,
            )
        for name in ("postgres", "replicator", "rewinder", "exporter", "pg_monitor"):
            self.refuse(f'POSTGRES_USER is "{name}", which is reserved', POSTGRES_USER=name)

    def test_refuses_a_password_that_is_none(self) -> None:
        self.refuse("POSTGRES_PASSWORD_FILE is not set", POSTGRES_PASSWORD_FILE="")
        self.refuse("cannot read /nowhere", POSTGRES_PASSWORD_FILE="/nowhere")
        (self.folder / "password").write_text("\n")
        self.refuse("is empty")
        (self.folder / "password").write_text("one\ntwo\n")
        self.refuse("must hold one line")


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
