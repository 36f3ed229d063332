"""Looks until it is clear whether somebody is making the database cluster, and tidies up when nobody is."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent.command import CommandError, must
from agent.settings import Settings, settings_from

from .rule import Data, State, Step, is_remnant, step
from .state import Kubernetes


@dataclass(frozen=True)
class Patience:
    """All times in seconds."""

    quiet: float = 12
    """Three turns of Patroni: by then a member that makes the cluster says so."""
    whole: float = 40
    """Then Patroni starts in any case; the probe of its life waits for a minute."""
    pause: float = 1


class Cluster(Protocol):
    """Where Patroni keeps its state."""

    def state(self) -> State: ...
    def release(self, version: str) -> None: ...


def tidy(environment: Mapping[str, str]) -> None:
    """
    Whatever happens in it, a member that has lived starts afterwards.

    :raises SystemExit: when nothing can be learned about data that may be a remnant: Patroni would take it for a cluster
    """
    settings = settings_from(environment)
    try:
        tidy_up(Kubernetes(environment), settings, Patience())
    except Exception as error:
        say(f"cannot look at the cluster's state: {type(error).__name__}: {error}")
        if _holds_data(settings.data_folder) and not settings.lived_file.exists():
            sys.exit(1)


def tidy_up(cluster: Cluster, settings: Settings, patience: Patience) -> None:
    """
    Removes what never became part of the cluster, and gives back the right to make one that nobody uses.

    :raises OSError: when the cluster's state cannot be read, or changed, for long
    """
    end = time.monotonic() + patience.whole
    version, since = None, time.monotonic()
    while True:
        now = time.monotonic()
        try:
            state = cluster.state()
            _remove_remnant(settings, state)
            if state.version != version:
                version, since = state.version, now
            todo = step(state, now - since, patience.quiet)
            if todo is Step.RELEASE:
                cluster.release(state.version)
                say("nobody makes the cluster although somebody had begun; it can be made anew")
            if todo is not Step.WAIT or now > end:
                return
        except OSError:
            # Away, or changed by somebody else in between: the next look tells.
            if now > end:
                raise
        time.sleep(patience.pause)


def say(text: str) -> None:
    """To the container's log."""
    print(f"start-member: {text}", file=sys.stderr, flush=True)


def _remove_remnant(settings: Settings, state: State) -> None:
    folder = settings.data_folder
    if not _holds_data(folder):
        return
    if is_remnant(Data(_system_of(folder), settings.lived_file.exists()), state):
        say(f"{folder} is what was left when the making of it was cut short; removing it")
        shutil.rmtree(folder)


def _holds_data(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _system_of(folder: Path) -> str | None:
    try:
        text = must(["pg_controldata", "-D", str(folder)], 10, {"LC_ALL": "C"})
    except CommandError:
        return None
    found = re.search(r"^Database system identifier: *(\d+)$", text, re.M)
    return None if found is None else found[1]
