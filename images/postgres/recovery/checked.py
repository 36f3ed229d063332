"""
Whether a full backup can be relied on. pgBackRest lists a backup as soon as it is copied; backup.sh marks it once it is
checked too, and what old ones it makes superfluous are expired.
"""

from __future__ import annotations

import os
from pathlib import Path

from .archive import Archive
from .refusal import RefusalError

CHECKED = "checked"
"""The annotation; its value is when."""


def main() -> int:
    """Ends with 0 when the region's own archive has a full backup with the mark."""
    archive = Archive(
        Path(os.environ["PGBACKREST_CONFIG"]),
        Path(os.environ["PGBACKREST_CONFIG_INCLUDE_PATH"]),
        int(os.environ["GENERATION"]),
        os.environ["REGION"],
    )
    try:
        backups = archive.stanza()["backup"]
    except RefusalError:
        # The backup that follows says why, if it was more than that there is none.
        return 1
    found = any(b["type"] == "full" and CHECKED in (b.get("annotation") or {}) for b in backups)
    return 0 if found else 1
