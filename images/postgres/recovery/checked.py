"""Whether the region's own archive has a full backup that can be relied on."""

from __future__ import annotations

import os

from .archive import Archive
from .backups import backups_of
from .refusal import RefusalError


def main() -> int:
    """Exit code 0 when it has a checked one."""
    archive = Archive.own(os.environ)
    try:
        backups = backups_of(archive.stanza())
    except RefusalError:
        # The backup that follows says why, if it was more than that there is none.
        return 1
    return 0 if any(b.checked and b.kind == "full" for b in backups) else 1
