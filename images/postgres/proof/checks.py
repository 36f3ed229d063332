"""What a restored database has to stand."""

from __future__ import annotations

import re
from pathlib import Path

from recovery.archive import Archive, Contents
from recovery.command import run
from recovery.refusal import RefusalError
from recovery.server import PrivateServer
from recovery.wal import SEGMENT_BYTES, Chain

from .ledger import Ledger

_CONSTRAINTS = """
SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)
FROM pg_constraint
WHERE contype IN ('f', 'c') AND convalidated AND conparentid = 0 AND coninhcount = 0 AND conrelid <> 0
  AND connamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
"""
_COLLATIONS = """
SELECT 'database ' || datname FROM pg_database
WHERE datname = current_database() AND datcollversion <> pg_database_collation_actual_version(oid)
UNION ALL
SELECT 'collation ' || collname FROM pg_collation
WHERE collversion <> pg_collation_actual_version(oid)
  AND oid IN (SELECT refobjid FROM pg_depend WHERE refclassid = 'pg_collation'::regclass)
"""


def check_listing(found: Contents, chain: Chain, ledger: Ledger) -> str:
    """
    The archive holds what the living database says it archived, each segment once and with content.

    :raises RefusalError: when not
    """
    archived = ledger.archived
    if archived is not None and (
        archived not in found.segments or chain.end.number < archived.number
    ):
        raise RefusalError(
            f"the living database archived {archived.name} at {ledger.archived_at}, but the archive ends with {chain.end.name}"
        )
    for segment in chain.segments:
        paths = found.segments[segment]
        if len(paths) > 1:
            raise RefusalError(
                f"{segment.name} is in the archive with two contents: {', '.join(sorted(paths))}"
            )
        size = found.files[paths[0]].size_bytes
        if not 0 < size <= SEGMENT_BYTES * 1.01:
            raise RefusalError(f"{segment.name} has {size} bytes in the archive")
    return f"{len(chain.segments)} segments from {chain.segments[0].name} to {chain.end.name}"


def check_pages(data: Path) -> str:
    """Every page of a stopped database against its checksum."""
    finished = run(["pg_checksums", "--check", "-D", str(data)])
    if finished.code != 0:
        raise RefusalError((finished.errors or finished.output).strip()[-500:])
    blocks = re.search(r"Blocks scanned:\s+(\d+)", finished.output)
    return f"{blocks[1] if blocks else 'all'} pages"


def check_indexes(server: PrivateServer) -> str:
    """Every index against its table, every table against itself."""
    words = ["pg_amcheck", "--all", "--install-missing", "--heapallindexed", "--parent-check"]
    finished = run([*words, "--jobs=2", *_connection(server)])
    if finished.code != 0:
        raise RefusalError((finished.output + finished.errors).strip()[-500:])
    return "tables and indexes agree"


def check_dump(server: PrivateServer) -> str:
    """Every row can be read and written out."""
    databases = _databases(server)
    for database in databases:
        finished = run(["pg_dump", *_connection(server), "--file=/dev/null", database])
        if finished.code != 0:
            raise RefusalError(finished.errors.strip()[-500:])
    return ", ".join(databases)


def check_constraints(server: PrivateServer) -> str:
    """Foreign keys and checks hold for the rows there are: each is made anew, and not kept."""
    count = 0
    for database in _databases(server):
        for table, name, definition in server.rows(_CONSTRAINTS, database):
            try:
                server.rows(
                    f"BEGIN; ALTER TABLE {table} DROP CONSTRAINT {name} CASCADE; "
                    f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}; ROLLBACK",
                    database,
                )
            except Exception as error:
                raise RefusalError(f"{table} breaks its constraint {name}: {error}") from None
            count += 1
        changed = server.rows(_COLLATIONS, database)
        if changed:
            raise RefusalError(
                f"sorted otherwise than by this image: {', '.join(row[0] for row in changed)}; its indexes may be wrong"
            )
    return f"{count} constraints hold"


def check_repository(archive: Archive) -> str:
    """Every file of every backup and every WAL segment against its checksum."""
    words = ["--log-level-console=info", "--no-log-timestamp", "--output=text", "--verbose"]
    finished = archive.run(*words, "verify")
    if finished.code != 0 or "\nstatus: ok" not in finished.output:
        found = re.findall(
            r"(?:INFO|WARN|ERROR): (.*(?:invalid|missing|\[\d+\]).*)", finished.output
        )
        raise RefusalError("; ".join(found)[:500] or (finished.errors + finished.output)[-500:])
    return "all checksums match"


def _databases(server: PrivateServer) -> list[str]:
    sql = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1"
    return [row[0] for row in server.rows(sql)]


def _connection(server: PrivateServer) -> list[str]:
    return [f"--host={server.folder}", "--port=5432", "--username=postgres"]
