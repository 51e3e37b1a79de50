"""Rows for which the new, partitioned table has no partition: looked for before anything is created."""

from __future__ import annotations

from ghostpy import errors
from ghostpy.dialects.postgres.clone.altered import Altered
from ghostpy.dialects.postgres.conflicts import arrivals
from ghostpy.dialects.postgres.key_text import key_sql
from ghostpy.dialects.postgres.session import Session
from ghostpy.dialects.postgres.statements import Statements
from ghostpy.model.finding import Finding

_TIME = "10s"
"""For one statement over the whole table. A table that takes longer is not held to it: the copy tells, with the row."""
_EXAMPLES = 3


async def homeless_rows(session: Session, of: Statements, altered: Altered) -> list[Finding]:
    """A refusal with example rows, where there are any, and the look at them comes to its end in time."""
    added = {column.name for column in of.plan.columns.added}
    if not altered.cover or (added if altered.divided_by is None else added & {*altered.divided_by}):
        return []  # what the server puts into an added column is not known here
    key = key_sql(of.plan.copy_key.source_columns, of.source_key)
    rows = arrivals(of, "TRUE", [f"{key} AS ghostpy_key"])
    condition = " OR ".join(f"({each})" for each in altered.cover)
    try:
        async with session.transaction(keep=False):
            await session.execute(
                f"SET LOCAL statement_timeout = '{_TIME}'", doing="looking for rows without a partition"
            )
            found = await session.query(
                f"SELECT x.ghostpy_key FROM {rows} AS x WHERE ({condition}) IS NOT TRUE LIMIT {_EXAMPLES}",
                doing="looking for rows without a partition",
            )
    except errors.ServerGone:
        raise
    except errors.TransientError:
        return []
    if not found:
        return []
    names = ", ".join(column.name for column in of.plan.copy_key.source_columns)
    text = (
        f"rows of {of.plan.source.name} have no partition in the new table, for example those with {names} = "
        f"{', '.join(str(key) for (key,) in found)}"
    )
    return [Finding("no-partition", text, "Add partitions for them, or one that is DEFAULT, or correct the rows.")]
