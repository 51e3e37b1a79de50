"""Empty tables that the clone's foreign keys point to while the ALTER is tried.

A foreign key to the real parent would lock it, and would break the application's own deletes there; without any, an ALTER that drops,
renames or retypes what the key is made of would not do what it does on the source. So the clone's keys point to an empty table
with the parent's columns and unique indexes, which only this transaction sees; those that the ALTER adds, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.replay import searching
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName
from ghostpy.planning.postgres_columns import names_behind, redirected

_DOING = "looking at the parents of foreign keys"

_NAMES = """
SELECT c.oid::bigint, n.nspname, c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = ANY (%s::bigint[]::pg_catalog.oid[]) ORDER BY c.oid
"""

_COLUMNS = """
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
       CASE WHEN a.attcollation <> t.typcollation THEN pg_catalog.format('%%I.%%I', cn.nspname, co.collname) END
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
WHERE a.attrelid = %s::bigint::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""

# What a foreign key can rely on ("CREATE TABLE", REFERENCES).
_KEYS = """
SELECT pg_catalog.pg_get_constraintdef(c.oid),
       ARRAY(SELECT a.attname::varchar FROM pg_catalog.unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
             WHERE k.place <= i.indnkeyatts ORDER BY k.place)
FROM pg_catalog.pg_index i
LEFT JOIN pg_catalog.pg_constraint c ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid AND c.contype IN ('p', 'u')
WHERE i.indrelid = %s::bigint::pg_catalog.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
  AND i.indpred IS NULL AND i.indexprs IS NULL
ORDER BY i.indexrelid
"""


class StandIn(Struct, frozen=True):
    """The empty table `name` in the place of `parent`."""

    name: TableName
    parent: TableName
    create: tuple[str, ...]

    @property
    def drop(self) -> str:
        return f"DROP TABLE {quote.table(self.name)}"


async def stand_ins(
    session: Session, parents: Iterable[int], schema: str, search_path: Sequence[str]
) -> dict[int, StandIn]:
    """Empty tables to be made in `schema`, by the oids of the tables they stand for. Within a transaction."""
    found: dict[int, StandIn] = {}
    async with searching(session, search_path, doing=_DOING):
        for oid, own_schema, table in await session.query(_NAMES, [list(set(parents))], doing=_DOING):
            name = TableName(schema, f"_ghostpy_parent_{oid}")
            found[oid] = StandIn(name, TableName(own_schema, table), await _create(session, name, oid))
    return found


async def _create(session: Session, name: TableName, oid: int) -> tuple[str, ...]:
    full = quote.table(name)
    columns = [
        f"{quote.name(column)} {kind}{f' COLLATE {collation}' if collation else ''}"
        for column, kind, collation in await session.query(_COLUMNS, [oid], doing=_DOING)
    ]
    statements = [f"CREATE TABLE {full} ({', '.join(columns)})"]
    for constraint, covered in await session.query(_KEYS, [oid], doing=_DOING):
        if constraint is not None:
            statements.append(f"ALTER TABLE {full} ADD {constraint}")
        else:
            statements.append(f"CREATE UNIQUE INDEX ON {full} ({', '.join(map(quote.name, covered))})")
    return tuple(statements)


# --- those that the ALTER adds -----------------------------------------------------------------------------------------


_REFERENCES = "REFERENCES"
"""A reserved word, so it stands before the parent of a foreign key, and before nothing else."""


async def references(session: Session, alter: str) -> tuple[int | None, ...]:
    """The parents that `alter` names, by their oids as the session's search_path has them now; None: there is none."""
    return tuple(
        [
            await session.scalar("SELECT to_regclass(%s)::oid::int8", [written], doing=_DOING)
            for written in names_behind(alter, _REFERENCES)
        ]
    )


def with_parents(alter: str, found: Sequence[int | None], names: Mapping[int, TableName]) -> str:
    """`alter` with other parents for its foreign keys; what is not there is left to the server to refuse."""
    written = names_behind(alter, _REFERENCES)
    spelled = [name if oid is None else quote.table(names[oid]) for oid, name in zip(found, written, strict=True)]
    return redirected(alter, _REFERENCES, spelled)


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


async def see_reachable(session: Session, parents: Iterable[TableName]) -> None:
    """Raises MissingPrivilege where our role may not make foreign keys to `parents` in the exchange, which locks them first."""
    for parent in parents:
        allowed = await session.scalar(
            "SELECT has_any_column_privilege(%s, 'REFERENCES') AND has_table_privilege(%s, 'UPDATE, DELETE, TRUNCATE')",
            [quote.table(parent)] * 2,
            doing=_DOING,
        )
        if not allowed:
            raise errors.MissingPrivilege(
                f"the ALTER adds a foreign key to {parent} on {session.address}, which our role may not lock and refer to",
                hint=f"GRANT REFERENCES, UPDATE ON {quote.table(parent)} TO our role, then run the same command again.",
            )
