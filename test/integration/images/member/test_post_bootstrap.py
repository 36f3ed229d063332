"""What makes roles, database, schema and stanza after the first start: on a real Postgres and a real pgBackRest."""

from __future__ import annotations

from member import Member


class PostBootstrap(Member):
    def setUp(self) -> None:
        super().setUp()
        self.server.start()
        self.addCleanup(self.server.stop)
        (self.folder / "password").write_text("a $trange 'pass\"word\n")
        self.environment |= {
            "PGHOST": str(self.server.sockets),
            "PGPORT": str(self.server.port),
            "GENERATION": "3",
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
            sql("SELECT rolreplication FROM pg_roles WHERE rolname = 'replicator_3'"), "t"
        )
        self.assertEqual(sql("SELECT pg_has_role('exporter', 'pg_monitor', 'member')"), "t")
        self.assertEqual(sql("SELECT has_database_privilege('exporter', 'gravl', 'connect')"), "f")
        stat = "'pg_stat_file(text, boolean)'"
        self.assertEqual(sql(f"SELECT has_function_privilege('rewinder_3', {stat}, 'execute')"), "t")
        self.assertEqual(sql("SELECT to_regclass('lifeline.heartbeat') IS NOT NULL", "gravl"), "t")
        self.assertIn("archive.info", self.archived())
        self.assertNotIn("trange", self.server.log.read_text())

    def test_keeps_the_password_from_a_log_of_everything(self) -> None:
        """A statement that takes long on a busy machine is logged whole, unless its session forbids it."""
        durations = ("log_min_duration_statement", "log_min_duration_sample")
        everything = {name: "0" for name in durations}
        everything |= {"log_statement": "all", "log_duration": "on"}
        everything |= {"log_statement_sample_rate": "1", "log_transaction_sample_rate": "1"}
        self.addCleanup(self.server.sql, "SELECT pg_reload_conf()")
        for name, value in everything.items():
            self.server.sql(f"ALTER SYSTEM SET {name} = '{value}'")
            self.addCleanup(self.server.sql, f"ALTER SYSTEM RESET {name}")
        self.server.sql("SELECT pg_reload_conf()")
        self.server.sql("SELECT 'is logged'")
        done = self.run_script("post-bootstrap.sh")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("is logged", self.server.log.read_text())
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

    def foreign_stanza(self, name: str) -> str:
        """The stanza of another database cluster in this bucket; the option that leads to it."""
        other = self.world.server(name).create()
        other.stop()
        text = (self.folder / "pgbackrest.conf").read_text()
        foreign = self.folder / "foreign.conf"
        foreign.write_text(text.replace(str(self.server.data), str(other.data)))
        self.pgbackrest(f"--config={foreign}", "--no-online", "stanza-create")
        return f"--config={foreign}"

    def test_refuses_the_archive_of_another_database_cluster(self) -> None:
        foreign = self.foreign_stanza("used")
        wal = self.world.folder / "used" / "pgdata" / "pg_wal"
        self.pgbackrest(foreign, "archive-push", str(next(wal.glob("0*"))))
        self.refuse("the archive of another database cluster")

    def test_refuses_a_large_archive_too(self) -> None:
        self.foreign_stanza("large")
        folder = self.folder / "own" / "archive" / "main" / "15-1" / "0000000100000000"
        folder.mkdir(parents=True)
        files = [folder / f"00000001{number:016X}-{'0' * 40}.zst" for number in range(5000)]
        for file in files:
            file.touch()
        self.refuse("the archive of another database cluster")
        self.assertEqual(sum(file.exists() for file in files), len(files))

    def test_replaces_the_empty_stanza_of_an_attempt_that_was_cut_short(self) -> None:
        self.foreign_stanza("empty")
        done = self.run_script("post-bootstrap.sh")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("holds nothing", done.stdout)
        # It is this cluster's now.
        self.pgbackrest("--no-online", "stanza-create")

    def test_refuses_names_that_are_none_or_reserved(self) -> None:
        for name in ("", "Shop; DROP", "x" * 64):
            self.refuse(
                f'must be a lower-case name of letters, digits and underscores, at most 63, got "{name}"',
                POSTGRES_DB=name,
            )
        for name in ("postgres", "replicator_1", "rewinder_2", "exporter", "pg_monitor"):
            self.refuse(f'POSTGRES_USER is "{name}", which is reserved', POSTGRES_USER=name)

    def test_refuses_a_password_that_is_none(self) -> None:
        self.refuse("POSTGRES_PASSWORD_FILE is not set", POSTGRES_PASSWORD_FILE="")
        self.refuse("cannot read /nowhere", POSTGRES_PASSWORD_FILE="/nowhere")
        (self.folder / "password").write_text("\n")
        self.refuse("is empty")
        (self.folder / "password").write_text("one\ntwo\n")
        self.refuse("must hold one line")
