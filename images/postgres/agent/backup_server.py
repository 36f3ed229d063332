#!/usr/bin/python3
"""
Runs `pgbackrest server` and has it load the certificate again when its files change; it reads them only when told.
The command of the container `pgbackrest`, whose processes the agent's container cannot reach.

TLS_FOLDER   holds tls.crt, tls.key and ca.crt
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from agent.tls import fingerprint

_LOOK_EVERY = 5.0


def main() -> int:
    """Ends as the server ends."""
    folder = Path(os.environ["TLS_FOLDER"])
    files = fingerprint(folder)
    server = subprocess.Popen(["pgbackrest", "server"])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda given, _: server.send_signal(given))
    while True:
        try:
            return server.wait(_LOOK_EVERY)
        except subprocess.TimeoutExpired:
            files = _reload_if_changed(server, folder, files)


def _reload_if_changed(server: subprocess.Popen[bytes], folder: Path, before: str) -> str:
    try:
        files = fingerprint(folder)
    except OSError:
        return before  # Half mounted; the next look tells.
    if files != before:
        server.send_signal(signal.SIGHUP)
        print("backup_server: pgbackrest loads the renewed certificate", flush=True)
    return files


if __name__ == "__main__":
    sys.exit(main())
