"""A database cluster's folder with what the scripts in its pod have around them."""

from __future__ import annotations

import os
import subprocess
import unittest
from pathlib import Path

from support import FakePatroni, World

SCRIPTS = Path(os.environ["LIFELINE_SCRIPTS"])


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
