"""What a change in steps has on the source before it is complete, and how the next run knows it again.

New constraints and columns bear a comment of ours, made in the transaction that makes them, until the last step takes it away.
Indexes that are built CONCURRENTLY, which no transaction can hold together with a comment, have a name of ours until then.
"""

from __future__ import annotations

import hashlib

from msgspec import Struct
from msgspec.structs import replace

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.in_place.locks import ACCESS_EXCLUSIVE, SHARE_UPDATE_EXCLUSIVE
from ghostpy.dialects.postgres.in_place.steps import Step
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName

MARK = "ghostpy: not complete; the next run removes it"
_NAME_BYTES = 63
_DOING = "looking for what a dead run left"

_QUESTION = """
SELECT 'column', a.attname::text FROM pg_attribute a JOIN pg_description d ON d.objoid = a.attrelid AND d.objsubid = a.attnum
    AND d.classoid = 'pg_class'::regclass WHERE a.attrelid = %s::regclass AND NOT a.attisdropped AND d.description = %s
UNION ALL SELECT 'constraint', k.conname::text FROM pg_constraint k JOIN pg_description d ON d.objoid = k.oid
    AND d.classoid = 'pg_constraint'::regclass WHERE k.conrelid = %s::regclass AND d.description = %s
UNION ALL SELECT CASE WHEN c.relname LIKE E'\\\\_%%\\\\_gho' THEN 'index' ELSE 'invalid' END, c.relname::text
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = %s::regclass AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.conrelid = i.indrelid)
    AND (c.relname LIKE E'\\\\_%%\\\\_gho' OR NOT i.indisvalid
         -- One that somebody is building now is not a leftover.
         AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index g
                         WHERE g.datname = current_database() AND g.index_relid = c.oid))
ORDER BY 1, 2
"""


class Leftovers(Struct, frozen=True):
    columns: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    """Those that we were building."""
    invalid: tuple[str, ...] = ()
    """Indexes that somebody else's CREATE INDEX CONCURRENTLY did not bring to its end."""


def building_name(index: str) -> str:
    """The name of an index until it is complete."""
    if len(index.encode()) + 5 <= _NAME_BYTES:
        return f"_{index}_gho"
    digest = hashlib.sha256(index.encode()).hexdigest()[:8]
    return f"_{index.encode()[: _NAME_BYTES - 14].decode(errors='ignore')}_{digest}_gho"


async def find_leftovers(session: Session, source: TableName) -> Leftovers:
    """What an earlier run, which is dead, left on the source."""
    table = quote.table(source)
    rows = await session.query(_QUESTION, [table, MARK, table, MARK, table], doing=_DOING)

    def of(kind: str) -> tuple[str, ...]:
        return tuple(name for each, name in rows if each == kind)

    return Leftovers(of("column"), of("constraint"), of("index"), of("invalid"))


def mark_constraint(table: str, name: str) -> str:
    return f"COMMENT ON CONSTRAINT {quote.name(name)} ON {table} IS {quote.text(MARK)}"


def unmark_constraint(table: str, name: str) -> str:
    return f"COMMENT ON CONSTRAINT {quote.name(name)} ON {table} IS NULL"


def mark_column(table: str, name: str) -> str:
    return f"COMMENT ON COLUMN {table}.{quote.name(name)} IS {quote.text(MARK)}"


def unmark_column(table: str, name: str) -> str:
    return f"COMMENT ON COLUMN {table}.{quote.name(name)} IS NULL"


def drop_constraint(source: TableName, name: str) -> Step:
    return Step(
        sql=(f"ALTER TABLE {quote.table(source)} DROP CONSTRAINT IF EXISTS {quote.name(name)}",),
        doing=f"dropping the constraint {name} of {source}",
        lock=ACCESS_EXCLUSIVE,
    )


def drop_column(source: TableName, name: str) -> Step:
    return Step(
        sql=(f"ALTER TABLE {quote.table(source)} DROP COLUMN IF EXISTS {quote.name(name)}",),
        doing=f"dropping the column {name} of {source}",
        lock=ACCESS_EXCLUSIVE,
    )


def drop_index(source: TableName, name: str) -> Step:
    index = quote.table(source.beside(name))
    return Step(
        sql=(f"DROP INDEX CONCURRENTLY IF EXISTS {index}",),
        doing=f"dropping the index {name}",
        lock=SHARE_UPDATE_EXCLUSIVE,
        quick=False,
        alone=True,
    )


def drop_index_at_once(source: TableName, name: str) -> Step:
    """Of an index that nobody uses: a transaction elsewhere that is old does not hold it up, as it would a DROP CONCURRENTLY."""
    return Step(
        sql=(f"DROP INDEX IF EXISTS {quote.table(source.beside(name))}",),
        doing=f"dropping the index {name}",
        lock=ACCESS_EXCLUSIVE,
    )


def removal(source: TableName, left: Leftovers, taken: frozenset[str] = frozenset()) -> tuple[Step, ...]:
    """The steps that remove leftovers; `taken`: names that the change needs, so that invalid indexes must not have them."""
    reason = "a run that did not come to its end left it"
    steps = [drop_index(source, name) for name in (*left.indexes, *(name for name in left.invalid if name in taken))]
    steps += [drop_constraint(source, name) for name in left.constraints]
    steps += [drop_column(source, name) for name in left.columns]
    return tuple(replace(step, reason=reason, undo=None) for step in steps)


async def leftover_steps(session: Session, source: TableName) -> tuple[Step, ...]:
    """The steps that remove all that a change in steps, which is dead, left on the source; of no other's."""
    return removal(source, await find_leftovers(session, source))
