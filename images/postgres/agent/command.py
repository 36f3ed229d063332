"""Runs programs that may hang."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finished:
    """How a program ended."""

    code: int
    output: str
    errors: str


class CommandError(Exception):
    """A program failed or took too long."""


def run(
    words: Sequence[str], seconds: float, environment: Mapping[str, str] | None = None
) -> Finished:
    """
    Runs a program with all its children; after so many seconds all of them are killed.

    :raises CommandError: when it took too long
    """
    child = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )
    try:
        output, errors = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        # One that sits in the kernel stays there; the next run is another process.
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.communicate(timeout=1)
        raise CommandError(f"{words[0]} gave no answer in {seconds:.0f} s") from None
    return Finished(
        child.returncode, output.decode(errors="replace"), errors.decode(errors="replace")
    )


def must(words: Sequence[str], seconds: float, environment: Mapping[str, str] | None = None) -> str:
    """
    Output of a program that has to succeed.

    :raises CommandError: with what it complained about
    """
    finished = run(words, seconds, environment)
    if finished.code != 0:
        said = (finished.errors or finished.output).strip()[-300:]
        raise CommandError(f"{words[0]} ended with {finished.code}: {said}")
    return finished.output
