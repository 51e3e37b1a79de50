"""A table's shape, from the catalogs; foreign keys to stand-ins are told as those to the tables that they stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ghostpy.dialects.postgres.session import Session
from ghostpy.planning.postgres_alter import parse_alter
from ghostpy.planning.postgres_shape import (
    OWN_SEQUENCE,
    ColumnShape,
    ConstraintShape,
    IndexShape,
    SequenceShape,
    TableShape,
)

_DOING = "describing a table"
_NULL = re.compile(r'NULL::[\w\s."(),\[\]]+')
"""DEFAULT NULL, as the server notes it for some types: the same as none, but of a domain, whose own default it takes away."""
_LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}

# Asked under an empty search path: every name comes with its schema.
_TABLE = """
SELECT c.reloptions, toast.reloptions, c.relpersistence = 'u', coalesce(a.amname, 'heap'), obj_description(c.oid, 'pg_class')
FROM pg_class c LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid LEFT JOIN pg_am a ON a.oid = c.relam
WHERE c.oid = %s::int8::oid
"""
_COLUMNS = """
SELECT a.attname::text, format_type(a.atttypid, a.atttypmod),
       CASE WHEN a.attcollation <> t.typcollation THEN (SELECT format('%%I.%%I', n.nspname, l.collname)
           FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = a.attcollation) END,
       a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attgenerated::text, a.attidentity::text, a.attstorage::text,
       t.typstorage::text, t.typtype = 'd', a.attcompression::text, col_description(a.attrelid, a.attnum),
       (SELECT ARRAY[s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle::int]
        FROM pg_depend own JOIN pg_sequence s ON s.seqrelid = own.objid
        WHERE own.classid = 'pg_class'::regclass AND own.refclassid = 'pg_class'::regclass AND own.refobjid = a.attrelid
          AND own.refobjsubid = a.attnum AND own.deptype = 'i'),
       ARRAY(SELECT format('nextval(%%L::regclass)', own.objid::regclass::text)
        FROM pg_depend own JOIN pg_sequence s ON s.seqrelid = own.objid
        WHERE own.classid = 'pg_class'::regclass AND own.refclassid = 'pg_class'::regclass AND own.refobjid = a.attrelid
          AND own.refobjsubid = a.attnum AND own.deptype = 'a')
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %s::int8::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
# NOT NULL stands with its column.
_CONSTRAINTS = """
SELECT k.conname::text, pg_get_constraintdef(k.oid),
       CASE WHEN k.confrelid <> 0 THEN (SELECT format('%%I.%%I', n.nspname, p.relname) FROM pg_class p
           JOIN pg_namespace n ON n.oid = p.relnamespace WHERE p.oid = k.confrelid) ELSE '' END
FROM pg_constraint k WHERE k.conrelid = %s::int8::oid AND k.contype IN ('c', 'f', 'p', 'u', 'x') ORDER BY k.contype <> 'p', k.conname
"""
_INDEXES = """
SELECT pg_get_indexdef(i.indexrelid), i.indisvalid, c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = %s::int8::oid
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x'))
ORDER BY c.relname
"""


async def read_shape(
    session: Session, oid: int, parents: Mapping[str, str], own_defaults: Mapping[str, str] | None = None
) -> TableShape:
    """The shape of the table with this OID, within a transaction.

    `parents`: the tables that stand for others, with those; `own_defaults`: by column, a default that means a sequence of its own.
    """
    before = await session.scalar("SELECT current_setting('search_path')", doing=_DOING)
    await _search(session, "")
    (options, of_toast, unlogged, method, comment), *_ = await session.query(_TABLE, [oid], doing=_DOING)
    columns = await session.query(_COLUMNS, [oid], doing=_DOING)
    constraints = await session.query(_CONSTRAINTS, [oid], doing=_DOING)
    indexes = await session.query(_INDEXES, [oid], doing=_DOING)
    await _search(session, before)
    return TableShape(
        columns=tuple(_column(own_defaults or {}, *row) for row in columns),
        constraints=tuple(_constraint(parents, *row) for row in constraints),
        indexes=tuple(_index(*row) for row in indexes),
        options={**_options(options), **_options(of_toast, "toast.")},
        unlogged=unlogged,
        method=method,
        comment=comment,
    )


async def own_defaults(session: Session, oid: int) -> Mapping[str, str]:
    """Of the columns that take the next number of a sequence of their own: how the server spells that."""
    before = await session.scalar("SELECT current_setting('search_path')", doing=_DOING)
    await _search(session, "")
    rows = await session.query(_COLUMNS, [oid], doing=_DOING)
    await _search(session, before)
    return {row[0]: row[4] for row in rows if row[4] in row[-1]}


async def _search(session: Session, path: str) -> None:
    await session.query("SELECT pg_catalog.set_config('search_path', %s, true)", [path], doing=_DOING)


def _column(
    own: Mapping[str, str],
    name: str,
    type_text: str,
    collation: str | None,
    not_null: bool,
    default: str | None,
    generated: str,
    identity: str,
    storage: str,
    type_storage: str,
    domain: bool,
    compression: str,
    comment: str | None,
    sequence: list[int] | None,
    sequences: list[str],
) -> ColumnShape:
    if default and (default in sequences or default == own.get(name)):
        default = OWN_SEQUENCE
    elif default and not domain and _NULL.fullmatch(default):
        default = None
    return ColumnShape(
        name=name,
        type_text=type_text,
        collation=collation or "",
        not_null=not_null,
        default=default or "",
        generated=generated,
        identity=identity,
        sequence=None if sequence is None else _sequence(type_text, *sequence),
        storage="" if storage == type_storage else storage,
        type_storage=type_storage,
        compression=compression,
        comment=comment,
    )


def _sequence(
    type_text: str, start: int, increment: int, minimum: int, maximum: int, cache: int, cycle: int
) -> SequenceShape:
    largest = maximum == _LARGEST.get(type_text) and increment > 0
    return SequenceShape(start, increment, minimum, None if largest else maximum, cache, bool(cycle))


def _constraint(parents: Mapping[str, str], name: str, definition: str, parent: str) -> ConstraintShape:
    real = parents.get(parent, parent)
    if real != parent:
        definition = definition.replace(f" REFERENCES {parent}(", f" REFERENCES {real}(", 1)
    return ConstraintShape(name, definition, real)


def _index(definition: str, valid: bool, name: str) -> IndexShape:
    (clause,) = parse_alter(definition).clauses
    return IndexShape(name, clause.unique, clause.behind, valid)


def _options(options: list[str] | None, prefix: str = "") -> dict[str, str]:
    pairs = (option.partition("=") for option in options or ())
    return {f"{prefix}{name}": value for name, _, value in pairs}
