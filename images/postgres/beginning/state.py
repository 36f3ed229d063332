"""Patroni's state, as the Kubernetes API gives it to a member's service account."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .rule import State

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_IDLE = (None, "stopped")
"""States of a member that waits for somebody else to make the cluster."""
_CALL_SECONDS = 5.0


class Kubernetes:
    """The objects of one Patroni cluster."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._member = environment["POD_NAME"]
        self._scope = f"postgres-{environment['GENERATION']}"
        host, port = (environment[f"KUBERNETES_SERVICE_{part}"] for part in ("HOST", "PORT"))
        host = f"[{host}]" if ":" in host else host
        namespace = environment["PATRONI_KUBERNETES_NAMESPACE"]
        self._url = f"https://{host}:{port}/api/v1/namespaces/{namespace}"

    def state(self) -> State:
        """
        :raises OSError: when the API does not answer, or refuses
        """
        config = self._get(f"configmaps/{self._scope}-config") or {"metadata": {}}
        selector = f"postgres-cluster%3D{self._scope}"
        pods = (self._get(f"pods?labelSelector={selector}") or {"items": []})["items"]
        metadata = config["metadata"]
        return State(
            initialize=metadata.get("annotations", {}).get("initialize"),
            led=self._get(f"configmaps/{self._scope}-leader") is not None,
            others_busy=any(
                _state_of(pod) not in _IDLE
                for pod in pods
                if pod["metadata"]["name"] != self._member
            ),
            version=metadata.get("resourceVersion", ""),
        )

    def release(self, version: str) -> None:
        """
        Takes the empty annotation away, if nothing of the object has changed since.

        :raises OSError: when it has, or the API does not answer
        """
        change = {"metadata": {"resourceVersion": version, "annotations": {"initialize": None}}}
        self._request("PATCH", f"configmaps/{self._scope}-config", json.dumps(change).encode())

    def _get(self, path: str) -> Any:
        try:
            return self._request("GET", path)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def _request(self, method: str, path: str, body: bytes | None = None) -> Any:
        token = (_ACCOUNT / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        headers["Content-Type"] = "application/merge-patch+json"
        request = urllib.request.Request(f"{self._url}/{path}", body, headers, method=method)
        trust = ssl.create_default_context(cafile=str(_ACCOUNT / "ca.crt"))
        with urllib.request.urlopen(request, timeout=_CALL_SECONDS, context=trust) as response:
            return json.load(response)


def _state_of(pod: Any) -> str | None:
    """As the member's Patroni last wrote it; a member that has not started yet says nothing."""
    status = pod["metadata"].get("annotations", {}).get("status")
    return None if status is None else json.loads(status).get("state")
