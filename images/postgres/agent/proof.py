"""Looks at the report of the last restore proof, which lies in the region's own bucket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .backups import QUIET
from .command import CommandError, run
from .metrics import Value
from .settings import Settings

_MISSING = 1
"""Exit code of repo-get with --ignore-missing when there is no such file."""


class ProofWatch:
    """Every slow loop."""

    def __init__(self, settings: Settings, folder: str = "/reports") -> None:
        self._settings = settings
        self._folder = folder

    def look(self) -> Mapping[str, Value | None]:
        """pgBackRest, which knows the bucket, reads the report; that is no part of the repository, nor encrypted."""
        words = ["pgbackrest", *QUIET, f"--repo1-path={self._folder}", "--raw", "--ignore-missing"]
        words += ["repo-get", "restore-proof/latest.json"]
        finished = run(words, self._settings.timing.command)
        if finished.code == _MISSING and not finished.output:
            return {}
        if finished.code != 0:
            raise CommandError(f"repo-get ended with {finished.code}: {finished.errors.strip()}")
        return proof_facts(json.loads(finished.output))


def proof_facts(report: Any) -> dict[str, Value | None]:
    """
    The numbers of a report.

    :raises ValueError: when the report has another shape
    """
    try:
        if report["result"] not in ("green", "red"):
            raise ValueError(f"result is {report['result']!r}")
        finished = datetime.fromisoformat(report["finishedAt"])
        if finished.tzinfo is None:
            raise ValueError("finishedAt has no time zone")
        phases = report["phases"]
        return {
            "restore_proof_green": float(report["result"] == "green"),
            "restore_proof_finished_seconds": finished.timestamp(),
            "restore_proof_rpo_seconds": _number(report.get("measuredRpoSeconds")),
            "restore_proof_rto_seconds": _number(report.get("measuredRtoSeconds")),
            "restore_proof_phase_seconds": {str(p["name"]): float(p["seconds"]) for p in phases},
            "restore_proof_phase_ok": {str(p["name"]): float(p["ok"] is True) for p in phases},
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"cannot read the report of the restore proof: {error!r}") from None


def _number(value: object) -> float | None:
    """A proof that failed early has measured nothing."""
    return None if value is None else float(value)  # type: ignore[arg-type]
