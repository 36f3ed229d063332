"""The report of a proof: what every phase found and took."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timezone
from pathlib import Path

from recovery.refusal import RefusalError

from .credentials import bucket_of, report_credentials
from .s3 import request


@dataclass
class Phase:
    """One step of the ladder."""

    name: str
    seconds: float = 0
    ok: bool = False
    detail: str = ""


class Stopped(BaseException):
    """Asked to end from outside: nothing on the way may take that for a failure of its own, and go on."""


@dataclass
class Report:
    """Red until the last phase has passed."""

    region: str
    generation: int
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    finished: datetime = field(default_factory=lambda: datetime.now(UTC))
    phases: list[Phase] = field(default_factory=list)
    reason: str | None = None
    """Why it is red, once that is known."""
    green: bool = False
    rpo_seconds: float | None = None
    rto_seconds: float | None = None

    @contextmanager
    def phase(self, name: str) -> Iterator[Phase]:
        """Times a step; one that raises ends the proof."""
        phase = Phase(name)
        self.phases.append(phase)
        begun = time.monotonic()
        try:
            yield phase
            phase.ok = True
        except (Exception, Stopped) as error:
            said = str(error) if isinstance(error, (RefusalError, Stopped)) else repr(error)
            phase.detail = said
            self.reason = f"{name}: {said}"
            raise
        finally:
            phase.seconds = round(time.monotonic() - begun, 3)
            print(
                f"restore-proof: {'ok ' if phase.ok else 'RED'} {name} {phase.seconds:.1f} s: {phase.detail}",
                flush=True,
            )

    def ended_by(self, error: BaseException) -> None:
        """What came between two phases ends the proof as well; what a phase said of it is said better."""
        self.reason = self.reason or (str(error) if isinstance(error, Stopped) else repr(error))

    def finish(self) -> None:
        """The proof is over; whoever follows the log reads the report there."""
        self.finished = datetime.now(UTC)
        print(f"restore-proof: report {json.dumps(self._facts())}", flush=True)

    def _facts(self) -> dict[str, object]:
        """As dashboards and the agent read it."""
        return {
            "startedAt": self.started.isoformat(),
            "finishedAt": self.finished.isoformat(),
            "region": self.region,
            "generation": self.generation,
            "result": "green" if self.green else "red",
            "reason": None if self.green else self.reason,
            "measuredRpoSeconds": self.rpo_seconds,
            "measuredRtoSeconds": self.rto_seconds,
            "phases": [vars(phase) for phase in self.phases],
        }

    def upload(self) -> str:
        """Files the report in the region's bucket, under its time and as the latest."""
        body = json.dumps(self._facts(), indent=2).encode()
        bucket = bucket_of(Path(os.environ["PGBACKREST_CONFIG"]))
        credentials = report_credentials(bucket)
        key = f"reports/restore-proof/{self.started:%Y-%m-%dT%H-%M-%SZ}.json"
        for name in (key, "reports/restore-proof/latest.json"):
            request(bucket, credentials, "PUT", name, body)
        return f"s3://{bucket.name}/{key}"
