"""A unique index or exclusion constraint of the shadow refused a row: two rows of the source, or a stale row of the shadow in the way?

Values move between rows of the source (a swap of two names, a number given up and taken by another). The shadow may hold the old
owner still when the new one arrives. Such a row is stale by definition: its key has a change in the stream that is not resynced yet.
It is deleted and its key resynced again. Two rows of the *source* that collide under the new schema end the run instead.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.key_text import key_sql, to_key
from ghostpy.dialects.postgres.session import Row, Session
from ghostpy.dialects.postgres.statements import Statements
from ghostpy.model.keys import Key

_LIMIT = 1000
_EXAMPLES = 3

# indnullsnotdistinct is there from 15.
_QUESTION = """
SELECT x.relname, ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true) FROM generate_series(1, i.indnkeyatts) AS k ORDER BY k),
       pg_get_expr(i.indpred, i.indrelid), coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false),
       ARRAY(SELECT format('OPERATOR(%%I.%%s)', n.nspname, o.oprname) FROM unnest(c.conexclop) WITH ORDINALITY AS e(oid, place)
             JOIN pg_operator o ON o.oid = e.oid JOIN pg_namespace n ON n.oid = o.oprnamespace ORDER BY e.place)
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype = 'x'
WHERE i.indrelid = to_regclass(%s) AND (i.indisunique OR c.oid IS NOT NULL)
"""


class Exclusive(Struct, frozen=True):
    """What no two rows may share: `parts` are expressions over the shadow's columns."""

    name: str
    parts: tuple[str, ...]
    predicate: str | None = None
    nulls_equal: bool = False
    operators: tuple[str, ...] = ()
    """Of an exclusion constraint, one a part."""

    def collide(self, a: str, b: str) -> str:
        """A condition for two rows whose parts are u0, u1, …"""
        between = self.operators or ("IS NOT DISTINCT FROM" if self.nulls_equal else "=",) * len(self.parts)
        return " AND ".join(f"{a}.u{i} {operator} {b}.u{i}" for i, operator in enumerate(between))

    def of(self, rows: str, extra: Sequence[str]) -> str:
        """`rows` (a table or a sub-select) with `extra` expressions and the parts."""
        parts = [f"({part}) AS u{i}" for i, part in enumerate(self.parts)]
        return f"SELECT {', '.join([*extra, *parts])} FROM {rows} AS x WHERE {self.predicate or 'TRUE'}"


async def exclusives(session: Session, statements: Statements) -> list[Exclusive]:
    """What stands on the shadow now."""
    rows = await session.query(_QUESTION, [statements.shadow], doing="looking for unique indexes")
    return [
        Exclusive(name, tuple(parts), predicate, nulls_equal, tuple(operators))
        for name, parts, predicate, nulls_equal, operators in rows
    ]


async def resolve(session: Session, statements: Statements, condition: str) -> set[Key]:
    """Remove what is stale and in the way of the source rows that match `condition`; the keys to resync.

    Raises DuplicateRows with example rows.
    """
    found = await in_the_way(session, statements, condition)
    if found:
        await session.execute(statements.delete_keys(found), doing="removing stale rows of the shadow")
    return found


async def in_the_way(session: Session, statements: Statements, condition: str) -> set[Key]:
    """The keys of rows of the shadow that are in the way of the source rows that match `condition`.

    Raises DuplicateRows with example rows, where they are in each other's way in the source.
    """
    found: set[Key] = set()
    for exclusive in await exclusives(session, statements):
        rows = await session.query(_in_the_way(statements, exclusive, condition), doing="looking for stale rows")
        stale = {to_key(statements.plan.copy_key, row[0]) for row in rows}
        scope = f"(({condition}) OR {statements.in_source(stale)})" if stale else f"({condition})"
        await refuse_duplicates(session, statements, exclusive, scope)
        found |= stale
    return found


async def refuse_duplicates(session: Session, statements: Statements, exclusive: Exclusive, scope: str) -> None:
    """Raise DuplicateRows where rows of the source that match `scope` collide."""
    duplicates = await session.query(_duplicates(statements, exclusive, scope), doing="looking for duplicates")
    if duplicates:
        raise _duplicate_rows(statements, exclusive, duplicates)


def arrivals(statements: Statements, condition: str, extra: Sequence[str] = ()) -> str:
    """The source rows that match `condition` as the shadow would hold them, all its columns among them."""
    plan = statements.plan
    added = [f"NULL::{column.full_type} AS {quote.name(column.name)}" for column in plan.columns.added]
    rows = f"({statements.transformed(condition, [*extra, *added])})"
    for column in plan.shadow.columns:
        if column.expression:
            computed = f"({column.expression})::{column.full_type} AS {quote.name(column.name)}"
            rows = f"(SELECT x.*, {computed} FROM {rows} AS x)"
    return rows


def _in_the_way(statements: Statements, exclusive: Exclusive, condition: str) -> str:
    key = statements.plan.copy_key
    k = [f"{name} AS k{i}" for i, name in enumerate(statements.shadow_key)]
    arriving = exclusive.of(arrivals(statements, condition), k)
    standing = exclusive.of(statements.shadow, [f"{statements.shadow_key_text} AS t", *k])
    same = " AND ".join(f"s.k{i} = n.k{i}" for i in range(len(key.shadow_columns)))
    return (
        f"SELECT DISTINCT s.t FROM ({arriving}) AS n JOIN ({standing}) AS s ON {exclusive.collide('s', 'n')} "
        f"WHERE NOT ({same}) LIMIT {_LIMIT}"
    )


def _duplicates(statements: Statements, exclusive: Exclusive, scope: str) -> str:
    key = statements.plan.copy_key
    text = key_sql(key.source_columns, statements.source_key)
    rows = exclusive.of(arrivals(statements, scope, [f"{text} AS ghostpy_key"]), ["ghostpy_key AS t"])
    shown = " || ', ' || ".join(f"coalesce(a.u{i}::text, 'NULL')" for i in range(len(exclusive.parts)))
    return (
        f"WITH n AS MATERIALIZED ({rows}) SELECT DISTINCT ON (a.t) a.t, b.t, {shown} FROM n AS a JOIN n AS b "
        f"ON a.t < b.t AND {exclusive.collide('a', 'b')} LIMIT {_EXAMPLES}"
    )


def _duplicate_rows(statements: Statements, exclusive: Exclusive, duplicates: Sequence[Row]) -> errors.DuplicateRows:
    plan = statements.plan
    key = ", ".join(column.name for column in plan.copy_key.source_columns)
    examples = "; ".join(f"({values}) in the rows with {key} = {a} and {b}" for a, b, values in duplicates)
    return errors.DuplicateRows(
        f"rows of {plan.source.name} collide on the unique key {exclusive.name} ({', '.join(exclusive.parts)}) of the new table: "
        f"{examples}. The source is untouched."
    )
