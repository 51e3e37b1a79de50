"""Which columns of the source have to be published, so that every change tells its key."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ghostpy.dialects.postgres.session import Session
from ghostpy.dialects.postgres.wal.relation import Relation, StreamColumn
from ghostpy.errors import PlanRefused, SourceChanged
from ghostpy.model.names import TableName
from ghostpy.model.table import Column

_FULL, _NOTHING = "f", "n"
_GENERATED_COLUMNS = 180000
"""The version from which stored generated columns can be published ("CREATE PUBLICATION")."""

_QUESTION = """
SELECT a.attname, a.atttypid::bigint, a.atttypmod, a.attgenerated::text, c.relreplident::text,
       n.nspname, c.relname, coalesce(a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]), false)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisvalid AND i.indimmediate
      AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END
WHERE c.oid = %s
ORDER BY a.attnum
"""


class _Attribute(Struct, frozen=True):
    name: str
    type_oid: int
    modifier: int
    generated: str
    replica_identity: str
    schema: str
    table: str
    identity: bool


class Published(Struct, frozen=True):
    """`relation`: as the stream will describe it; `column_list`: whether only its columns are published, else whole rows.

    `generated`: whether stored generated columns have to be asked for.
    """

    relation: Relation
    column_list: bool
    generated: bool


async def what_to_publish(
    session: Session, source: TableName, oid: int, key: Sequence[Column], all_columns: Sequence[Column], *, version: int
) -> Published:
    """Decide by the catalogs as they are now; `version` as server_version_num.

    Raises SourceChanged where the table is not the one that was planned for, and PlanRefused where a publication would make the
    application's own writes fail or would leave keys out.
    """
    rows = await session.query(_QUESTION, [oid], doing=f"looking at {source}")
    found = [_Attribute(*row) for row in rows]
    _check_same(found, source, all_columns)
    identity = found[0].replica_identity
    names = {column.name for column in key}
    _check_identity(found, source, names)
    generated = version >= _GENERATED_COLUMNS
    if identity == _FULL:
        _check_full(found, source)
    # With a replica identity of whole rows a column list would make the application's updates fail.
    column_list = identity != _FULL and version >= 150000
    chosen = [each for each in found if each.identity or each.name in names] if column_list else found
    if not generated or not column_list:
        _check_generated(chosen, source, names, generated)
    chosen = [each for each in chosen if not each.generated or (each.generated == "s" and generated)]
    columns = tuple(
        StreamColumn(each.name, each.type_oid, each.modifier, each.identity or identity == _FULL) for each in chosen
    )
    return Published(
        Relation(oid, source, identity, columns), column_list, generated and any(each.generated for each in chosen)
    )


def _check_same(found: Sequence[_Attribute], source: TableName, all_columns: Sequence[Column]) -> None:
    if not found or TableName(found[0].schema, found[0].table) != source:
        raise SourceChanged(f"{source} is not the table any more that the plan was made for")
    if [each.name for each in found] != [column.name for column in all_columns]:
        raise SourceChanged(f"the columns of {source} are not those any more that the plan was made for")


def _check_identity(found: Sequence[_Attribute], source: TableName, key: set[str]) -> None:
    if found[0].replica_identity == _FULL:
        return
    carried = {each.name for each in found if each.identity}
    if not carried:
        raise PlanRefused(
            f"{source} has no replica identity: once its changes are published, its own UPDATE and DELETE would fail",
            hint="Add a primary key that is not deferrable, or ALTER TABLE … REPLICA IDENTITY USING INDEX … or FULL.",
        )
    if not key <= carried:
        raise PlanRefused(
            f"the replica identity of {source} is ({', '.join(sorted(carried))}), "
            f"so that deleted rows do not tell their key ({', '.join(sorted(key))})",
            hint="Set the table's replica identity to the index of the copy key, or to FULL.",
        )


def _check_full(found: Sequence[_Attribute], source: TableName) -> None:
    # "CREATE PUBLICATION": they cannot be published, and an unpublished column of the identity refuses every UPDATE.
    virtual = [each.name for each in found if each.generated == "v"]
    if virtual:
        raise PlanRefused(
            f"{source} has REPLICA IDENTITY FULL and the virtual column {virtual[0]}: once its changes are published, its own "
            "UPDATE and DELETE would fail",
            hint="ALTER TABLE … REPLICA IDENTITY DEFAULT, where the table has a primary key.",
        )


def _check_generated(chosen: Sequence[_Attribute], source: TableName, key: set[str], can_be_published: bool) -> None:
    lost = [each.name for each in chosen if each.generated and (each.name in key or each.identity)]
    if lost and not can_be_published:
        raise PlanRefused(
            f"{source} has the generated column {lost[0]} in its key, which this server does not publish",
            hint="Give the table a unique key of plain columns, as its replica identity.",
        )
