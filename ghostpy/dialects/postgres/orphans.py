"""Rows of the source that refer to nothing by a foreign key that the ALTER adds.

The key itself is made in the exchange, unvalidated, because before it would hold the application back ("ALTER TABLE"); so that it can
be valid afterwards, rows are held to it before. One statement looks at one moment of both tables, so what it finds is there.
"""

from __future__ import annotations

from collections.abc import Iterable

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.clone.constraint_definitions import Constraint
from ghostpy.dialects.postgres.conflicts import arrivals
from ghostpy.dialects.postgres.key_text import key_sql
from ghostpy.dialects.postgres.session import Session
from ghostpy.dialects.postgres.statements import Statements

_EXAMPLES = 3


async def refuse_orphans(session: Session, statements: Statements, keys: Iterable[Constraint]) -> None:
    """Raise DataDoesNotFit, naming example rows, where rows of the source break one of `keys`. Reads the whole source for each."""
    plan = statements.plan
    columns = ", ".join(column.name for column in plan.copy_key.source_columns)
    for key in keys:
        try:
            rows = await session.query(_orphans(statements, key), doing=f"looking for rows that break {key.name}")
        except errors.MissingPrivilege:
            continue  # the parent may be referred to and not read: the validation after the exchange will tell
        if rows:
            examples = " and ".join(str(row[0]) for row in rows)
            raise errors.DataDoesNotFit(
                f"rows of {plan.source.name} break the foreign key {key.name}: {key.parent} has no row for those with "
                f"{columns} = {examples}; the source {plan.source.name} is untouched"
            )


def _orphans(statements: Statements, key: Constraint) -> str:
    assert key.parent is not None
    text = key_sql(statements.plan.copy_key.source_columns, statements.source_key)
    given = " AND ".join(condition for condition, _ in key.refers)
    same = " AND ".join(condition for _, condition in key.refers)
    return (
        f"SELECT x.ghostpy_key FROM {arrivals(statements, 'TRUE', [f'{text} AS ghostpy_key'])} AS x "
        f"WHERE {given or 'FALSE'} AND NOT EXISTS (SELECT FROM {quote.table(key.parent)} AS p WHERE {same or 'TRUE'}) LIMIT {_EXAMPLES}"
    )
