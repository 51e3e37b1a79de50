"""Which column of an altered clone comes from which of the source: the n-th from the n-th, whatever its name now."""

from __future__ import annotations

from dataclasses import dataclass

from ghostpy.dialects.postgres.session import Session


@dataclass(frozen=True, slots=True)
class ColumnChanges:
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


_QUESTION = """
SELECT s.attname, c.attname, c.attisdropped, format_type(s.atttypid, s.atttypmod) = format_type(c.atttypid, c.atttypmod)
    AND s.attcollation = c.attcollation
FROM (SELECT *, row_number() OVER (ORDER BY attnum) AS place
      FROM pg_attribute WHERE attrelid = $SOURCE AND attnum > 0 AND NOT attisdropped) s
FULL JOIN (SELECT * FROM pg_attribute WHERE attrelid = $CLONE AND attnum > 0) c ON c.attnum = s.place
ORDER BY coalesce(s.place, c.attnum)
"""


async def column_changes(session: Session, source: int, clone: int) -> ColumnChanges:
    """Compare two tables by their OIDs; the clone was made with the source's columns, and then altered."""
    question = _QUESTION.replace("$SOURCE", str(source)).replace("$CLONE", str(clone))
    renamed, dropped, retyped, added = [], [], [], []
    for before, now, gone, same_type in await session.query(question, doing="comparing columns"):
        if before is None:
            added += [] if gone else [now]
        elif gone:
            dropped.append(before)
        else:
            renamed += [(before, now)] if before != now else []
            retyped += [] if same_type else [before]
    return ColumnChanges(tuple(renamed), tuple(dropped), tuple(retyped), tuple(added))
