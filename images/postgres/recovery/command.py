"""Runs programs."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finished:
    """How a program ended."""

    code: int
    output: str
    errors: str


def run(words: Sequence[str], environment: Mapping[str, str] | None = None) -> Finished:
    """Runs a program to its end; it dies with this process, which a plain child would outlive."""
    finished = subprocess.run(
        ["setpriv", "--pdeathsig=KILL", *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return Finished(
        finished.returncode,
        finished.stdout.decode(errors="replace"),
        finished.stderr.decode(errors="replace"),
    )
