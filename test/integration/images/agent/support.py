"""Real servers with real certificates for the agent's tests, and a Patroni that says what a test wants."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from agent.command import must, run
from agent.settings import Settings, Timing

QUICK = Timing(loop=0.2, slow_loop=0.5, call=1, command=5, heartbeat=0.5, stuck=2, patience=2)


# Programs bind their port seconds after it was drawn. Until then neither an outgoing connection nor a suite that runs
# beside this one may take it: below the range of the former, and a hundred for each process.
_FIRST_PORT = 10_000 + os.getpid() % 220 * 100
_PORTS = itertools.cycle(range(_FIRST_PORT, _FIRST_PORT + 100))


def free_port() -> int:
    """A port that nothing listens on right now."""
    while True:
        port = next(_PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def until(condition: Callable[[], object], what: str, seconds: float = 20) -> None:
    """Waits for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


class Certificates:
    """A private authority and one certificate of it, as cert-manager mounts them."""

    def __init__(self, folder: Path) -> None:
        self.authority = folder / "authority"
        self.folder = folder / "tls"
        self.authority.mkdir()
        self.folder.mkdir()
        self._openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=private"
        )
        self.issue(days=20)

    def issue(self, days: int) -> None:
        """A new certificate, put in place as the kubelet does: by rename."""
        request = self.authority / "request"
        must(
            ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
            + ["-subj", "/CN=database", "-keyout", str(self.authority / "new.key")]
            + ["-out", str(request)],
            20,
        )
        (self.authority / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        must(
            ["openssl", "x509", "-req", "-in", str(request), "-days", str(days)]
            + ["-CA", str(self.authority / "ca.crt"), "-CAkey", str(self.authority / "ca.key")]
            + ["-CAcreateserial", "-extfile", str(self.authority / "names")]
            + ["-out", str(self.authority / "new.crt")],
            20,
        )
        (self.authority / "new.key").chmod(0o600)
        shutil.copy(self.authority / "ca.crt", self.folder / "ca.crt")
        (self.authority / "new.key").rename(self.folder / "tls.key")
        (self.authority / "new.crt").rename(self.folder / "tls.crt")

    def _openssl(self, line: str) -> None:
        keys = ["-keyout", str(self.authority / "ca.key"), "-out", str(self.authority / "ca.crt")]
        must(["openssl", *line.split(), *keys], 20)


class Server:
    """A Postgres that speaks TLS, on a folder of its own."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        self.data = folder / "pgdata"
        self.sockets = folder / "sockets"
        self.sockets.mkdir(parents=True)
        self.port = free_port()
        self._certificates = certificates
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"

    def create(self) -> Server:
        """A new cluster with the roles and the schema that the image makes."""
        must(["initdb", "-D", str(self.data), "-U", "postgres", "-k", "-N", "-A", "trust"], 60)
        self.start()
        self.sql("CREATE ROLE replicator_1 LOGIN REPLICATION; CREATE ROLE rewinder_1 LOGIN SUPERUSER")
        self.sql("CREATE DATABASE shop")
        self.sql(
            "CREATE SCHEMA lifeline; CREATE TABLE lifeline.heartbeat"
            " (at timestamptz NOT NULL, lsn pg_lsn NOT NULL, region text NOT NULL)",
            "shop",
        )
        return self

    def copy(self, source: Server) -> Server:
        """A standby of another server."""
        must(
            [
                "pg_basebackup",
                "-D",
                str(self.data),
                "-d",
                source.conninfo("replicator_1"),
                "-c",
                "fast",
                "-N",
            ],
            60,
        )
        self.follow(source)
        return self.start()

    def follow(self, source: Server) -> None:
        """Makes this folder a standby at its next start."""
        (self.data / "standby.signal").touch()
        (self.data / "postgresql.auto.conf").write_text(
            f"primary_conninfo = '{source.conninfo('replicator_1')}'\n"
            "wal_retrieve_retry_interval = '200ms'\nrecovery_target_timeline = 'latest'\n"
        )

    def conninfo(self, user: str) -> str:
        """How other servers connect: by certificate."""
        tls = self._certificates.folder
        return (
            f"host=localhost hostaddr=127.0.0.1 port={self.port} user={user} dbname=postgres sslmode=verify-full"
            f" sslcert={tls}/tls.crt sslkey={tls}/tls.key sslrootcert={tls}/ca.crt"
        )

    def start(self) -> Server:
        """Returns when it answers."""
        self.launch()
        until(lambda: self._answers() or self._died(), "the server answers")
        if self._died():
            raise AssertionError(self.log.read_text()[-2000:])
        return self

    def launch(self) -> None:
        """Starts it without waiting."""
        tls = self._certificates.folder
        (self.data / "pg_hba.conf").write_text(
            "local all postgres trust\n"
            "local replication postgres trust\n"
            "hostssl replication replicator_1 all cert map=node\n"
            "hostssl postgres rewinder_1 all cert map=node\n"
        )
        (self.data / "pg_ident.conf").write_text(
            "node database replicator_1\nnode database rewinder_1\n"
        )
        settings = {
            "unix_socket_directories": str(self.sockets),
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "ssl": "on",
            "ssl_cert_file": f"{tls}/tls.crt",
            "ssl_key_file": f"{tls}/tls.key",
            "ssl_ca_file": f"{tls}/ca.crt",
            "fsync": "off",
            "wal_log_hints": "on",
            "wal_keep_size": "512MB",
            "archive_mode": "always",
            "archive_command": "true",
            "shared_buffers": "16MB",
            "max_connections": "20",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["postgres", "-D", str(self.data), *options], stdout=log, stderr=log
            )

    def sql(self, text: str, database: str = "postgres") -> str:
        """The answer to a query by the superuser."""
        return must(self._psql(text, database), 20).strip()

    def stop(self, signal: str = "INT") -> None:
        """INT is a clean stop, QUIT is a crash, STOP freezes it."""
        if self._process is None:
            return
        must(["kill", f"-{signal}", str(self._process.pid)], 5)
        if signal not in ("STOP", "CONT"):
            must(["kill", "-CONT", str(self._process.pid)], 5)
            self._process.wait(20)
            self._process = None

    def promote(self) -> None:
        """Returns when it writes."""
        must(["pg_ctl", "promote", "-D", str(self.data), "-w"], 30)

    def _died(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _answers(self) -> bool:
        return run(self._psql("SELECT 1", "postgres"), 5).code == 0

    def _psql(self, text: str, database: str) -> list[str]:
        where = ["-h", str(self.sockets), "-p", str(self.port), "-U", "postgres", "-d", database]
        return ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *where, "-c", text]


class _Quiet(ThreadingHTTPServer):
    """Clients that give up are what some tests are about."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class FakePatroni:
    """The REST API over TLS: reading is free, what acts needs the certificate, as with verify_client optional."""

    def __init__(self, certificates: Certificates) -> None:
        self.port = free_port()
        self.status: tuple[int, object] = (503, {"role": "replica", "state": "running"})
        self.cluster: object = {"members": []}
        self.posts: list[tuple[str, object]] = []
        self.hangs = False
        self._certificates = certificates
        self._server = _Quiet(("127.0.0.1", self.port), self._handler())
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.folder / "tls.crt", certificates.folder / "tls.key")
        context.load_verify_locations(certificates.folder / "ca.crt")
        context.verify_mode = ssl.CERT_OPTIONAL
        self._context = context
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()

    def lead(self, name: str) -> None:
        """Says that this member holds the key."""
        self.status = (200, {"role": "primary", "state": "running"})
        self.cluster = {"members": [{"name": name, "role": "leader", "state": "running"}]}

    def follow(self, name: str, leader: Server, role: str = "replica") -> None:
        """Says that this member follows a server."""
        own = {"name": name, "role": role, "state": "running"}
        other = {"name": "other", "role": "leader", "state": "running"}
        members = [own] if role == "standby_leader" else [own, other]
        other.update({"host": "localhost", "port": leader.port})  # type: ignore[dict-item]
        self.status = (503, {"role": role, "state": "running"})
        self.cluster = {"members": members}

    def stop(self) -> None:
        """Closes the port."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if fake.hangs:
                    # A byte now and then: every single read is in time, the answer never is.
                    for _ in range(600):
                        self.wfile.write(b"H")
                        time.sleep(0.1)
                of_member = self.path in ("/primary", "/leader", "/readiness")
                status, body = fake.status if of_member else (200, fake.cluster)
                self.answer(status, body)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                connection = self.connection
                assert isinstance(connection, ssl.SSLSocket)
                if not connection.getpeercert():
                    self.answer(403, "client certificate required")
                    return
                fake.posts.append((self.path, body))
                if self.path == "/reload":
                    tls = fake._certificates.folder
                    fake._context.load_cert_chain(tls / "tls.crt", tls / "tls.key")
                self.answer(202 if self.path == "/reload" else 200, "done")

            def answer(self, status: int, body: object) -> None:
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


class World:
    """A folder with certificates, which knows its servers and ends them."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lifeline-agent-"))
        self.certificates = Certificates(self.folder)
        self.servers: list[Server] = []

    def server(self, name: str) -> Server:
        """A server that does not exist yet."""
        server = Server(self.folder / name, self.certificates)
        self.servers.append(server)
        return server

    def settings(self, server: Server, fake: FakePatroni, **more: object) -> Settings:
        """Settings of the agent beside a server."""
        state = server.data.parent / "state"
        state.mkdir(exist_ok=True)
        values: dict[str, object] = {
            "pod_name": "p-0",
            "region": "a",
            "peer_postgres": ("localhost", server.port),
            "database": "shop",
            "data_folder": server.data,
            "socket_folder": str(server.sockets),
            "tls_folder": self.certificates.folder,
            "state_folder": state,
            "postgres": ("localhost", server.port),
            "patroni": ("localhost", fake.port),
            "timing": QUICK,
        }
        return Settings(**{**values, **more})  # type: ignore[arg-type]

    def end(self) -> None:
        """Ends all servers and removes the folder."""
        for server in self.servers:
            server.stop("QUIT")
        shutil.rmtree(self.folder, ignore_errors=True)


def rewind(server: Server, source: Server) -> None:
    """What Patroni does with a member that diverged and was stopped."""
    words = ["pg_rewind", "-D", str(server.data), f"--source-server={source.conninfo('rewinder_1')}"]
    must(words, 60, {"PATH": os.environ["PATH"]})
    server.follow(source)
