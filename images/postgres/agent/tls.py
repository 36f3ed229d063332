"""The database's own certificate: contexts that present it, changes of its files, and what a service really shows."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .settings import Address

_FILES = ("tls.crt", "tls.key", "ca.crt")
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


def fingerprint(folder: Path) -> str:
    """Changes when any of the files does."""
    digest = hashlib.sha256()
    for name in _FILES:
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def client_context(folder: Path) -> ssl.SSLContext:
    """Presents the certificate and trusts only the private authority. Made anew each time: files change."""
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    context.load_cert_chain(str(folder / "tls.crt"), str(folder / "tls.key"))
    return context


@contextmanager
def connected(
    address: Address, folder: Path, seconds: float, is_postgres: bool = False
) -> Iterator[ssl.SSLSocket]:
    """
    An encrypted connection that is cut after so many seconds, whatever the other side does. Socket timeouts alone
    begin anew with every byte.
    """
    with socket.create_connection(address, timeout=seconds) as plain:
        guard = plain.dup()
        cut = threading.Timer(seconds, _cut, [guard])
        cut.daemon = True
        cut.start()
        try:
            if is_postgres:
                plain.sendall(_SSL_REQUEST)
                if plain.recv(1) != b"S":
                    raise ConnectionError("the server offers no TLS")
            with client_context(folder).wrap_socket(plain, server_hostname=address[0]) as secure:
                yield secure
        finally:
            cut.cancel()
            guard.close()


def _cut(guard: socket.socket) -> None:
    with contextlib.suppress(OSError):  # It may be over already.
        guard.shutdown(socket.SHUT_RDWR)


def seconds_to_expiry(
    address: Address, folder: Path, seconds: float, is_postgres: bool = False
) -> float:
    """Of the certificate that the service presents right now."""
    with connected(address, folder, seconds, is_postgres) as secure:
        certificate = secure.getpeercert()
    if not certificate or "notAfter" not in certificate:
        raise ConnectionError("the service presented no certificate")
    return ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()
