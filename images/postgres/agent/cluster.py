"""What the local Patroni says about its member and the others. Pure functions over its JSON."""

from __future__ import annotations

from dataclasses import dataclass

from .settings import Address

ROLES = ("leader", "standby_leader", "replica", "none")

_BUSY = {
    "initializing new cluster",
    "running custom bootstrap script",
    "starting after custom bootstrap",
    "creating replica",
    "restarting",
    "stopping",
}
_USABLE = {"running", "streaming", "in archive recovery"}


@dataclass(frozen=True)
class Member:
    """This member, as Patroni sees it."""

    name: str
    role: str
    """One of ROLES: leader only while Patroni holds the key of a region that may write."""
    busy: bool
    starting: bool
    leader: Address | None = None
    """Postgres of the region's leader, when that is another member."""
    has_leader: bool = False
    candidates: tuple[str, ...] = ()
    """Other members whose Postgres runs, the best first."""


def member_from(name: str, holds_key: bool, status: object, cluster: object) -> Member:
    """
    Puts together the answers of `/primary` (its status code says who holds the key) and `/cluster`, which needs
    Kubernetes and is None when it did not answer.

    :raises ValueError: when an answer has another shape than Patroni's
    """
    said = _dictionary(status)
    state = str(said.get("state", ""))
    members = _members(cluster)
    leader = next((m for m in members if m.get("role") in ("leader", "standby_leader")), None)
    own = next((m for m in members if m.get("name") == name), said)
    is_other = leader is not None and leader.get("name") != name
    return Member(
        name=name,
        role="leader" if holds_key else _role_of(own),
        busy=state in _BUSY,
        starting=state == "starting",
        leader=_postgres_of(leader) if leader is not None and is_other else None,
        has_leader=leader is not None,
        candidates=_candidates(name, members),
    )


def _role_of(own: dict[str, object]) -> str:
    role = str(own.get("role", ""))
    if role in ("sync_standby", "quorum_standby"):
        return "replica"
    # A leader or primary that does not hold the key may be on its way up, or down.
    return role if role in ("standby_leader", "replica") else "none"


def _candidates(name: str, members: list[dict[str, object]]) -> tuple[str, ...]:
    usable = [m for m in members if m.get("name") != name and m.get("state") in _USABLE]
    # Who streams or has come furthest is the likeliest to be well.
    usable.sort(key=lambda m: (m.get("state") != "streaming", -_number(m.get("timeline"))))
    return tuple(str(m["name"]) for m in usable)


def _members(cluster: object) -> list[dict[str, object]]:
    if cluster is None:
        return []
    members = _dictionary(cluster).get("members")
    if not isinstance(members, list):
        raise ValueError("Patroni's /cluster has no list of members")
    return [_dictionary(member) for member in members]


def _postgres_of(member: dict[str, object]) -> Address | None:
    host, port = member.get("host"), member.get("port", 5432)
    return (host, port) if isinstance(host, str) and isinstance(port, int) else None


def _dictionary(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"Patroni answered {type(value).__name__} where an object belongs")
    return value


def _number(value: object) -> float:
    return float(value) if isinstance(value, int) else 0.0
