"""Empty tables that the clone's foreign keys point to while the ALTER is tried.

A foreign key to the real parent would lock it, and would break the application's own deletes there; without any, an ALTER that drops,
renames or retypes what the key is made of would not do what it does on the source. So the clone's keys point to an empty table
with the parent's columns and unique indexes, which only this transaction sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.constraint_definitions import Constraint
from ghostpy.dialects.postgres.replay import searching
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName

_COLUMNS = """
SELECT DISTINCT a.attnum, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
       CASE WHEN a.attcollation <> t.typcollation THEN pg_catalog.format('%%I.%%I', cn.nspname, co.collname) END
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::smallint[])
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
WHERE i.indexrelid = ANY (%s::bigint[]::pg_catalog.oid[]) ORDER BY a.attnum
"""

_KEYS = """
SELECT i.indexrelid::bigint, pg_catalog.pg_get_constraintdef(c.oid),
       ARRAY(SELECT a.attname::varchar FROM pg_catalog.unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
             WHERE k.place <= i.indnkeyatts ORDER BY k.place)
FROM pg_catalog.pg_index i
LEFT JOIN pg_catalog.pg_constraint c ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid AND c.contype IN ('p', 'u', 'x')
WHERE i.indexrelid = ANY (%s::bigint[]::pg_catalog.oid[]) ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class StandIn:
    """The empty table `name` in the place of `parent`."""

    name: TableName
    parent: TableName
    create: tuple[str, ...]

    @property
    def drop(self) -> str:
        return f"DROP TABLE {quote.table(self.name)}"


async def stand_ins(
    session: Session, keys: Sequence[Constraint], schema: str, search_path: Sequence[str]
) -> dict[int, StandIn]:
    """Empty tables to be made in `schema`, by the oids of the parents of foreign keys. Within a transaction."""
    found: dict[int, StandIn] = {}
    for oid in dict.fromkeys(key.parent_oid for key in keys):
        pointing = [key for key in keys if key.parent_oid == oid]
        parent, indexes = pointing[0].parent, [key.parent_index for key in pointing]
        assert parent is not None
        name = TableName(schema, f"_ghostpy_parent_{oid}")
        found[oid] = StandIn(name, parent, await _create(session, name, indexes, search_path))
    return found


async def _create(session: Session, name: TableName, indexes: list[int], search_path: Sequence[str]) -> tuple[str, ...]:
    doing, full = "looking at the parents of foreign keys", quote.table(name)
    async with searching(session, search_path, doing=doing):
        columns = await session.query(_COLUMNS, [indexes], doing=doing)
        keys = await session.query(_KEYS, [indexes], doing=doing)
    declared = [
        f"{quote.name(column)} {kind}{f' COLLATE {collation}' if collation else ''}"
        for _, column, kind, collation in columns
    ]
    statements = [f"CREATE TABLE {full} ({', '.join(declared)})"]
    for _, constraint, covered in keys:
        if constraint is not None:
            statements.append(f"ALTER TABLE {full} ADD {constraint}")
        else:
            statements.append(f"CREATE UNIQUE INDEX ON {full} ({', '.join(map(quote.name, covered))})")
    return tuple(statements)


_PARTITIONS = """
SELECT DISTINCT n.nspname, c.relname FROM pg_catalog.unnest(%s::varchar[]) AS parent (name)
CROSS JOIN LATERAL pg_catalog.pg_partition_tree(pg_catalog.to_regclass(parent.name)) AS part
JOIN pg_catalog.pg_class c ON c.oid = part.relid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
"""


async def with_partitions(session: Session, parents: Sequence[TableName]) -> tuple[TableName, ...]:
    """`parents` with their partitions, which a foreign key locks as well."""
    if not parents:
        return ()
    rows = await session.query(
        _PARTITIONS, [[quote.table(parent) for parent in parents]], doing="looking at the parents of foreign keys"
    )
    return tuple(sorted({*parents, *(TableName(*row) for row in rows)}, key=lambda name: (name.schema, name.table)))
