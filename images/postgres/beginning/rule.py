"""
What is left of a member that was killed while it made the database cluster. Pure functions over what was seen.

Patroni takes the right to make the cluster by an empty annotation `initialize`, and gives it back only when it lives to
see its failure. What it leaves otherwise, an annotation that nobody owns and half a cluster on one volume, keeps every
member waiting for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class State:
    """What Patroni keeps in Kubernetes."""

    initialize: str | None
    """None before anybody began, empty while somebody makes the cluster, then its system identifier."""
    led: bool
    """Somebody has led this cluster: it has lived, and may hold commits."""
    others_busy: bool
    """Another member is doing something with its data."""
    version: str
    """Changes with `initialize`."""


@dataclass(frozen=True)
class Data:
    """What is in this member's data folder, which is not empty."""

    system: str | None
    """System identifier; None without a control file, which is the last that a restore writes."""
    lived: bool
    """The agent has seen it well once."""


class Step(Enum):
    """What to do next."""

    START = "start"
    WAIT = "wait"
    RELEASE = "release"
    """Give the right to make the cluster back."""


def is_remnant(data: Data, state: State) -> bool:
    """Whether the data never belonged to the cluster, and keeps this member from becoming part of it."""
    if data.lived:
        return False
    if state.initialize:
        return data.system != state.initialize
    return not state.led


def step(state: State, quiet_seconds: float, patience_seconds: float) -> Step:
    """Nobody may be making the cluster for so long before the right is taken from whoever had it."""
    if state.initialize != "" or state.led or state.others_busy:
        return Step.START
    return Step.RELEASE if quiet_seconds >= patience_seconds else Step.WAIT
