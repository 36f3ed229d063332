"""Whether every file of the newest backup lies in the bucket, by its manifest and a listing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator

from .archive import Archive, contents
from .backups import Backup
from .refusal import RefusalError

_SUFFIX = {"none": "", "gz": ".gz", "lz4": ".lz4", "zst": ".zst", "bz2": ".bz2"}


def main() -> int:
    """Checks the newest backup of the region's own archive."""
    archive = Archive.own(os.environ)
    try:
        backup = contents(archive).backups[-1]
        print(f"backup: {check(archive, backup)} files of {backup.label} are in the bucket")
    except RefusalError as refusal:
        print(f"backup: {refusal}", file=sys.stderr)
        return 1
    return 0


def check(archive: Archive, backup: Backup) -> int:
    """
    Number of files of a backup, all of them in place.

    :raises RefusalError: naming the first that is not
    """
    folder = f"backup/main/{backup.label}"
    texts = [archive.text(f"{folder}/backup.manifest{suffix}") for suffix in ("", ".copy")]
    if texts[0] != texts[1]:
        raise RefusalError(f"the two copies of the manifest of backup {backup.label} differ")
    listings = {}
    count = 0
    for label, path, size in manifest_files(texts[0], backup.label):
        if label not in listings:
            listings[label] = archive.listing(f"backup/main/{label}")
        found = listings[label].get(path)
        if found is None:
            raise RefusalError(f"{path} of backup {label} is missing from the bucket")
        if size is not None and found.size_bytes < size:
            raise RefusalError(
                f"{path} of backup {label} has {found.size_bytes} bytes in the bucket, fewer than the {size} it was stored with"
            )
        count += 1
    return count


def manifest_files(text: str, label: str) -> Iterator[tuple[str, str, int | None]]:
    """
    Set, path below it and stored size of every file that a manifest says was copied.

    :raises RefusalError: when it is no manifest
    """
    sections: dict[str, dict[str, object]] = {}
    current: dict[str, object] = {}
    try:
        for line in text.splitlines():
            if line.startswith("["):
                current = sections.setdefault(line[1:-1], {})
            elif line:
                name, value = line.split("=", 1)
                current[name] = json.loads(value)
        suffix = _SUFFIX[str(sections["backup:option"]["option-compress-type"])]
        for path, entry in sections["target:file"].items():
            assert isinstance(entry, dict)
            if entry["size"] == 0 or "bni" in entry:
                continue  # Empty files are not stored; bundles have another name.
            yield str(entry.get("reference", label)), f"{path}{suffix}", entry.get("repo-size")
    except (KeyError, ValueError, AssertionError) as error:
        raise RefusalError(f"the manifest of backup {label} cannot be read: {error!r}") from None
