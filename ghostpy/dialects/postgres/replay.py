"""Definitions are read and replayed under the same search_path, so that an unqualified name means the same thing both times.

pg_catalog is named, and named last: searched first, as it is when it is left out, it would hide a user's table that is called like
one of its own ("Schemas", PostgreSQL manual, "The System Catalog Schema"). Hence the queries of this dialect that run under such a
path qualify what they ask.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from psycopg.pq import TransactionStatus

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName


def path_text(schemas: Sequence[str]) -> str:
    """The value of search_path for `schemas`, of which later ones are left out where they come again."""
    return ", ".join(quote.name(schema) for schema in dict.fromkeys([*schemas, "pg_catalog"]))


def path_of(table: TableName, *others: TableName) -> tuple[str, ...]:
    """The schemas to search so that `table` goes before a table of the same name among `others`."""
    return tuple(dict.fromkeys(name.schema for name in (table, *others)))


@asynccontextmanager
async def searching(session: Session, schemas: Sequence[str], *, doing: str) -> AsyncIterator[None]:
    """Search `schemas` for the length of a block, within a transaction; afterwards as before."""
    before = await session.scalar("SELECT pg_catalog.current_setting('search_path')", doing=doing)
    await session.execute(_set_path(path_text(schemas)), doing=doing)
    try:
        yield
    except BaseException:
        # A failed transaction takes no statement, and takes the path back itself.
        with contextlib.suppress(errors.GhostpyError):
            await session.execute(_set_path(before), doing=doing)
        raise
    await session.execute(_set_path(before), doing=doing)


async def run_under(
    session: Session, search_path: Sequence[str], statements: Sequence[str], *, doing: str, on: TableName | None = None
) -> None:
    """Run `statements` in two round trips with `search_path`, and with no tablespace of the session's own choice.

    In the caller's transaction, where the session is in one; else in one of its own. The path is afterwards as before. `on`: a table that
    must be there, because without it an unqualified name would mean the one in a later schema.
    """
    if not statements:
        return
    if session.connection.info.transaction_status == TransactionStatus.IDLE:
        async with session.transaction(doing=doing):
            await _run(session, search_path, statements, doing=doing, on=on)
    else:
        await _run(session, search_path, statements, doing=doing, on=on)


async def _run(
    session: Session, search_path: Sequence[str], statements: Sequence[str], *, doing: str, on: TableName | None
) -> None:
    there = "true" if on is None else f"pg_catalog.to_regclass({quote.text(quote.table(on))}) IS NOT NULL"
    rows = await session.query(
        f"SELECT pg_catalog.current_setting('search_path'), pg_catalog.current_setting('default_tablespace'), {there}",
        doing=doing,
    )
    path, tablespace, found = rows[0]
    if not found:
        raise errors.SourceChanged(f"{doing} on {session.address}: there is no table {on} any more")
    lines = [
        _set_path(path_text(search_path)),
        "SET LOCAL default_tablespace = ''",
        *statements,
        _set_local("default_tablespace", tablespace),
        _set_path(path),
    ]
    # A line of its own for the semicolon: a statement may end with a comment.
    await session.execute("\n;\n".join(lines), doing=doing)


def _set_path(value: str) -> str:
    return _set_local("search_path", value)


def _set_local(setting: str, value: str) -> str:
    return f"SELECT pg_catalog.set_config({quote.text(setting)}, {quote.text(value)}, true)"
