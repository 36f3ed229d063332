"""What the members of a region stand on: certificates, an S3 server with users of its own, and how to run programs."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from proof.s3 import Bucket, Credentials, request

VERSITYGW = os.environ["LIFELINE_VERSITYGW"]


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


def until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Waits for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def run(
    words: Sequence[str], environment: Mapping[str, str] | None = None, seconds: float = 180
) -> subprocess.CompletedProcess[str]:
    """A program with both outputs in one."""
    return subprocess.run(
        [str(word) for word in words],
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )


def must(words: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Output of a program that has to succeed."""
    finished = run(words, environment)
    if finished.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))}: {finished.stdout}")
    return finished.stdout


class Certificates:
    """A private authority and one certificate of it, as cert-manager mounts them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        ca, ca_key = str(folder / "ca.crt"), str(folder / "ca.key")
        must(
            ["openssl", "req", "-x509", *key, "-subj", "/CN=private", "-keyout", ca_key, "-out", ca]
        )
        leaf = ["-subj", "/CN=database", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        files = ["-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")]
        must(["openssl", "req", "-x509", *key, *leaf, "-CA", ca, "-CAkey", ca_key, *files])
        (folder / "tls.key").chmod(0o600)


class Storage:
    """An S3 server whose users are an archive's: who writes it, who reads it to prove it, who files reports."""

    BUCKETS = ("lifeline-here", "lifeline-there")

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        self.folder = folder
        self.port = free_port()
        self.files = folder / "buckets"
        self._ca = certificates.folder / "ca.crt"
        for name in ("buckets", "users"):
            (folder / name).mkdir(parents=True)
        self._root = {"ROOT_ACCESS_KEY_ID": "root", "ROOT_SECRET_ACCESS_KEY": "root-secret"}
        words = [VERSITYGW, f"--port=127.0.0.1:{self.port}", f"--iam-dir={folder / 'users'}"]
        words += [f"--cert={certificates.folder}/tls.crt", f"--key={certificates.folder}/tls.key"]
        words += ["--region=here", "--quiet", "posix", str(self.files)]
        with (folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                words, env={**os.environ, **self._root}, stdout=log, stderr=log
            )
        until(lambda: self._listens(), "the S3 server answers")
        for user in ("writer", "reader", "reporter"):
            self._admin("create-user", f"--access={user}", f"--secret={user}-secret", "--role=user")
        for bucket in self.BUCKETS:
            self.request(bucket, "PUT")
            self._allow(bucket)

    def request(
        self,
        bucket: str,
        method: str,
        key: str = "",
        body: str = "",
        user: str = "root",
        **query: str,
    ) -> bytes:
        """A signed request; raises S3Error when it is refused."""
        where = Bucket(
            bucket, "localhost", "here", port=self.port, ca_file=str(self._ca), path_style=True
        )
        who = Credentials(user, f"{user}-secret")
        return request(where, who, method, key, body.encode(), query)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """Refuses connections from now on."""
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """Swallows every request until go_on()."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Answers again."""
        self._process.send_signal(signal.SIGCONT)

    def _admin(self, *words: str) -> None:
        endpoint = f"--endpoint-url=https://localhost:{self.port}"
        who = ["--access=root", "--secret=root-secret", "--region=here", "--allow-insecure"]
        must([VERSITYGW, "admin", *who, endpoint, *words])

    def _allow(self, bucket: str) -> None:
        everything, reports = f"arn:aws:s3:::{bucket}/*", f"arn:aws:s3:::{bucket}/reports/*"
        rules = [
            ("writer", "s3:*", everything),
            ("writer", "s3:*", f"arn:aws:s3:::{bucket}"),
            ("reader", "s3:GetObject", everything),
            ("reader", "s3:ListBucket", f"arn:aws:s3:::{bucket}"),
            ("reporter", "s3:PutObject", reports),
        ]
        statements = [
            {
                "Effect": "Allow",
                "Principal": {"AWS": [user]},
                "Action": action,
                "Resource": resource,
            }
            for user, action, resource in rules
        ]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.request(bucket, "PUT", body=policy, policy="")
