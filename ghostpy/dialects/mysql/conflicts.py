"""A unique key of the shadow refused a row: is it a duplicate in the source, or a stale row of the shadow in the way?

Values move between rows of the source (a swap of two names, a number given up and taken by another). The shadow may hold the old
owner still when the new one arrives. Such a row is stale by definition: its key has a change in the stream that is not resynced yet.
It is deleted and its key resynced again. Two rows of the *source* that collide under the new schema end the run instead.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ghostpy import errors
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.key_codec import key_sql, shadow_key_sql
from ghostpy.dialects.mysql.key_image import double_text
from ghostpy.dialects.mysql.session import Session
from ghostpy.dialects.mysql.statements import Statements
from ghostpy.dialects.mysql.types import INEXACT, INTEGERS, LABELLED, TEXTS
from ghostpy.model.keys import Key
from ghostpy.model.table import Index

_LIMIT = 1000
_EXAMPLES = 3


def to_key(statements: Statements, text: object) -> Key:
    """The model's key for a key text that the server gave."""
    columns = statements.plan.copy_key.source_columns
    written = text.decode("ascii") if isinstance(text, bytes) else str(text)
    if any(column.data_type in INEXACT for column in columns):
        # MariaDB writes a double otherwise than MySQL, as which the stream does. No literal has a comma in it.
        parts = zip(columns, written.split(","), strict=True)
        return ",".join(double_text(float(part)) if column.data_type in INEXACT else part for column, part in parts)
    return int(written) if len(columns) == 1 and columns[0].data_type in INTEGERS else written


async def resolve(session: Session, statements: Statements, condition: str) -> set[Key]:
    """Remove what is stale and in the way of the source rows that match `condition`; the keys to resync.

    The session's transaction must be rolled back already; it is committed here. Raises DuplicateRows with example rows.
    """
    found: set[Key] = set()
    for index in statements.plan.shadow.indexes:
        if not index.unique:
            continue
        stale = {to_key(statements, row[0]) for row in await session.query(_in_the_way(statements, index, condition))}
        scope = f"({condition})"
        if stale:
            scope = f"({scope} OR {statements.among(stale, statements.source_key)})"
        duplicates = await session.query(_duplicates(statements, index, scope))
        if duplicates:
            await session.rollback()
            raise _duplicate_rows(statements, index, duplicates)
        found |= stale
    if found:
        await session.execute(
            statements.delete_keys(found), doing=f"removing stale rows of {statements.plan.names.shadow}"
        )
    await session.commit()
    return found


async def in_the_way(session: Session, statements: Statements, condition: str) -> set[Key]:
    """Keys of shadow rows that hold a unique value which a source row that matches `condition` is to have."""
    found: set[Key] = set()
    for index in statements.plan.shadow.indexes:
        if index.unique:
            rows = await session.query(_in_the_way(statements, index, condition))
            found |= {to_key(statements, row[0]) for row in rows}
    return found


async def colliding(session: Session, statements: Statements, condition: str) -> errors.DuplicateRows | None:
    """The error that names source rows, among those that match `condition`, which the shadow cannot both hold."""
    for index in statements.plan.shadow.indexes:
        if index.unique and (error := await colliding_on(session, statements, index, condition)):
            return error
    return None


async def colliding_on(
    session: Session, statements: Statements, index: Index, condition: str = "TRUE"
) -> errors.DuplicateRows | None:
    """The same for one unique index."""
    duplicates = await session.query(_duplicates(statements, index, condition))
    return _duplicate_rows(statements, index, duplicates) if duplicates else None


def _parts(statements: Statements, index: Index) -> list[str]:
    """The index's parts as expressions over the shadow's column names, comparing as the shadow does."""
    shadow = statements.plan.shadow
    parts = []
    for part in index.parts:
        if part.column is None:
            parts.append(f"({part.expression})")
            continue
        column = shadow.column(part.column)
        value = quote.name(column.name)
        if column.data_type in TEXTS | LABELLED:
            value = f"CONVERT({value} USING {column.charset}) COLLATE {column.collation}"
        parts.append(f"LEFT({value}, {part.prefix})" if part.prefix else value)
    return parts


