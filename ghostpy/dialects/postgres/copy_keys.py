"""Which keys a copy can go by on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ghostpy.dialects.postgres.clone.index_definitions import NO_IDENTITY, IndexDefinition
from ghostpy.dialects.postgres.key_text import INTEGERS
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName
from ghostpy.model.table import Column, Index, IndexPart, Table

_TEXTS = frozenset({"text", "character varying"})

_IDENTITY = """
SELECT c.relreplident, (SELECT x.relname FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
    WHERE i.indrelid = c.oid AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s
"""


async def stream_index(session: Session, source: TableName) -> str | None:
    """The index whose columns the stream tells of a changed row; None where it tells all columns."""
    identity, index = (
        await session.query(_IDENTITY, [source.schema, source.table], doing="asking for the replica identity")
    )[0]
    return None if identity == "f" else str(index or NO_IDENTITY)


def carries_key(source: Column, shadow: Column) -> bool:
    """Whether the text of a source's key value, read as the shadow's type, finds the row there, and no other."""
    if source.data_type in INTEGERS:
        return shadow.data_type in INTEGERS
    alike = source.collation == shadow.collation or (source.deterministic and shadow.deterministic)
    if source.data_type in _TEXTS and shadow.data_type in _TEXTS:
        return alike
    return source.full_type == shadow.full_type and alike


def shadow_indexes(shadow: Table, indexes: Sequence[IndexDefinition]) -> Table:
    """`shadow`, which stands bare, with the indexes that it is going to have."""
    planned = tuple(
        Index(
            name=index.name,
            parts=tuple(IndexPart(column=c, expression=None if c else "…") for c in index.columns),
            unique=index.unique and not index.partial,
            ordered=index.method == "btree" and not index.partial,
        )
        for index in sorted(indexes, key=lambda index: index.constraint != "PRIMARY")
    )
    return replace(shadow, indexes=planned)
