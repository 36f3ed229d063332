"""Whether a restore point can be gone back to, before anything is touched for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import psycopg2

from .archive import Contents
from .earlier import Members
from .refusal import RefusalError
from .restore import Plan, plan
from .target import Target, shown
from .wal import parse_lsn, segment


def plan_to_point(
    environment: Mapping[str, str], found: Contents, aim: Target, say: Callable[[str], None]
) -> Plan:
    """
    From which backup, when the generation before can be asked where the point lies; else whatever the archive shows.

    :raises RefusalError: when it has no such point, or the archive does not reach it
    """
    members = Members(environment)
    if not members.hosts:
        return plan(found, aim)
    try:
        connection = members.connect("any")
    except psycopg2.OperationalError as error:
        say(f"WARNING: whether there is {aim.words} cannot be seen: {str(error).strip()}")
        return plan(found, aim)
    with connection.cursor() as cursor:
        cursor.execute("SELECT lsn, wal FROM lifeline.restore_points WHERE name = %s", [aim.point])
        row = cursor.fetchone()
        cursor.execute("SELECT coalesce(string_agg(name, ', ' ORDER BY lsn), 'none') FROM lifeline.restore_points")
        known = cursor.fetchone()[0]
    connection.close()
    if row is None:
        raise RefusalError(f"{aim.words} was never taken; there is {known}")
    planned = plan(found, aim, before_lsn=parse_lsn(row[0]))
    _require(planned, segment(row[1]).number, aim, row[1])
    return planned


def _require(planned: Plan, number: int, aim: Target, wal: str) -> None:
    """Every segment up to the one in which the point lies; its timeline may have got another number since."""
    missing = [it.name for it in planned.chain.missing if it.number <= number]
    if missing:
        raise RefusalError(
            f"WAL segment {missing[0]} is missing from the archive between backup {planned.base.label} of "
            f"{shown(planned.base.stop)} and {aim.words}"
        )
    if planned.chain.end.number < number:
        raise RefusalError(
            f"{aim.words} lies in {wal}, and the archive ends with {planned.chain.end.name}; wait until it has come that far"
        )
