"""Has the services take over a renewed certificate, and looks at the one they really present."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping

from .database import rows, superuser
from .metrics import Value
from .patroni import Patroni
from .settings import Settings
from .tls import fingerprint, seconds_to_expiry
from .watch import say


class ReloadWatch:
    """Every loop. pgBackRest's server is in another container; backup_server.py there does the same for it."""

    def __init__(self, settings: Settings, patroni: Patroni) -> None:
        self._settings = settings
        self._patroni = patroni
        self._reloads: dict[str, Callable[[], None]] = {
            "postgres": self._reload_postgres,
            "patroni": self._reload_patroni,
        }
        self._loaded: dict[str, str] = {}

    def look(self) -> Mapping[str, Value | None]:
        """Reloads also once after a start: nobody watched before. What fails is tried again at the next look."""
        files = fingerprint(self._settings.tls_folder)
        failures: list[str] = []
        for name, reload in self._reloads.items():
            if self._loaded.get(name) == files:
                continue
            try:
                reload()
                self._loaded[name] = files
                say(f"{name} has loaded the present certificate")
            except Exception as error:  # The other service must still get its turn.
                failures.append(f"{name}: {error}")
        if failures:
            raise RuntimeError("cannot reload " + "; ".join(failures))
        return {}

    def _reload_postgres(self) -> None:
        with superuser(self._settings) as opened:
            rows(opened, "SELECT pg_reload_conf()")

    def _reload_patroni(self) -> None:
        reply = self._patroni.post("/reload", {})
        if reply.status not in (200, 202):
            raise RuntimeError(f"Patroni answered {reply.status} {reply.text.strip()[:200]}")


class CertificatesWatch:
    """Every slow loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def look(self) -> Mapping[str, Value | None]:
        """A service that presents nothing has no value; one with an expired certificate has 0."""
        s = self._settings
        services = {"postgres": s.postgres, "patroni": s.patroni, "pgbackrest": s.pgbackrest}
        left: dict[str, float] = {}
        for name, address in services.items():
            try:
                left[name] = seconds_to_expiry(
                    address, s.tls_folder, s.timing.call, is_postgres=name == "postgres"
                )
            except ssl.SSLCertVerificationError:
                left[name] = 0.0
            except OSError:
                continue
        return {"certificate_expiry_seconds": left}
