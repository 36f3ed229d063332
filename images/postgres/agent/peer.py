"""Looks at the other region's leader: nobody else would notice that both regions write."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg2

from .database import lineage, rows, superuser
from .metrics import Value
from .settings import Settings


class PeerWatch:
    """Every slow loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def look(self) -> Mapping[str, Value | None]:
        """Says nothing where this member does not write, or the other region does not answer."""
        try:
            peer = lineage(self._settings, self._settings.peer_postgres)
            # Asked last: in a planned move the one stops before the other begins, and that may be in between.
            with superuser(self._settings) as opened:
                [(follows,)] = rows(opened, "SELECT pg_is_in_recovery()")
        except (OSError, psycopg2.Error):
            return {"peer_writes": None}
        return {"peer_writes": None if follows else float(not peer.in_recovery)}
