"""A Postgres that only this process can reach, on data that was just restored."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg2

from .command import run
from .refusal import RefusalError
from .wal import Switch, parse_history, parse_lsn

# Recovery refuses to run with less than the server that wrote the WAL had.
_FLOORS = {
    "max_connections": "max_connections setting",
    "max_worker_processes": "max_worker_processes setting",
    "max_wal_senders": "max_wal_senders setting",
    "max_prepared_transactions": "max_prepared_xacts setting",
    "max_locks_per_transaction": "max_locks_per_xact setting",
}
_PORT = 5432
# It is on its way up, or down; in which case it will have ended soon.
_BETWEEN = (
    *("starting up", "not accepting connections", "not yet accepting", "No such file or directory"),
    *("shutting down", "in recovery mode", "server closed the connection", "Connection refused"),
)
_RECOVERY = (
    *("recovery_target", "recovery_target_name", "recovery_target_time", "recovery_target_xid"),
    *("recovery_target_lsn", "recovery_end_command", "archive_cleanup_command"),
    *("primary_conninfo", "primary_slot_name", "synchronous_standby_names"),
)
_ALONE = {
    "archive_mode": "off",
    "listen_addresses": "",
    "port": str(_PORT),
    "ssl": "off",
    "logging_collector": "off",
    "log_destination": "stderr",
    "shared_preload_libraries": "",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "autovacuum": "off",
}
_FATAL = re.compile(r"(?:FATAL|PANIC):  (.*)")


@dataclass(frozen=True)
class Recovered:
    """Where recovery ended, by the server's own account."""

    end: Switch
    """Timeline it came from, where it left it, and why."""
    replayed_lsn: int
    last_commit: Any
    """Time of the last transaction replayed; None when there was none."""


class ServerError(Exception):
    """The server ended; the message is its last complaint."""


def control_data(data: Path) -> dict[str, str]:
    """What pg_controldata says."""
    finished = run(["pg_controldata", "-D", str(data)], {**os.environ, "LC_ALL": "C"})
    if finished.code != 0:
        raise RefusalError(f"{data} is no database: {finished.errors.strip()}")
    pairs = (line.split(":", 1) for line in finished.output.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


class PrivateServer:
    """
    Runs with a configuration of its own: what the restored folder brings along names files, libraries and an archive
    of another server. It never archives: a throwaway must not write into the archive it came from.
    """

    def __init__(self, data: Path, settings: Mapping[str, str]) -> None:
        self._data = data
        control = control_data(data)
        floors = {name: control[label] for name, label in _FLOORS.items()}
        # The restored folder's own recovery settings would stay in force where none is given here. These come first:
        # Postgres takes a target that is cleared after another was set for two targets.
        cleared = {name: "" for name in _RECOVERY if name not in settings}
        self._settings = {**cleared, **floors, **_ALONE, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="server-"))

    def __enter__(self) -> PrivateServer:
        """Starts it; see wait()."""
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        hba, log = self.folder / "hba.conf", self.folder / "log"
        hba.write_text("local all all trust\nlocal replication all trust\n")
        (self.folder / "ident.conf").touch()
        self._settings["hba_file"] = str(hba)
        self._settings["ident_file"] = str(self.folder / "ident.conf")
        self._settings["unix_socket_directories"] = str(self.folder)
        (self.folder / "postgresql.conf").write_text("")
        options = [f"--config_file={self.folder / 'postgresql.conf'}"]
        options += [f"--{name}={value}" for name, value in self._settings.items()]
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith(("PG", "PGBACKREST_"))
        }
        words = ["setpriv", "--pdeathsig=KILL", "postgres", "-D", str(self._data), *options]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                words, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops it with a checkpoint; after an error at once."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT if kind is None else signal.SIGQUIT)
            process.wait()
        self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def log(self) -> str:
        """All it said so far."""
        return (self.folder / "log").read_text(errors="replace")

    def wait(self) -> None:
        """
        Returns when it accepts connections.

        :raises ServerError: when it ended instead
        """
        while True:
            try:
                self.rows("SELECT 1")
                return
            except psycopg2.OperationalError as error:
                if self._process is None or self._process.poll() is not None:
                    complaints = _FATAL.findall(self.log)
                    said = [c for c in complaints if not any(words in c for words in _BETWEEN)]
                    raise ServerError(said[-1] if said else self.log[-500:]) from None
                if not any(words in str(error) for words in _BETWEEN):
                    raise ServerError(str(error).strip()) from None
                time.sleep(0.1)

    def rows(
        self, sql: str, database: str = "postgres", *arguments: object
    ) -> list[tuple[Any, ...]]:
        """The answer to a query by the superuser."""
        connection = psycopg2.connect(
            host=str(self.folder), port=_PORT, user="postgres", dbname=database
        )
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, arguments or None)
                return list(cursor.fetchall()) if cursor.description is not None else []
        finally:
            connection.close()

    def recovered(self) -> Recovered:
        """After a recovery that ended with promotion."""
        row = self.rows("SELECT pg_last_wal_replay_lsn(), pg_last_xact_replay_timestamp()")[0]
        newest = max((self._data / "pg_wal").glob("*.history"))
        end = parse_history(newest.read_text())[-1]
        return Recovered(end, parse_lsn(row[0]) if row[0] else end.lsn, row[1])
