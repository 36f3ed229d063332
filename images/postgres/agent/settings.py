"""What the agent is told by its environment, and how patient it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

Address = tuple[str, int]


@dataclass(frozen=True)
class Timing:
    """All times in seconds."""

    loop: float = 5
    """Between two looks at the member itself."""
    slow_loop: float = 60
    """Between two looks at what lies in S3 or changes rarely."""
    call: float = 3
    """Longest a call to a server may take."""
    command: float = 45
    """Longest a program may run; S3 may be slow without being away."""
    heartbeat: float = 30
    stuck: float = 30
    """Without progress for so long, a member that does not stream counts as diverged."""
    patience: float = 300
    """What is diverged for so long does not heal by itself any more."""
    longest_pause: float = 3600
    """Between two attempts to heal, however many failed."""
    lately: float = 300
    """A member that lived so long ago still counts as one that was there all along."""


@dataclass(frozen=True)
class Settings:
    """Where everything is. The defaults are the paths and ports of the image and its pod."""

    pod_name: str
    region: str
    peer_postgres: Address
    """The writing region's entrance, seen from the standby region's leader."""
    database: str
    data_folder: Path
    """PGDATA."""
    generation: int = 1
    """Of the data; its members know each other by roles of their own."""
    socket_folder: str = "/var/run/postgresql"
    tls_folder: Path = Path("/etc/lifeline/tls")
    state_folder: Path = Path("/run/lifeline")
    """Shared by the containers of the pod, in memory; holds `diverged` and `alive`."""
    password_file: Path = Path("/nonexistent")
    scripts: Path = Path("/opt/lifeline")
    postgres: Address = ("localhost", 5432)
    patroni: Address = ("localhost", 8008)
    pgbackrest: Address = ("localhost", 8432)
    metrics_port: int = 9188
    timing: Timing = field(default_factory=Timing)

    @property
    def volume(self) -> Path:
        """Mount point of the data volume."""
        return self.data_folder.parent

    @property
    def diverged_file(self) -> Path:
        """Takes the member out of the Services while it exists; ready.sh looks for it."""
        return self.state_folder / "diverged"

    @property
    def alive_file(self) -> Path:
        """
        Its time says when this pod last lived as a member; may-promote.py reads it. In memory, so that it outlives
        containers but neither the pod nor the node: what starts cold does not know how long it was away.
        """
        return self.state_folder / "alive"

    @property
    def lived_file(self) -> Path:
        """Exists once the data on this volume belonged to a sound member; start-member.py looks for it."""
        return self.volume / "lifeline" / "alive"


class BadEnvironmentError(Exception):
    """A setting is missing or cannot be read."""


def settings_from(environment: Mapping[str, str]) -> Settings:
    """
    Reads the settings of a pod.

    :raises BadEnvironmentError: naming every variable that is missing, or the one that cannot be read
    """
    required = ["PGDATA", "PGHOST", "POD_NAME", "REGION", "PEER_POSTGRES"]
    required += ["GENERATION", "POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD_FILE", "TLS_FOLDER"]
    missing = [name for name in required if not environment.get(name)]
    if missing:
        raise BadEnvironmentError(f"{', '.join(missing)} must be set")
    return Settings(
        pod_name=environment["POD_NAME"],
        region=environment["REGION"],
        peer_postgres=address("PEER_POSTGRES", environment["PEER_POSTGRES"]),
        database=environment["POSTGRES_DB"],
        data_folder=Path(environment["PGDATA"]),
        generation=int(environment["GENERATION"]),
        socket_folder=environment["PGHOST"],
        tls_folder=Path(environment["TLS_FOLDER"]),
        password_file=Path(environment["POSTGRES_PASSWORD_FILE"]),
    )


def address(name: str, text: str) -> Address:
    """Host and port of `host:port`; an IPv6 address stands in brackets."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise BadEnvironmentError(f'{name} must be host:port, got "{text}"')
    return host.removeprefix("[").removesuffix("]"), int(port)
