"""Gives the application's role the password of the mounted file, whenever that changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from .command import must
from .metrics import Value
from .settings import Settings
from .shared import Shared
from .watch import say


class RolesWatch:
    """Every loop. Applies also once after each start and promotion: the change may have come before."""

    def __init__(self, settings: Settings, shared: Shared) -> None:
        self._settings = settings
        self._shared = shared
        self._applied: str | None = None

    def look(self) -> Mapping[str, Value | None]:
        """Runs roles.sql on the writing leader. Not before Patroni gave it the key: bootstrap runs it too."""
        if not self._shared.writes:
            self._applied = None
            return {}
        password = hashlib.sha256(self._settings.password_file.read_bytes()).hexdigest()
        if password != self._applied:
            words = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--set=ON_ERROR_STOP=1"]
            words += [f"--host={self._settings.socket_folder}", "--username=postgres"]
            words += [f"--port={self._settings.postgres[1]}", "--dbname=postgres"]
            must([*words, f"--file={self._settings.scripts / 'roles.sql'}"], 30)
            self._applied = password
            say("roles are as the password file says")
        return {}
