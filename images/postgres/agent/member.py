"""Looks at what Patroni says about this member."""

from __future__ import annotations

from collections.abc import Mapping

from .cluster import ROLES
from .metrics import Value
from .patroni import Patroni
from .settings import Settings
from .shared import Shared


class MemberWatch:
    """Every loop."""

    def __init__(self, settings: Settings, shared: Shared, patroni: Patroni) -> None:
        self._settings = settings
        self._shared = shared
        self._patroni = patroni

    def look(self) -> Mapping[str, Value | None]:
        """The role."""
        member = self._patroni.member(self._settings.pod_name)
        self._shared.member.set(member)
        return {"role": {role: float(role == member.role) for role in ROLES}}