def _fed(statements: Statements, index: Index) -> bool:
    """Whether all of the index's columns can be computed from the source here (what only has a default cannot)."""
    plan = statements.plan
    added = [quote.name(column.name) for column in plan.columns.added]
    known = {feed.target.name for feed in plan.columns.feeds}
    # One generated column may be computed from another.
    generated = [column.expression for column in plan.shadow.columns if column.expression]
    if not any(name in expression for name in added for expression in generated):
        known |= {column.name for column in plan.shadow.columns if column.expression}
    return all(part.column is None or part.column in known for part in index.parts)


def _rows(statements: Statements, index: Index, condition: str, extra: Sequence[str] = ()) -> str:
    """The source rows that match `condition` as the shadow would hold them, the generated columns of the index among them."""
    shadow = statements.plan.shadow
    rows = statements.transformed(condition, extra)
    if any(part.column and shadow.column(part.column).expression for part in index.parts):
        for column in shadow.columns:
            if column.expression:
                rows = f"SELECT g.*, ({column.expression}) AS {quote.name(column.name)} FROM ({rows}) AS g"
    return rows


def _in_the_way(statements: Statements, index: Index, condition: str) -> str:
    key = statements.plan.copy_key
    if not _fed(statements, index):
        return "SELECT NULL FROM DUAL WHERE FALSE"
    parts = _parts(statements, index)
    mapped = [quote.name(column.name) for column in key.shadow_columns]
    k = [f"{name} AS k{i}" for i, name in enumerate(mapped)]
    u = [f"{part} AS u{i}" for i, part in enumerate(parts)]
    arriving = f"SELECT {', '.join([*k, *u])} FROM ({_rows(statements, index, condition)}) AS x"
    standing = f"SELECT {shadow_key_sql(key)} AS t, {', '.join([*k, *u])} FROM {statements.shadow}"
    equal = " AND ".join(f"s.u{i} = n.u{i}" for i in range(len(parts)))
    other = " AND ".join(f"s.k{i} = n.k{i}" for i in range(len(mapped)))
    return f"SELECT DISTINCT s.t FROM ({arriving}) AS n JOIN ({standing}) AS s ON {equal} WHERE NOT ({other}) LIMIT {_LIMIT}"


def _duplicates(statements: Statements, index: Index, condition: str) -> str:
    if not _fed(statements, index):
        return "SELECT NULL FROM DUAL WHERE FALSE"
    parts = _parts(statements, index)
    text = key_sql(statements.plan.copy_key.source_columns)
    inner = _rows(statements, index, condition, [f"{text} AS ghostpy_key"])
    # Not MIN(CAST(…)): behind a GROUP BY, MySQL (9.7) takes the bytes of that for bytes of the column's own charset.
    shown = ", ".join(f"CAST(MIN({part}) AS CHAR)" for part in parts)
    present = " AND ".join(f"{part} IS NOT NULL" for part in parts)
    return (
        f"SELECT MIN(ghostpy_key), MAX(ghostpy_key), COUNT(*), {shown} FROM ({inner}) AS x WHERE {present} "
        f"GROUP BY {', '.join(parts)} HAVING COUNT(*) > 1 LIMIT {_EXAMPLES}"
    )


def _duplicate_rows(statements: Statements, index: Index, duplicates: list[tuple[object, ...]]) -> errors.DuplicateRows:
    plan = statements.plan
    key = ", ".join(column.name for column in plan.copy_key.source_columns)
    columns = ", ".join(part.column or str(part.expression) for part in index.parts)
    examples = "; ".join(
        f"({', '.join(map(str, values))}) in {count} rows, among them {key} = {shown(first)} and {shown(last)}"
        for first, last, count, *values in duplicates
    )
    return errors.DuplicateRows(
        f"rows of {plan.source.name} collide on the unique key {index.name} ({columns}) of the new table: {examples}. "
        "The source is untouched."
    )


def shown(literal: object) -> str:
    """A key literal in a readable form."""

    def plain(found: re.Match[str]) -> str:
        try:
            return repr(bytes.fromhex(found[2]).decode())
        except UnicodeDecodeError:
            return found[0]

    text = literal.decode("ascii") if isinstance(literal, bytes) else str(literal)
    return re.sub(r"(_\w+ )?X'([0-9A-Fa-f]*)'", plain, text)
