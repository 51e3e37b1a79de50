"""Which column of an altered clone comes from which of the source: the n-th from the n-th, whatever its name now."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ghostpy.dialects.postgres.session import Session


class ColumnChanges(Struct, frozen=True):
    """What the change does to the columns, by their names in the source."""

    renamed: tuple[tuple[str, str], ...]
    dropped: tuple[str, ...]
    retyped: tuple[str, ...]
    added: tuple[str, ...]
    """Their new names."""

    @property
    def names(self) -> bool:
        """Whether the table answers to other column names than before."""
        return bool(self.renamed or self.dropped or self.added)


_PLACES = """
SELECT s.attname, c.attname
FROM (SELECT attname, row_number() OVER (ORDER BY attnum) AS place
      FROM pg_attribute WHERE attrelid = $SOURCE AND attnum > 0 AND NOT attisdropped) s
JOIN pg_attribute c ON c.attrelid = $CLONE AND c.attnum = s.place AND NOT c.attisdropped
ORDER BY s.place
"""
_COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod), attcollation::int8
FROM pg_attribute WHERE attrelid = $TABLE AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


async def column_changes(
    session: Session, source: int, clone: int, pairs: Sequence[tuple[str, str]] | None = None
) -> ColumnChanges:
    """Compare two tables by their OIDs. `pairs`: which column of the clone comes from which of the source.

    Without them, the clone was made with the source's columns, and then altered.
    """
    if pairs is None:
        places = _PLACES.replace("$SOURCE", str(source)).replace("$CLONE", str(clone))
        pairs = [(old, new) for old, new in await session.query(places, doing="comparing columns")]
    before, now = await _columns(session, source), await _columns(session, clone)
    kept = dict(pairs)
    return ColumnChanges(
        renamed=tuple((old, new) for old, new in pairs if old != new),
        dropped=tuple(name for name in before if name not in kept),
        retyped=tuple(old for old, new in pairs if before[old] != now[new]),
        added=tuple(name for name in now if name not in kept.values()),
    )


async def _columns(session: Session, table: int) -> dict[str, tuple[object, ...]]:
    rows = await session.query(_COLUMNS.replace("$TABLE", str(table)), doing="comparing columns")
    return {str(row[0]): row[1:] for row in rows}
