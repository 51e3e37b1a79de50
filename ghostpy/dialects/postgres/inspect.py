"""A table's description, from the catalogs."""

from __future__ import annotations

from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName
from ghostpy.model.table import Column, Generated, Index, IndexPart, Table

_KINDS = {
    "r": "BASE TABLE",
    "p": "PARTITIONED TABLE",
    "v": "VIEW",
    "m": "MATERIALIZED VIEW",
    "f": "FOREIGN TABLE",
    "S": "SEQUENCE",
    "i": "INDEX",
    "c": "COMPOSITE TYPE",
}
_GENERATED = {"s": Generated.STORED, "v": Generated.VIRTUAL, "": Generated.NO}

_TABLE = """
SELECT c.oid, c.relkind, a.amname, greatest(c.reltuples, 0)::bigint, pg_table_size(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am a ON a.oid = c.relam
WHERE n.nspname = %s AND c.relname = %s
"""
# A type's name without its length, in a form that reads back (bpchar, not character, which would mean character(1)).
_COLUMNS = """
SELECT a.attname, a.attnum, format_type(a.atttypid, -1), format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
       CASE WHEN a.attcollation <> 0 THEN (SELECT quote_ident(n.nspname) || '.' || quote_ident(l.collname)
           FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = a.attcollation) END,
       coalesce((SELECT l.collisdeterministic FROM pg_collation l WHERE l.oid = a.attcollation), true),
       pg_get_expr(d.adbin, d.adrelid), a.attgenerated, a.attidentity
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_INDEXES = """
SELECT c.relname, i.indisunique AND i.indimmediate AND i.indpred IS NULL, m.amname = 'btree',
       ARRAY(SELECT a.attname FROM generate_series(0, i.indnkeyatts - 1) AS k
             LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k] ORDER BY k)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
WHERE i.indrelid = %s AND i.indisvalid ORDER BY NOT i.indisprimary, c.relname
"""


async def table_oid(session: Session, name: TableName) -> int | None:
    """The OID of the relation with this name, or None."""
    found = await session.scalar(
        "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s",
        [name.schema, name.table],
        doing="looking for a table",
    )
    return None if found is None else int(found)


async def describe(session: Session, name: TableName) -> Table | None:
    """The table called `name`, its primary key first; None where there is none. What hangs on it is read elsewhere."""
    found = await session.query(_TABLE, [name.schema, name.table], doing=f"describing {name}")
    if not found:
        return None
    oid, kind, method, rows, size = found[0]
    if kind not in ("r", "p"):
        return Table(name=name, kind=_KINDS.get(kind, "relation"), engine=None, columns=(), indexes=())
    return Table(
        name=name,
        kind=_KINDS[kind],
        engine=method,
        columns=await _columns(session, oid),
        indexes=await _indexes(session, oid),
        row_estimate=int(rows),
        data_bytes=int(size),
    )


async def _columns(session: Session, oid: int) -> tuple[Column, ...]:
    rows = await session.query(_COLUMNS, [oid], doing="describing columns")
    return tuple(
        Column(
            name=name,
            position=number,
            data_type=bare,
            full_type=full,
            nullable=nullable,
            collation=collation,
            deterministic=deterministic,
            default=None if generated else expression,
            has_default=bool(expression) and not generated,
            generated=_GENERATED[generated],
            expression=expression if generated else None,
            auto_increment=bool(identity),
        )
        for name, number, bare, full, nullable, collation, deterministic, expression, generated, identity in rows
    )


async def _indexes(session: Session, oid: int) -> tuple[Index, ...]:
    rows = await session.query(_INDEXES, [oid], doing="describing indexes")
    return tuple(
        Index(
            name=name,
            parts=tuple(IndexPart(column=c, expression=None if c else "…") for c in columns),
            unique=unique,
            ordered=ordered,
        )
        for name, unique, ordered, columns in rows
    )
