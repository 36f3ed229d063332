"""
The agent of one member of the database. Serves metrics on port 9188 and does what Patroni does not: heartbeat rows,
changed passwords and certificates, the files `alive` for the guard and for the start, the file `diverged` for
readiness, and healing.

PGDATA, PGHOST, POD_NAME, REGION, PEER_POSTGRES, POSTGRES_DB, POSTGRES_USER, POSTGRES_PASSWORD_FILE, TLS_FOLDER
    as in every container of the pod
PGBACKREST_CONFIG, PGBACKREST_CONFIG_INCLUDE_PATH
    lead pgBackRest to the region's own archive
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping

from .backups import BackupsWatch
from .certificates import CertificatesWatch, ReloadWatch
from .disk import DiskWatch
from .healing import Healer, remedy_for
from .heartbeat import HeartbeatWatch
from .http_server import serve
from .lineage import LineageWatch
from .member import MemberWatch
from .metrics import Registry, Value
from .patroni import Patroni
from .peer import PeerWatch
from .proof import ProofWatch
from .reserve import ReserveWatch
from .roles import RolesWatch
from .segments import SegmentsWatch
from .server import ServerWatch
from .settings import BadEnvironmentError, Settings, settings_from
from .shared import Shared
from .watch import Watch, say

_STACK = 512 * 1024
"""Bytes of stack per thread; fourteen watches at the usual 8 MiB would look like much memory."""


class HealingWatch:
    """Every loop."""

    def __init__(self, settings: Settings, shared: Shared, patroni: Patroni) -> None:
        self._shared = shared
        self._patroni = patroni
        self._healer = Healer(settings.timing)

    def look(self) -> Mapping[str, Value | None]:
        """Heals when it is time to."""
        verdict = self._shared.verdict.get()
        now = time.monotonic()
        if verdict is not None and self._healer.is_due(verdict, now):
            writes = self._shared.in_recovery.get() is False
            member = self._shared.member.get()
            remedy = remedy_for(verdict, member, writes, self._healer.attempts)
            if remedy is not None:
                say(f"{verdict.health.value}: {self._healer.attempt(remedy, self._patroni, now)}")
        return {"healing_attempts": self._healer.attempts}


def start(settings: Settings) -> None:
    """Starts all watches and the metrics endpoint; they end with the process."""
    registry = Registry()
    timing = settings.timing
    shared = Shared(timing.loop)
    patroni = Patroni(settings.patroni, settings.tls_folder, timing.call)
    quick = {
        "server": ServerWatch(settings, shared).look,
        "member": MemberWatch(settings, shared, patroni).look,
        "lineage": LineageWatch(settings, shared).look,
        "healing": HealingWatch(settings, shared, patroni).look,
        "disk": DiskWatch(settings).look,
        "reserve": ReserveWatch(settings, shared).look,
        "segments": SegmentsWatch(settings, shared).look,
        "heartbeat": HeartbeatWatch(settings, shared).look,
        "roles": RolesWatch(settings, shared).look,
        "reload": ReloadWatch(settings, patroni).look,
    }
    slow = {
        "peer": PeerWatch(settings).look,
        "certificates": CertificatesWatch(settings).look,
        "backups": BackupsWatch(settings).look,
        "proof": ProofWatch(settings).look,
    }
    watches = [Watch(name, timing.loop, look, registry) for name, look in quick.items()]
    watches += [Watch(name, timing.slow_loop, look, registry) for name, look in slow.items()]
    for watch in watches:
        watch.start()
    serve(registry, settings.metrics_port)


def main() -> int:
    """Runs until the pod ends."""
    try:
        settings = settings_from(os.environ)
    except BadEnvironmentError as error:
        print(f"agent: {error}", file=sys.stderr)
        return 2
    threading.stack_size(_STACK)
    ended = _end_of_pod()
    start(settings)
    say(f"watches {settings.pod_name}")
    os.read(ended, 1)
    # At once: an orderly end would take apart libraries that the threads are in the middle of.
    os._exit(0)


def _end_of_pod() -> int:
    """A pipe to read from: Python wakes its main thread only for a signal that the kernel gave to that very thread."""
    ended, end = os.pipe()
    os.set_blocking(end, False)
    signal.set_wakeup_fd(end)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return ended
