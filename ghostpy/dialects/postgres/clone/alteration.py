"""The user's ALTER on a clone on which everything stands that stands on the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import psycopg

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.clone.definitions import Definitions, Part, read_definitions
from ghostpy.dialects.postgres.clone.index_definitions import IndexDefinition
from ghostpy.dialects.postgres.clone.inheritance import paired
from ghostpy.dialects.postgres.replay import path_of, run_under
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName

_DOING = "running the ALTER on an empty clone"
_SAVEPOINT = "ghostpy_alter"

Known: TypeAlias = Mapping[int, tuple[object, ...]]
"""What an index is, by its oid."""


async def run_alters(
    session: Session, source: Definitions, clone: TableName, alters: Sequence[str], holders: Mapping[str, str | None]
) -> tuple[Definitions, Known]:
    """Run `alters`; what stands on the clone then, and which of its indexes were there before.

    `holders` are sequences that keep names taken, and are gone then.

    One that does so on behalf of a column of the source goes with that.
    """
    path = path_of(clone, source.table)
    held = dict(holders)
    now = await read_definitions(session, clone, path)
    carried = _identities(now.indexes)
    for alter in alters:
        await _run(session, source.table, now, alter)
        await _see_there(session, source.table, clone)
        now = await read_definitions(session, clone, path)
        carried = _still_carried(carried, now.indexes)
        live = dict(await paired(session, source, now))
        freed = [holder for holder, column in held.items() if column is not None and column not in live]
        await _drop(session, path, freed)
        held = {holder: column for holder, column in held.items() if holder not in freed}
    await _drop(session, path, list(held))
    return now, carried


async def _drop(session: Session, path: Sequence[str], sequences: Sequence[str]) -> None:
    await run_under(session, path, [f"DROP SEQUENCE {sequence}" for sequence in sequences], doing=_DOING)


async def _run(session: Session, source: TableName, now: Definitions, alter: str) -> None:
    """Run `alter`, if need be while the triggers, rules and policies are away.

    The server changes the type of no column that one of them uses ("ALTER TABLE", Notes); a new table has time to get them anew.
    """
    parts = (*now.triggers, *now.rules, *now.policies)
    await session.execute(f"SAVEPOINT {_SAVEPOINT}", doing=_DOING)
    try:
        await session.execute(alter, doing=_DOING)
    except errors.ServerError as error:
        if not parts or not isinstance(error.__cause__, psycopg.errors.FeatureNotSupported):
            raise
        await session.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}", doing=_DOING)
        path = path_of(now.table, source)
        await run_under(session, path, [part.drop for part in parts], doing=_DOING)
        await session.execute(alter, doing=_DOING)
        for part in parts:
            await _again(session, path, source, part)
    await session.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}", doing=_DOING)


async def _again(session: Session, path: Sequence[str], source: TableName, part: Part) -> None:
    try:
        await run_under(session, path, part.create, doing=_DOING)
    except (errors.ServerGone, errors.TransientError):
        raise
    except errors.GhostpyError as error:
        raise errors.PlanRefused(
            f"the {part.kind} {part.name} of {source} on {session.address} does not fit the table after the ALTER: {error.message}",
            hint="Drop it first, and create it again after the change.",
        ) from error


async def _see_there(session: Session, source: TableName, clone: TableName) -> None:
    there = await session.scalar("SELECT to_regclass(%s) IS NOT NULL", [quote.table(clone)], doing=_DOING)
    if not there:
        raise errors.PlanRefused(
            f"the ALTER renames {source} on {session.address}, or moves it to another schema; nothing was changed",
            hint="Leave that out of the ALTER: the server does it at once, by itself.",
        )


def _identities(indexes: Sequence[IndexDefinition]) -> Known:
    return {index.oid: (index.name, index.unique, index.attnums) for index in indexes}


def _still_carried(carried: Known, indexes: Sequence[IndexDefinition]) -> Known:
    """Those of `indexes` that were there before. A change of type makes an index anew, under its name and over the same columns."""
    now, known = _identities(indexes), set(carried.values())
    return {oid: identity for oid, identity in now.items() if oid in carried or identity in known}


def marked(indexes: Sequence[IndexDefinition], carried: Known) -> tuple[IndexDefinition, ...]:
    """`indexes`, those marked new that are not among `carried`."""
    return tuple(index if index.oid in carried else index.as_new() for index in indexes)
