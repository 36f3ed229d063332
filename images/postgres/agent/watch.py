"""Runs each part of the agent in a thread of its own, so that one that hangs delays no other."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping

from .metrics import Registry, Value

_REPEAT_AFTER = 300.0
"""Seconds after which a failure that lasts is said again."""


def say(text: str) -> None:
    """One line of the pod's log."""
    with contextlib.suppress(OSError):  # Nobody may be reading any more.
        print(f"agent: {text}", flush=True)


class Watch:
    """Calls `look` again and again. Whatever happens in it, there is a next time."""

    def __init__(
        self,
        name: str,
        interval: float,
        look: Callable[[], Mapping[str, Value | None]],
        registry: Registry,
    ) -> None:
        self._name = name
        self._interval = interval
        self._look = look
        self._registry = registry
        self._said: tuple[str, float] | None = None
        registry.declare(name)

    def start(self) -> None:
        """Looks until the process ends, which does not wait for a thread that hangs."""
        threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def once(self) -> None:
        """One look. What it returns stays visible for three more intervals."""
        try:
            values = self._look()
            if values:
                self._registry.publish(self._name, values, 3 * self._interval + 10)
            self._registry.succeeded(self._name)
            if self._said is not None:
                self._said = None
                say(f"{self._name}: works again")
        except Exception as error:  # Anything: the agent must outlive every surprise.
            self._complain(error)

    def _run(self) -> None:
        while True:
            started = time.monotonic()
            self.once()
            time.sleep(max(0.0, self._interval - (time.monotonic() - started)))

    def _complain(self, error: Exception) -> None:
        text = f"{self._name}: {type(error).__name__}: {' '.join(str(error).split())}"[:500]
        now = time.monotonic()
        if self._said is None or text != self._said[0] or now - self._said[1] > _REPEAT_AFTER:
            self._said = (text, now)
            say(text)
