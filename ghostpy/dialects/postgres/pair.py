"""Two tables to be compared, of which no run needs to know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ghostpy import errors
from ghostpy.dialects.postgres.copy_keys import carries_key
from ghostpy.dialects.postgres.inspect import describe, table_oid
from ghostpy.dialects.postgres.names import helper_names
from ghostpy.dialects.postgres.rows import POOL_SETTINGS, RowComparer, RowCopier
from ghostpy.dialects.postgres.session import Session, SessionPool, opened
from ghostpy.dialects.postgres.statements import Statements
from ghostpy.dialects.postgres.target import schema_of, split_name
from ghostpy.dialects.postgres.vitals import ServerVitals
from ghostpy.model.names import TableName
from ghostpy.model.table import Table
from ghostpy.planning.column_map import paired_columns
from ghostpy.planning.pairs import check_renamed, chosen, left_out, pair_plan
from ghostpy.protocols import Pair
from ghostpy.settings import PairSettings

_READING = {**POOL_SETTINGS, "default_transaction_read_only": "on"}


@asynccontextmanager
async def pair(settings: PairSettings) -> AsyncIterator[Pair]:
    """The pair that `settings` name, for the length of a block. Raises UsageError, ConnectionFailed."""
    async with opened(settings.connect, purpose="verify") as session:
        names = await _named(session, settings)
        source, other = [await _described(session, name) for name in names]
        check_renamed(settings.renamed, source, other)
        columns = paired_columns(source, other, _pairs(source, other, settings), settings.transforms)
        plan = pair_plan(
            source, other, columns, transforms=settings.transforms, where=settings.where, carries=carries_key
        )
        statements = Statements(plan)
        pool = SessionPool(settings.connect, purpose="verify", size=settings.copy.workers + 1, options=_READING)
        vitals = ServerVitals(settings.connect)
        try:
            yield Pair(
                source=source.name,
                other=other.name,
                rows_estimate=source.row_estimate,
                columns=tuple(feed.target.name for feed in columns.feeds),
                left_out=tuple(left_out(source, other, columns, plan.copy_key)),
                uncompared=(),
                key=tuple(statements.source_key),
                examining=RowComparer(pool, statements),
                ranging=RowCopier(pool, statements),
                vitals=vitals,
            )
        finally:
            await vitals.close()
            await pool.close()


def _pairs(source: Table, other: Table, settings: PairSettings) -> list[tuple[str, str]]:
    renamed = dict(settings.renamed)
    taken = set(renamed.values())
    there = {column.name for column in other.columns}
    same = [c.name for c in source.columns if c.name in there and c.name not in renamed and c.name not in taken]
    return [*renamed.items(), *((name, name) for name in same)]


async def _named(session: Session, settings: PairSettings) -> tuple[TableName, TableName]:
    table = await _resolved(session, settings.table)
    if settings.other:
        return table, await _resolved(session, settings.other)
    names = helper_names(table, base=settings.force_table_names)
    old, shadow = [name if await table_oid(session, name) is not None else None for name in (names.old, names.shadow)]
    return chosen(table, old, shadow)


async def _resolved(session: Session, text: str) -> TableName:
    schema, table = split_name(text)
    return TableName(schema or await schema_of(session, table), table)


async def _described(session: Session, name: TableName) -> Table:
    table = await describe(session, name)
    if table is None:
        raise errors.UsageError(f"there is no table {name} on {session.address}, or no right to see it")
    if not table.columns:
        raise errors.UsageError(f"{name} on {session.address} is a {table.kind.lower()}, not a table of rows")
    return table
