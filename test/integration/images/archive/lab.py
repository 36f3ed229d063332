"""A region on this machine: real Postgres, real pgBackRest with TLS, a real S3 server with TLS and users of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from services import Certificates, Storage, free_port, must, run, until

SCRIPTS = Path(os.environ["LIFELINE_SCRIPTS"])
CIPHER_KEY = "of-this-test-only"


class Member:
    """One Postgres with its pgBackRest server."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab = lab
        self.folder = lab.folder / name
        self.data = self.folder / "pgdata"
        self.sockets = self.folder / "sockets"
        self.sockets.mkdir(parents=True)
        self.port, self.backup_port = free_port(), free_port()
        self.configuration = self.folder / "pgbackrest.conf"
        self.configuration.write_text(lab.configuration("here", self))
        self._postgres: subprocess.Popen[bytes] | None = None
        self._backup: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What the containers of the pod have."""
        return {
            **self.lab.environment,
            "PGDATA": str(self.data),
            "PGHOST": str(self.sockets),
            "PGPORT": str(self.port),
            "PGBACKREST_CONFIG": str(self.configuration),
            "PGBACKREST_CONFIG_INCLUDE_PATH": str(self.lab.secrets / "own"),
        }

    def create(self) -> Member:
        """A new cluster with the application's role, database and our schema."""
        must(
            [
                "initdb",
                "-D",
                str(self.data),
                "-U",
                "postgres",
                "-k",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
            ]
        )
        self.start()
        must(["pgbackrest", "--stanza=main", "stanza-create"], self.environment)
        self.sql("CREATE ROLE shop_user LOGIN PASSWORD 'a $ecret'")
        self.sql("CREATE DATABASE shop OWNER shop_user")
        self.schema()
        return self

    def schema(self) -> None:
        """What post-bootstrap.sh runs."""
        must(
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "shop"]
            + ["-f", str(SCRIPTS / "lifeline-schema.sql")],
            self.environment,
        )

    def follow(self, leader: Member) -> Member:
        """A streaming standby."""
        must(
            [
                "pg_basebackup",
                "-D",
                str(self.data),
                "-h",
                str(leader.sockets),
                "-p",
                str(leader.port),
                "-U",
                "postgres",
                "-c",
                "fast",
                "-R",
            ]
        )
        self.start()
        return self

    def new_timeline(self) -> None:
        """As after a failover: the same data, a new history."""
        self.stop()
        (self.data / "recovery.signal").touch()
        self.start({"restore_command": "false"})
        until(lambda: self.sql("SELECT pg_is_in_recovery()") == "f", "promoted")

    def start(self, more: Mapping[str, str] | None = None) -> None:
        """Returns when both servers answer."""
        tls = self.lab.certificates.folder
        (self.data / "pg_hba.conf").write_text(
            "local all all trust\nlocal replication all trust\nhostssl shop shop_user 127.0.0.1/32 scram-sha-256\n"
        )
        settings = {
            "unix_socket_directories": str(self.sockets),
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "ssl": "on",
            "ssl_cert_file": f"{tls}/tls.crt",
            "ssl_key_file": f"{tls}/tls.key",
            "ssl_ca_file": f"{tls}/ca.crt",
            "archive_mode": "on",
            "archive_command": "pgbackrest --stanza=main archive-push %p",
            "archive_timeout": "60",
            "shared_buffers": "16MB",
            "max_connections": "40",
            "wal_log_hints": "on",
            **(more or {}),
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._postgres = subprocess.Popen(
                ["postgres", "-D", str(self.data), *options],
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
            )
            if self._backup is None:
                self._backup = subprocess.Popen(
                    ["pgbackrest", "server"],
                    env={**os.environ, **self.environment},
                    stdout=log,
                    stderr=log,
                )
        until(lambda: self._answers() or self._died(), "the server answers")
        if self._died():
            raise AssertionError((self.folder / "log").read_text()[-2000:])

    def sql(self, text: str, database: str = "postgres") -> str:
        """The answer to a query by the superuser."""
        words = ["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres"]
        return must([*words, "-d", database, "-c", text], self.environment).strip()

    def beat(self) -> None:
        """A heartbeat row, as the agent writes one."""
        self.sql(
            "INSERT INTO lifeline.heartbeat VALUES (clock_timestamp(), pg_current_wal_lsn(), 'here')",
            "shop",
        )

    def archive(self) -> str:
        """Switches to a new segment; returns the old one's name when it is in the archive."""
        name = self.sql("SELECT pg_walfile_name(pg_switch_wal())")
        until(
            lambda: self.sql(f"SELECT lifeline.archived('{name}')", "shop") == "t",
            f"{name} archived",
        )
        return name

    def stop(self) -> None:
        """A clean stop of both servers."""
        for process, number in ((self._postgres, 2), (self._backup, 15)):
            if process is not None and process.poll() is None:
                process.send_signal(number)
                process.wait(20)
        self._postgres = self._backup = None

    def _died(self) -> bool:
        return self._postgres is None or self._postgres.poll() is not None

    def _answers(self) -> bool:
        words = ["psql", "-X", "-U", "postgres", "-d", "postgres", "-c", "SELECT 1"]
        return run(words, self.environment).returncode == 0


class Lab:
    """Everything one test class needs, in one folder that is removed with it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lifeline-archive-"))
        self.certificates = Certificates(self.folder / "tls")
        self.storage = Storage(self.folder / "s3", self.certificates)
        self.secrets = self.folder / "secrets"
        for name, user in (("own", "writer"), ("peer", "reader"), ("proof", "reader")):
            self._secret(name, user, CIPHER_KEY)
        self._secret("wrong-cipher", "reader", "another")
        reports = self.secrets / "reports"
        reports.mkdir()
        (reports / "access-key").write_text("reporter")
        (reports / "secret-key").write_text("reporter-secret\n")
        (self.folder / "password").write_text("a $ecret\n")
        self.members: list[Member] = []

    @property
    def environment(self) -> dict[str, str]:
        """What every container has."""
        return {
            "REGION": "here",
            "GENERATION": "1",
            "PEER_REGION": "there",
            "POSTGRES_DB": "shop",
            "POSTGRES_USER": "shop_user",
            "POSTGRES_PASSWORD_FILE": str(self.folder / "password"),
            "TLS_FOLDER": str(self.certificates.folder),
        }

    def client(self, member: Member) -> dict[str, str]:
        """What a client of the database has."""
        return {
            "DATABASE_HOST": "localhost",
            "DATABASE_PORT": str(member.port),
            "DATABASE_NAME": "shop",
            "DATABASE_USER": "shop_user",
            "DATABASE_PASSWORD_FILE": str(self.folder / "password"),
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": str(self.certificates.folder / "ca.crt"),
        }

    def proof_environment(self, member: Member, **more: str) -> dict[str, str]:
        """What the restore proof has, with this living database."""
        return {
            **self.environment,
            **self.client(member),
            "PGDATA": str(self.folder / "proof/pgdata"),
            "PGBACKREST_CONFIG": str(member.configuration),
            "PGBACKREST_CONFIG_INCLUDE_PATH": str(self.secrets / "proof"),
            "REPORTS_FOLDER": str(self.secrets / "reports"),
            "MAX_RPO_SECONDS": "600",
            **more,
        }

    def restore_environment(self, kind: str, value: str) -> dict[str, str]:
        """For a restore of the first generation of the region `here`, onto a volume of the lab."""
        return {
            "PGDATA": str(self.folder / "volume" / "pgdata"),
            "GENERATION": "2",
            "RESTORE_FROM_GENERATION": "1",
            "RESTORE_FROM_REGION": "here",
            "RESTORE_TARGET_KIND": kind,
            "RESTORE_TARGET": value,
        }

    def member(self, name: str) -> Member:
        """A member that does not run yet."""
        self.members.append(Member(self, name))
        return self.members[-1]

    def configuration(self, region: str, member: Member | None = None, generation: int = 1) -> str:
        """pgbackrest.conf of a region, as the program writes it."""
        tls = self.certificates.folder
        lines = [
            "[global]",
            "repo1-type=s3",
            f"repo1-path=/postgres-{generation}",
            f"repo1-s3-bucket=lifeline-{region}",
            "repo1-s3-endpoint=localhost",
            "repo1-s3-region=here",
            "repo1-s3-uri-style=path",
            f"repo1-storage-port={self.storage.port}",
            f"repo1-storage-ca-file={tls}/ca.crt",
            "process-max=2",
            "repo1-cipher-type=aes-256-cbc",
            "compress-type=zst",
            "start-fast=y",
            "delta=y",
            "archive-mode-check=n",
            "log-level-file=off",
            "log-level-console=warn",
            f"lock-path={self.folder}/lock",
            f"spool-path={self.folder}/spool",
        ]
        if member is not None:
            lines += [
                f"lock-path={member.folder}/lock",
                f"tls-server-cert-file={tls}/tls.crt",
                f"tls-server-key-file={tls}/tls.key",
                f"tls-server-ca-file={tls}/ca.crt",
                "tls-server-auth=database=main",
                "tls-server-address=127.0.0.1",
                f"tls-server-port={member.backup_port}",
                "[main]",
                f"pg1-path={member.data}",
                f"pg1-socket-path={member.sockets}",
                f"pg1-port={member.port}",
                "pg1-user=postgres",
            ]
            lines.remove(f"lock-path={self.folder}/lock")
        return "\n".join([*lines, ""])

    def close(self) -> None:
        """Stops and removes everything."""
        for member in self.members:
            member.stop()
        self.storage.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _secret(self, name: str, user: str, cipher_key: str) -> None:
        folder = self.secrets / name
        folder.mkdir(parents=True)
        (folder / "secrets.conf").write_text(
            f"[global]\nrepo1-cipher-pass={cipher_key}\n"
            f"repo1-s3-key={user}\nrepo1-s3-key-secret={user}-secret\n"
        )
