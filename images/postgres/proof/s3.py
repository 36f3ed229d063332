"""Signed requests to S3 with nothing but the standard library: AWS Signature Version 4."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timezone
from urllib.parse import quote, urlencode


@dataclass(frozen=True)
class Credentials:
    """A pair of keys; a session's has a token too."""

    access_key: str
    secret_key: str
    token: str | None = None


@dataclass(frozen=True)
class Bucket:
    """Where a bucket is, as pgBackRest's configuration says it."""

    name: str
    endpoint: str
    region: str
    """Host name that the certificate carries and the signature covers."""
    host: str | None = None
    """Where to connect instead of the endpoint."""
    port: int = 443
    ca_file: str | None = None
    path_style: bool = False


class S3Error(Exception):
    """S3 refused, or did not answer."""


def request(
    bucket: Bucket,
    credentials: Credentials,
    method: str,
    key: str,
    body: bytes = b"",
    query: dict[str, str] | None = None,
) -> bytes:
    """
    The body of the answer to one request.

    :raises S3Error: when it is anything but a success
    """
    style_host = bucket.endpoint if bucket.path_style else f"{bucket.name}.{bucket.endpoint}"
    host = style_host if bucket.port == 443 else f"{style_host}:{bucket.port}"
    path = quote(f"/{bucket.name}/{key}" if bucket.path_style else f"/{key}").rstrip("/") or "/"
    search = urlencode(sorted((query or {}).items()), quote_via=quote)
    headers = signed_headers(
        credentials, bucket.region, method, host, path, search, body, datetime.now(UTC)
    )
    context = ssl.create_default_context(cafile=bucket.ca_file)
    connection = _Connection(
        style_host, bucket.port, bucket.host or style_host, timeout=20, context=context
    )
    try:
        connection.request(method, f"{path}?{search}" if search else path, body, headers)
        response = connection.getresponse()
        answer = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise S3Error(f"{method} {path} at {host}: {error!r}") from None
    finally:
        connection.close()
    if response.status >= 300:
        said = answer[:300].decode(errors="replace")
        raise S3Error(f"{method} {path} at {host} answered {response.status}: {said}")
    return answer


def signed_headers(
    credentials: Credentials,
    region: str,
    method: str,
    host: str,
    path: str,
    search: str,
    body: bytes,
    now: datetime,
) -> dict[str, str]:
    """Headers that prove who asks."""
    time = now.strftime("%Y%m%dT%H%M%SZ")
    body_hash = hashlib.sha256(body).hexdigest()
    headers = {"host": host, "x-amz-content-sha256": body_hash, "x-amz-date": time}
    if credentials.token is not None:
        headers["x-amz-security-token"] = credentials.token
    names = ";".join(headers)
    lines = [f"{name}:{value}" for name, value in headers.items()]
    canonical = "\n".join([method, path, search, *lines, "", names, body_hash])
    scope = f"{time[:8]}/{region}/s3/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", time, scope, digest])
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return headers


class _Connection(http.client.HTTPSConnection):
    """TLS to a name that leads elsewhere."""

    def __init__(self, name: str, port: int, address: str, timeout: float, context: ssl.SSLContext):
        super().__init__(name, port, timeout=timeout, context=context)
        self._address = address

    def connect(self) -> None:
        """Connects to the address, asks for the name."""
        name, self.host = self.host, self._address
        http.client.HTTPConnection.connect(self)
        self.host = name
        self.sock = self._context.wrap_socket(self.sock, server_hostname=name)  # type: ignore[attr-defined]
