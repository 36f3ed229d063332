"""Asks until the answer is clear, or patience ends."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import psycopg2

from agent.settings import Address, BadEnvironmentError, settings_from

from .sight import is_declared_follower, look_here, look_there
from .verdict import Answer, Here, There, Verdict, judge, judge_alone


@dataclass(frozen=True)
class Patience:
    """All times in seconds."""

    whole: float = 60
    """
    Longest to wait for a region that is in the way and sends nothing: a planned move's old leader writes its last
    checkpoint.
    """
    silence: float = 5
    """Without any answer for so long, the other region counts as unreachable."""
    still: float = 10
    """Nothing may have arrived for so long before what cannot be asked is taken for gone: wal_receiver_timeout."""
    pause: float = 1
    """Between two looks."""
    call: float = 2
    """Longest a call may take."""


def main() -> int:
    """Exit code: 0 to promote."""
    try:
        settings = settings_from(os.environ)
        api = _api(os.environ.get("PEER_API", ""))
    except BadEnvironmentError as error:
        say(f"refused: {error}")
        return 2
    patience = Patience()
    settings = replace(settings, timing=replace(settings.timing, call=patience.call))
    return (
        0
        if may_promote(
            patience,
            here=lambda: look_here(settings),
            there=lambda: look_there(settings, api),
            is_called_back=lambda: is_declared_follower(settings),
            promote_alone=os.environ.get("PROMOTE_ALONE") == "true",
        )
        else 1
    )


def may_promote(
    patience: Patience,
    here: Callable[[], Here],
    there: Callable[[], There],
    is_called_back: Callable[[], bool],
    promote_alone: bool,
) -> bool:
    """Whether to promote; says why, and what it waits for."""
    started = heard = moved = time.monotonic()
    said = ""
    lsn = -1
    while True:
        try:
            seen = there()
            now = time.monotonic()
            if seen.is_reachable:
                heard = now
                member = here()
                if member.lsn != lsn:
                    lsn, moved = member.lsn, now
                verdict = judge(member, seen)
            elif now - heard < patience.silence:
                verdict = Verdict(Answer.WAIT, "the other region does not answer")
            else:
                verdict = judge_alone(here(), promote_alone)
                if verdict.answer is Answer.WAIT:
                    return _end(False, verdict.reason)
        except psycopg2.Error as error:
            verdict = Verdict(
                Answer.WAIT, f"this member's Postgres does not answer: {error}".strip()
            )
        # Before every answer: a failover within a region may meet its demotion, and the other region goes by that.
        if is_called_back():
            return _end(False, "this region is declared a follower now")
        if verdict.answer is Answer.ALLOW:
            return _end(True, verdict.reason)
        now = time.monotonic()
        if verdict.answer is Answer.RECEIVE:
            started = now
        if now - started > patience.whole:
            allowed = verdict.answer is Answer.ALLOW_IN_THE_END
            if not allowed or now - moved > patience.still:
                return _end(allowed, verdict.reason)
        if verdict.reason != said:
            said = verdict.reason
            say(f"waiting: {said}")
        time.sleep(patience.pause)


def say(text: str) -> None:
    """To the container's log."""
    print(f"may-promote: {text}", file=sys.stderr, flush=True)


def _end(allowed: bool, reason: str) -> bool:
    say(f"{'promoting' if allowed else 'refused'}: {reason}")
    return allowed


def _api(text: str) -> Address:
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.hostname or parts.port is None:
        raise BadEnvironmentError(f'PEER_API must be https://host:port, got "{text}"')
    return parts.hostname, parts.port
