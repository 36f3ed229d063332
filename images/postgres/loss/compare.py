"""Rows of one database that another one lacks, table by table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Connection = Any
"""Of psycopg2, which has no types."""

_TABLES = """
SELECT c.oid::regclass::text,
       ARRAY(SELECT quote_ident(attname) FROM pg_attribute
             WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attname COLLATE "C")
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'lifeline')
  AND n.nspname NOT LIKE 'pg\\_%' AND has_table_privilege(c.oid, 'SELECT')
ORDER BY 1
"""


def tables(connection: Connection) -> dict[str, list[str]]:
    """The columns of each table that the application may read, by the table's name as SQL takes it."""
    with connection.cursor() as cursor:
        # Every name with its schema.
        cursor.execute("SET search_path = ''")
        cursor.execute(_TABLES)
        return {name: list(columns) for name, columns in cursor.fetchall()}


def lost(
    old: Connection, new: Connection, table: str, columns: list[str], known: list[str]
) -> Iterator[str]:
    """
    The rows of the old table, as JSON, for which the new one has none with the same values in the columns that both
    have. A column that only one has says nothing: it came or went with a release.
    """
    common = [column for column in columns if column in known]
    theirs = _digests(new, table, common) if common else iter(())
    candidate = next(theirs, None)
    for digest, row in _rows(old, table, common):
        while candidate is not None and candidate < digest:
            candidate = next(theirs, None)
        if candidate == digest:
            # One row answers for one: a table may hold the same twice.
            candidate = next(theirs, None)
        else:
            yield row


def _sorted(table: str, columns: list[str], more: str) -> str:
    values = ", ".join(f"t.{column}::text" for column in columns)
    digest = f"md5(ROW({values})::text)"
    # Byte by byte, as Python compares.
    return f'SELECT {digest}{more} FROM {table} t ORDER BY {digest} COLLATE "C"'


def _digests(connection: Connection, table: str, columns: list[str]) -> Iterator[str]:
    for (digest,) in _stream(connection, _sorted(table, columns, "")):
        yield digest


def _rows(connection: Connection, table: str, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    return _stream(connection, _sorted(table, columns, ", to_jsonb(t)::text"))


def _stream(connection: Connection, statement: str) -> Iterator[tuple[Any, ...]]:
    """The server keeps the answer: a table may be larger than this pod's memory."""
    with connection.cursor(name="rows") as cursor:
        cursor.itersize = 2000
        cursor.execute(statement)
        yield from cursor
