"""A generation's archive in one region's bucket, through pgBackRest."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

from .backups import Backup, backups_of
from .command import Finished, run
from .refusal import RefusalError
from .wal import (
    Chain,
    Segment,
    Switch,
    chain,
    includes,
    parse_history,
    stored_histories,
    stored_segments,
)

_QUIET = ["--log-level-console=off", "--log-level-file=off", "--log-level-stderr=warn"]
_DUMP = re.compile(r"\.(sql|dump|pgdump|tar)(\.\w+)?$|(^|/)toc\.dat$")


@dataclass(frozen=True)
class StoredFile:
    """A file of the archive."""

    size_bytes: int
    time: datetime


@dataclass(frozen=True)
class Archive:
    """Where it is and with which credentials."""

    configuration: Path
    include_folder: Path
    generation: int
    region: str

    @classmethod
    def own(cls, environment: Mapping[str, str]) -> Archive:
        """The one that the region itself writes, of the generation that runs, as every container of its pods is told."""
        return cls(
            Path(environment["PGBACKREST_CONFIG"]),
            Path(environment["PGBACKREST_CONFIG_INCLUDE_PATH"]),
            int(environment["GENERATION"]),
            environment["REGION"],
        )

    @property
    def options(self) -> list[str]:
        """What every call of pgBackRest gets."""
        return [
            "--stanza=main",
            f"--config={self.configuration}",
            f"--config-include-path={self.include_folder}",
            f"--repo1-path=/postgres-{self.generation}",
        ]

    def restore_command(self, data: Path) -> str:
        """For Postgres: fetches one WAL file."""
        words = ["pgbackrest", *self.options, f"--pg1-path={data}", "archive-get"]
        return f'{shlex.join(words)} %f "%p"'

    def run(self, *words: str) -> Finished:
        """One command of pgBackRest."""
        # Options of the environment would win over the files of another region.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PGBACKREST_")}
        quiet = [option for option in _QUIET if not _sets(words, option)]
        return run(["pgbackrest", *self.options, *quiet, *words], environment)

    def must(self, *words: str) -> str:
        """
        The output of a command that has to succeed.

        :raises RefusalError: with a sentence for what is usual, else with what pgBackRest said
        """
        finished = self.run(*words)
        if finished.code != 0:
            raise RefusalError(self._sentence(finished.errors + finished.output))
        return finished.output

    def stanza(self) -> Any:
        """
        What pgBackRest knows of the generation.

        :raises RefusalError: when it has no usable archive
        """
        found = self._info()
        code = 0 if found is None else int(found["status"]["code"])
        if found is None or not found["backup"] or not found["db"]:
            raise RefusalError(self._nothing(code, found))
        systems = {entry["system-id"] for entry in found["db"]}
        if len(systems) > 1:
            raise RefusalError(
                f"the archive of generation {self.generation} in {self.region} holds WAL of different databases, with system "
                f"identifiers {', '.join(map(str, sorted(systems)))}; one of them does not belong there"
            )
        return found

    def system_id(self) -> int | None:
        """Of the database that the archive belongs to; it may have no backup yet. None when there is no archive."""
        found = self._info()
        return found["db"][-1]["system-id"] if found is not None and found["db"] else None

    def _info(self) -> Any:
        said = self.must("info", "--output=json")
        try:
            # With a wrong key pgBackRest quotes what it decrypted, whatever bytes that gave.
            return next(iter(json.loads(said, strict=False)), None)
        except ValueError:
            raise RefusalError(self._unreadable(said)) from None

    def listing(self, folder: str) -> dict[str, StoredFile]:
        """All files below a folder of the repository."""
        where = [folder] if folder else []
        entries = json.loads(self.must("repo-ls", "--recurse", "--output=json", *where))
        return {
            name: StoredFile(int(entry["size"]), datetime.fromtimestamp(int(entry["time"]), UTC))
            for name, entry in entries.items()
            if entry["type"] == "file"
        }

    def text(self, path: str) -> str:
        """The content of one file of the repository."""
        return self.must("repo-get", f"/postgres-{self.generation}/{path}")

    def _nothing(self, code: int, found: Any) -> str:
        if code == 99 and found is not None:
            return self._unreadable(" ".join(str(r["status"]["message"]) for r in found["repo"]))
        where = f"generation {self.generation} in {self.region}"
        try:
            dump = next(filter(_DUMP.search, sorted(self.listing(""))), None)
        except RefusalError:
            dump = None
        if dump is not None:
            return (
                f"what lies there for {where} is a logical dump ({dump}); WAL cannot be applied to a dump, so it cannot be "
                "the base of a restore: start an empty generation and load it with pg_restore or psql"
            )
        return f"there is no backup of {where}"

    def _unreadable(self, said: str) -> str:
        """Why the first look fails; after it the key is known to be right."""
        if "CryptoError" in said or "cipher" in said or "FormatError" in said:
            return (
                f"cannot read the archive of generation {self.generation} in {self.region} with this cipher key: it was written "
                "with another one, or is damaged; put the region's own key into the Secret"
            )
        return self._sentence(said)

    def _sentence(self, said: str) -> str:
        lines = [line.strip() for line in said.strip().splitlines() if line.strip()]
        return (
            f"pgbackrest cannot use the archive of generation {self.generation} in {self.region}: "
            + (" ".join(lines)[-500:] or "it said nothing")
        )


def _sets(words: tuple[str, ...], option: str) -> bool:
    """Whether a call brings its own value of an option."""
    name = option.split("=")[0]
    return any(word.startswith(f"{name}=") for word in words)


@dataclass(frozen=True)
class Contents:
    """What an archive holds, seen once."""

    archive: Archive
    system_id: int
    backups: list[Backup]
    files: Mapping[str, StoredFile]
    """Of the WAL archive, by path below its folder."""
    archive_id: str

    @cached_property
    def segments(self) -> dict[Segment, list[str]]:
        """Paths of every segment; asked for once for each of them."""
        return stored_segments(self.files)

    def archived_at(self, segment: Segment) -> datetime:
        """When a segment came into the archive."""
        return min(self.files[path].time for path in self.segments[segment])

    def chain_from(self, backup: Backup) -> Chain:
        """
        The WAL from a backup to the end.

        :raises RefusalError: when no way leads there
        """
        try:
            return chain(backup.wal, self.segments, self.histories)
        except ValueError as error:
            raise RefusalError(str(error)) from None

    @property
    def lasting_backups(self) -> list[Backup]:
        """
        Those that the newest timeline comes by, oldest first. Any other is of a stretch that was given up: a region
        that was cut off backed it up, and follows a history since in which it never happened.

        :raises RefusalError: when the timelines cannot be read
        """
        newest = self.newest_timeline
        history = self.histories.get(newest)
        if history is None:
            # The first has none. Where another one's is missing, looking for the way says so.
            return self.backups
        return [b for b in self.backups if includes(history, newest, b.wal.timeline, b.stop_lsn)]

    @property
    def newest_timeline(self) -> int:
        """The highest that left anything."""
        return max({1} | {s.timeline for s in self.segments} | set(stored_histories(self.files)))

    @cached_property
    def histories(self) -> dict[int, tuple[Switch, ...]]:
        """
        Of every timeline that has a file.

        :raises RefusalError: when one cannot be read
        """
        folder = f"archive/main/{self.archive_id}"
        try:
            return {
                timeline: parse_history(self.archive.text(f"{folder}/{timeline:08X}.history"))
                for timeline in stored_histories(self.files)
            }
        except ValueError as error:
            raise RefusalError(str(error)) from None


def contents(archive: Archive) -> Contents:
    """
    Looks at everything a restore depends on.

    :raises RefusalError: when there is nothing to restore from
    """
    stanza = archive.stanza()
    newest = max(entry["id"] for entry in stanza["db"])
    system_id = next(entry["system-id"] for entry in stanza["db"] if entry["id"] == newest)
    archives = [e["id"] for e in stanza["archive"] if e["database"]["id"] == newest]
    archive_id = archives[-1] if archives else f"15-{newest}"
    return Contents(
        archive=archive,
        system_id=system_id,
        backups=[b for b in backups_of(stanza) if b.database_id == newest],
        files=archive.listing(f"archive/main/{archive_id}"),
        archive_id=archive_id,
    )
