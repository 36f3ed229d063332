"""Every metric of the agent, and the place where the watches put their values."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .catalogue import METRICS, PREFIX, Metric

Value = float | Mapping[str, float]
"""A number, or one number for every value of the metric's label."""


@dataclass(frozen=True)
class Publication:
    """What one watch saw in one run."""

    values: Mapping[str, Value]
    until: float


class Registry:
    """
    Holds the latest values of every watch. Values nobody renewed in time disappear: a stale number would keep an
    alert silent, an absent one raises it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._publications: dict[str, Publication] = {}
        self._successes: dict[str, float] = {}

    def declare(self, watch: str) -> None:
        """Counts the age of a watch that has not succeeded yet from now on."""
        with self._lock:
            self._successes.setdefault(watch, self._clock())

    def publish(self, watch: str, values: Mapping[str, Value | None], lifetime: float) -> None:
        """Replaces all values of a watch; those that are None are not known and are left out."""
        for name in values:
            if METRICS[name].watch != watch:
                raise KeyError(f"{name} belongs to the watch {METRICS[name].watch}, not to {watch}")
        known = {name: value for name, value in values.items() if value is not None}
        with self._lock:
            self._publications[watch] = Publication(known, self._clock() + lifetime)

    def succeeded(self, watch: str) -> None:
        """Notes that a watch ran to its end."""
        with self._lock:
            self._successes[watch] = self._clock()

    def render(self) -> str:
        """All known values as Prometheus text."""
        now = self._clock()
        with self._lock:
            values: dict[str, Value] = {}
            for publication in self._publications.values():
                if now <= publication.until:
                    values.update(publication.values)
            values["watch_age_seconds"] = {watch: now - at for watch, at in self._successes.items()}
        lines: list[str] = []
        for name, metric in METRICS.items():
            if name in values:
                lines += _lines(name, metric, values[name])
        return "\n".join(lines) + "\n"


def _lines(name: str, metric: Metric, value: Value) -> list[str]:
    full = PREFIX + name
    head = [f"# HELP {full} {metric.meaning}", f"# TYPE {full} gauge"]
    if isinstance(value, Mapping):
        if metric.label is None:
            raise KeyError(f"{name} has no label")
        return head + [
            f'{full}{{{metric.label}="{_escaped(key)}"}} {float(number)!r}'
            for key, number in sorted(value.items())
        ]
    if metric.label is not None:
        raise KeyError(f"{name} needs a value for its label {metric.label}")
    return [*head, f"{full} {float(value)!r}"]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
