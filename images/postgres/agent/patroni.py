"""Patroni's REST API, asked with the certificate and with a short limit."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from pathlib import Path

from .cluster import Member, member_from
from .settings import Address
from .tls import connected

_MOST_BYTES = 1 << 20
_SLOW_REQUEST = 30.0
"""A switchover is answered only when it is over; Patroni gives it 20 seconds."""


@dataclass(frozen=True)
class Reply:
    """Status and body of an answer."""

    status: int
    text: str


class Patroni:
    """The API of one member."""

    def __init__(self, address: Address, tls_folder: Path, seconds: float) -> None:
        self._address = address
        self._tls_folder = tls_folder
        self._seconds = seconds

    def member(self, name: str) -> Member:
        """What it says about the member of this name, its own."""
        status = self.get("/primary")
        try:
            cluster: object = json.loads(self.get("/cluster").text)
        except (OSError, ValueError, http.client.HTTPException):
            cluster = None  # Without Kubernetes the member still has a role.
        return member_from(name, status.status == 200, json.loads(status.text), cluster)

    def get(self, path: str) -> Reply:
        """Asks for a page; every status is an answer."""
        return self._request("GET", path, None, self._seconds)

    def post(self, path: str, body: dict[str, object]) -> Reply:
        """Asks for an action."""
        return self._request("POST", path, json.dumps(body), _SLOW_REQUEST)

    def _request(self, method: str, path: str, body: str | None, seconds: float) -> Reply:
        host, port = self._address
        with connected(self._address, self._tls_folder, seconds) as secure:
            connection = http.client.HTTPConnection(host, port)
            connection.sock = secure
            headers = {"Connection": "close", "Content-Type": "application/json"}
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Reply(response.status, response.read(_MOST_BYTES).decode(errors="replace"))
