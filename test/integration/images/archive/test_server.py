"""recovery/server.py: what is told of a server that does not come up."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import psycopg2

from recovery.server import PrivateServer, ServerError


class Waiting(unittest.TestCase):
    def told(self, *answers: str) -> str:
        """What is raised when a server gives these answers, and has ended after the last."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        server = PrivateServer.__new__(PrivateServer)
        server.folder = Path(folder.name)
        (server.folder / "log").write_text(
            "FATAL:  the database system is starting up\n"
            "FATAL:  recovery ended before configured recovery target was reached\n"
            "FATAL:  the database system is shutting down\n"
        )
        alive = [None] * (len(answers) - 1)
        server._process = mock.Mock(poll=mock.Mock(side_effect=[*alive, 1]))
        errors = [psycopg2.OperationalError(answer) for answer in answers]
        with mock.patch.object(server, "rows", side_effect=errors), self.assertRaises(ServerError) as raised:
            server.wait()
        return str(raised.exception)

    def test_one_that_ends_while_it_is_asked_says_itself_why(self) -> None:
        for last_words in (
            "server closed the connection unexpectedly\\n\\tThis probably means the server terminated abnormally",
            "FATAL:  the database system is shutting down",
            "connection to server on socket failed: Connection refused",
        ):
            with self.subTest(last_words):
                self.assertIn("recovery ended before", self.told(last_words, "No such file or directory"))

    def test_an_answer_that_means_something_else_is_told_as_it_is(self) -> None:
        self.assertIn("no pg_hba.conf entry", self.told("no pg_hba.conf entry", ""))


if __name__ == "__main__":
    unittest.main()
