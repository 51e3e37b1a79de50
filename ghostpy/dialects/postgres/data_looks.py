"""Looks through the source for what the new table does not take, within a bounded time. Plain reads: nothing but ACCESS SHARE is held."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.clone.index_definitions import IndexDefinition
from ghostpy.dialects.postgres.conflicts import Exclusive, refuse_duplicates
from ghostpy.dialects.postgres.session import Session
from ghostpy.dialects.postgres.statements import Statements
from ghostpy.model.column_map import ColumnFeed, ColumnMap
from ghostpy.model.finding import Finding
from ghostpy.model.plan import Plan
from ghostpy.model.table import Column
from ghostpy.planning.misfits import Dialect, Look, kept_apart, looks, unlooked

_TIME = "5s"
"""For one look."""
_EXAMPLES = 3
_DOING = "looking for values that do not fit"
_SAYS = Dialect(
    name=quote.name,
    micros=lambda value: f"extract(microseconds FROM {value})::int8",
    # Blanks at the end that are too many are cut off in silence, as the standard has it ("Character Types").
    length=lambda value: f"char_length(rtrim({value}))",
    text=frozenset({"character", "character varying"}),
)
_SIZES = re.compile(r"\((\d+)(?:,(-?\d+))?\)")
_TIMES = ("time", "timestamp")


async def misfits(session: Session, plan: Plan, indexes: Sequence[IndexDefinition]) -> list[Finding]:
    """What was found of it. `session` is in autocommit and outside of a transaction; `indexes`: of the new table."""
    findings = list[Finding]()
    try:
        async with session.transaction(keep=False, doing=_DOING):
            await session.execute(f"SET LOCAL statement_timeout = '{_TIME}'", doing=_DOING)
            await _look(session, Statements(plan), indexes, findings)
    except errors.ConnectionFailed:
        raise
    except errors.GhostpyError as error:
        findings.append(unlooked(error.message))
    return findings


async def _look(session: Session, of: Statements, indexes: Sequence[IndexDefinition], findings: list[Finding]) -> None:
    plan = of.plan
    columns = ", ".join(column.name for column in plan.copy_key.source_columns)
    for look in looks(_sized(plan.columns), _SAYS):
        rows = await session.query(_rows(of, look), doing=_DOING)
        if rows:
            findings.append(look.finding(columns, [str(row[0]) for row in rows]))
    for index in indexes:
        names = index.plain_columns
        # An exclusion constraint, a part of the rows: found as the index is built.
        if not index.unique or names is None or index.partial or kept_apart(plan.columns, names, plan.source):
            continue
        parts = tuple(map(quote.name, names))
        try:
            await refuse_duplicates(
                session, of, Exclusive(index.name, parts, nulls_equal=index.nulls_not_distinct), "TRUE"
            )
        except errors.DuplicateRows as error:
            text = error.message.rstrip(".")
            findings.append(Finding("duplicate-rows", text, "Remove the duplicates from the source."))


def _rows(of: Statements, look: Look) -> str:
    return f"SELECT {of.source_key_text} FROM {of.source} WHERE {look.condition}{of.filter} LIMIT {_EXAMPLES}"


def _sized(columns: ColumnMap) -> ColumnMap:
    feeds = tuple(
        ColumnFeed(_measured(feed.target), feed.source and _measured(feed.source), feed.transform)
        for feed in columns.feeds
    )
    return replace(columns, feeds=feeds)


def _measured(column: Column) -> Column:
    """With the sizes that its type says."""
    found = _SIZES.search(column.full_type)
    sizes = [int(each) for each in found.groups() if each] if found else []
    if column.data_type == "numeric" and sizes:
        return replace(column, numeric_precision=sizes[0], numeric_scale=sizes[1] if len(sizes) > 1 else 0)
    if column.data_type.startswith(_TIMES):
        return replace(column, fraction_digits=sizes[0] if sizes else 6)
    if column.data_type in _SAYS.text and sizes:
        return replace(column, character_length=sizes[0])
    return column
