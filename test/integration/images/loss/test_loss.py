"""What a restore takes away, on a real server: two databases stand for two generations."""

from __future__ import annotations

import json
import os
import unittest
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import psycopg2
from loss import main as loss
from loss.compare import lost, tables
from support import Certificates, Server

_BEFORE = """
CREATE TABLE notes (id int PRIMARY KEY, text text, created_at timestamptz);
CREATE TABLE unkeyed (word text);
CREATE SCHEMA "Sales";
CREATE TABLE "Sales"."Order" ("Number" int PRIMARY KEY);
INSERT INTO notes SELECT n, 'note ' || n || ' is long', 'epoch' FROM generate_series(1, 500) n;
INSERT INTO unkeyed VALUES ('a'), ('a');
"""


class Loss(unittest.TestCase):
    folder: Path
    server: Server

    @classmethod
    def setUpClass(cls) -> None:
        folder = TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.server = Server(cls.folder, Certificates(cls.folder)).create()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self) -> None:
        for name in ("old", "new"):
            self.server.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            self.server.sql(f"CREATE DATABASE {name}")
            self.server.sql(_BEFORE, name)

    def connect(self, name: str) -> Any:
        connection = psycopg2.connect(
            host=str(self.server.sockets), port=self.server.port, user="postgres", dbname=name
        )
        self.addCleanup(connection.close)
        return connection

    def lost(self) -> dict[str, list[dict[str, Any]]]:
        old, new = self.connect("old"), self.connect("new")
        known = tables(new)
        return {
            table: [json.loads(row) for row in lost(old, new, table, columns, known.get(table, []))]
            for table, columns in tables(old).items()
        }

    def test_nothing_is_lost_of_equal_data(self) -> None:
        self.assertEqual(self.lost(), {"public.notes": [], "public.unkeyed": [], '"Sales"."Order"': []})

    def test_rows_written_and_changed_since_are_lost(self) -> None:
        self.server.sql("INSERT INTO notes VALUES (501, 'later', 'epoch')", "old")
        self.server.sql("UPDATE notes SET text = 'changed' WHERE id = 7", "old")
        self.server.sql('INSERT INTO "Sales"."Order" VALUES (1)', "old")
        found = self.lost()
        self.assertEqual(sorted(row["id"] for row in found["public.notes"]), [7, 501])
        self.assertEqual(found['"Sales"."Order"'], [{"Number": 1}])

    def test_rows_that_a_migration_ruined_are_not_lost(self) -> None:
        self.server.sql("ALTER TABLE notes RENAME COLUMN text TO body", "old")
        self.server.sql("UPDATE notes SET body = split_part(body, ' ', 1)", "old")
        self.server.sql("INSERT INTO notes VALUES (501, 'later', 'epoch')", "old")
        self.assertEqual(
            [(row["id"], row["body"]) for row in self.lost()["public.notes"]], [(501, "later")]
        )

    def test_equal_rows_count_each(self) -> None:
        self.server.sql("INSERT INTO unkeyed VALUES ('a')", "old")
        self.assertEqual(self.lost()["public.unkeyed"], [{"word": "a"}])

    def test_a_table_made_since_is_lost_whole(self) -> None:
        self.server.sql("CREATE TABLE later AS SELECT 1 AS number", "old")
        self.assertEqual(self.lost()["public.later"], [{"number": 1}])

    def test_rows_of_the_new_data_are_not_counted(self) -> None:
        self.server.sql("INSERT INTO notes VALUES (501, 'new life', 'epoch')", "new")
        self.assertEqual(self.lost()["public.notes"], [])

    def exported(
        self, new: Callable[[str], Any], old: Callable[[str], Any], code: int = 0
    ) -> dict[str, bytes]:
        """What is filed; whoever asks for a session says of which kind."""
        files: dict[str, bytes] = {}

        def put(_bucket: object, _keys: object, _method: str, key: str, body: bytes) -> bytes:
            files[key] = body
            return b""

        configuration = self.folder / "pgbackrest.conf"
        configuration.write_text(
            "repo1-s3-bucket=b\nrepo1-s3-endpoint=s3.r.test\nrepo1-s3-region=r\n"
        )
        reports = self.folder / "reports"
        reports.mkdir(exist_ok=True)
        for name in ("access-key", "secret-key"):
            (reports / name).write_text("x")
        environment = {
            "OLD_MEMBERS": "localhost",
            "NEW_MEMBERS": "127.0.0.1",
            "OLD_GENERATION": "1",
            "RESTORED_TO": "point v1.4.0",
            "WAIT_SECONDS": "0",
            "PGBACKREST_CONFIG": str(configuration),
            "REPORTS_FOLDER": str(reports),
        }
        with (
            mock.patch.dict(os.environ, environment),
            mock.patch.object(
                loss, "_connect", lambda of, session: (old if of == ["localhost"] else new)(session)
            ),
            mock.patch.object(loss, "request", put),
            mock.patch.object(loss, "_NEW_LEADER_SECONDS", 0),
            mock.patch.object(loss, "_OLD_LEADER_SECONDS", 0),
        ):
            self.assertEqual(loss.main(), code)
        return files

    def test_the_count_and_the_rows_are_filed(self) -> None:
        self.server.sql("ALTER TABLE unkeyed ADD COLUMN term text", "old")
        self.server.sql("INSERT INTO notes VALUES (501, 'later', 'epoch')", "old")
        self.server.sql("ALTER DATABASE old SET default_transaction_read_only = on")
        files = self.exported(lambda _: self.connect("new"), lambda _: self.connect("old"))
        summary = json.loads(files["reports/lost-rows/generation-1/summary.json"])
        self.assertEqual(summary["lostRows"], 1)
        self.assertEqual(summary["notCompared"], {"public.unkeyed": ["term"]})
        self.assertEqual(summary["restoredTo"], "point v1.4.0")
        self.assertEqual(
            summary["files"], ["s3://b/reports/lost-rows/generation-1/public.notes-1.jsonl"]
        )
        (row,) = files["reports/lost-rows/generation-1/public.notes-1.jsonl"].decode().splitlines()
        self.assertEqual(json.loads(row)["text"], "later")

    def test_a_region_that_follows_leaves_the_count_to_the_other(self) -> None:
        self.server.sql("ALTER DATABASE old SET default_transaction_read_only = on")
        self.assertEqual(
            self.exported(self.only_follower("new"), lambda _: self.connect("old")), {}
        )

    def test_what_a_follower_has_is_counted_where_the_old_leader_is_gone(self) -> None:
        self.server.sql("INSERT INTO notes VALUES (501, 'later', 'epoch')", "old")
        self.server.sql("ALTER DATABASE old SET default_transaction_read_only = on")
        files = self.exported(lambda _: self.connect("new"), self.only_follower("old"))
        self.assertEqual(
            json.loads(files["reports/lost-rows/generation-1/summary.json"])["lostRows"], 1
        )

    def test_nobody_to_ask_is_no_failure(self) -> None:
        def gone(_: str) -> Any:
            raise psycopg2.OperationalError("no route")

        self.assertEqual(self.exported(lambda _: self.connect("new"), gone), {})

    def test_a_generation_that_still_takes_writes_is_counted_by_another_run(self) -> None:
        found = self.exported(lambda _: self.connect("new"), lambda _: self.connect("old"), code=1)
        self.assertEqual(found, {})

    def only_follower(self, name: str) -> Callable[[str], Any]:
        """Members of which none leads."""

        def connect(session: str) -> Any:
            if session == "primary":
                raise psycopg2.OperationalError("session is read-only")
            return self.connect(name)

        return connect


if __name__ == "__main__":
    unittest.main()
