"""Two tables to be compared, of which no run needs to know."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ghostpy import errors
from ghostpy.dialects.mysql.facts import server_facts
from ghostpy.dialects.mysql.inspect import describe, table_exists
from ghostpy.dialects.mysql.quote import NAME_LIMIT
from ghostpy.dialects.mysql.rows import RowComparer, RowCopier
from ghostpy.dialects.mysql.session import Session, SessionPool, opened
from ghostpy.dialects.mysql.statements import Statements
from ghostpy.dialects.mysql.types import carries_key
from ghostpy.dialects.mysql.vitals import ServerVitals
from ghostpy.model.names import TableName, helper_names
from ghostpy.model.table import Table
from ghostpy.planning.column_map import map_columns
from ghostpy.planning.pairs import check_renamed, chosen, left_out, pair_plan
from ghostpy.protocols import Pair
from ghostpy.settings import PairSettings

_PART = r"(?:`((?:[^`]|``)+)`|([^`.]+))"
_NAME = re.compile(rf"(?:{_PART}\.)?{_PART}")


@asynccontextmanager
async def pair(settings: PairSettings) -> AsyncIterator[Pair]:
    """The pair that `settings` name, for the length of a block. Raises UsageError, ConnectionFailed."""
    async with opened(settings.connect, purpose="verify") as session:
        facts = await server_facts(session)
        names = await _named(session, settings)
        source, other = [await _described(session, name) for name in names]
        check_renamed(settings.renamed, source, other)
        columns = map_columns(source, other, renamed=settings.renamed, transforms=settings.transforms)
        plan = pair_plan(
            source, other, columns, transforms=settings.transforms, where=settings.where, carries=carries_key
        )
        # Nothing is written by what is read, so nothing need be fenced: differences are looked at again instead.
        statements = Statements(plan, locking=False, zone=facts.time_zone)
        pool = SessionPool(settings.connect, purpose="verify", size=settings.copy.workers + 1)
        comparer = RowComparer(pool, statements)
        vitals = ServerVitals(settings.connect, facts, other.name, on_replica=False)
        try:
            yield Pair(
                source=source.name,
                other=other.name,
                rows_estimate=source.row_estimate,
                columns=tuple(feed.target.name for feed in columns.feeds),
                left_out=tuple(left_out(source, other, columns, plan.copy_key)),
                uncompared=comparer.pairing.uncompared,
                key=tuple(statements.source_key),
                examining=comparer,
                ranging=RowCopier(pool, statements),
                vitals=vitals,
            )
        finally:
            await vitals.close()
            await pool.close()


async def _named(session: Session, settings: PairSettings) -> tuple[TableName, TableName]:
    table = TableName(settings.database, settings.table)
    if settings.other:
        return table, split_name(settings.other, settings.database)
    names = helper_names(table, limit=NAME_LIMIT, base=settings.force_table_names)
    old, shadow = [name if await table_exists(session, name) else None for name in (names.old, names.shadow)]
    return chosen(table, old, shadow)


async def _described(session: Session, name: TableName) -> Table:
    table = await describe(session, name)
    if table is None:
        raise errors.UsageError(f"there is no table {name} on {session.settings.address}, or no right to see it")
    if not table.columns:
        raise errors.UsageError(f"{name} on {session.settings.address} is a {table.kind.lower()}, not a table of rows")
    return table


def split_name(text: str, database: str) -> TableName:
    """`[database.]table`; names with dots or backticks in backticks, as in SQL. Raises UsageError."""
    found = _NAME.fullmatch(text)
    if found is None:
        raise errors.UsageError(f"--other {text}: write it as database.table, unusual names in backticks")
    quoted_database, plain_database, quoted, plain = found.groups()
    first = (quoted_database or "").replace("``", "`") or plain_database or database
    return TableName(first, (quoted or "").replace("``", "`") or plain)
