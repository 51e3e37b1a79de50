"""Rows that stand against a step of a change in place, named for people."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.driver_errors import DuplicateEntry
from ghostpy.dialects.postgres.in_place.steps import Step
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.finding import Finding
from ghostpy.model.names import TableName
from ghostpy.planning.misfits import unlooked

_SEARCH = "2s"
_HINT = "Correct the rows, then run the same command again."

_KEY = """
SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.place),
       string_agg(format('%%I::text', a.attname), ', ' ORDER BY u.place)
FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY u (number, place)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.number
WHERE i.indrelid = %s::regclass AND i.indisprimary AND u.place <= i.indnkeyatts
"""


async def explained(
    session: Session, error: errors.DataDoesNotFit, source: TableName, step: Step
) -> errors.GhostpyError:
    """The error for the user, with the key of a row as an example where one is soon found."""
    if isinstance(error, DuplicateEntry):
        return errors.DuplicateRows(error.message)
    example = None
    if step.against:
        with contextlib.suppress(errors.GhostpyError):
            example = await example_against(session, source, step.against)
    text = f"{error.message}; for example the row {example}" if example else error.message
    return errors.DataDoesNotFit(text, hint=_HINT)


async def found_against(session: Session, source: TableName, steps: Sequence[Step]) -> list[Finding]:
    """What stands against the steps already, before they are taken. Within a bounded time for each."""
    findings = list[Finding]()
    for step in steps:
        if not step.against:
            continue
        try:
            example = await example_against(session, source, step.against)
        except errors.ConnectionFailed:
            raise
        except errors.GhostpyError as error:
            findings.append(unlooked(error.message))
            continue
        if example is not None:
            text = f"{step.doing} does not go together with rows of the table, for example the row {example}"
            findings.append(Finding("data-does-not-fit", text, "Correct the rows."))
    return findings


async def example_against(session: Session, source: TableName, against: str) -> str | None:
    """The key of a row that does not meet the condition `against`; None where all rows do. Raises TransientError where that takes too long."""
    table, doing = quote.table(source), "looking for a row as an example"
    rows = await session.query(_KEY, [table], doing=doing)
    names, values = rows[0] if rows and rows[0][0] else ("ctid", "ctid::text")
    async with session.transaction(keep=False):
        await session.execute(f"SET LOCAL statement_timeout = '{_SEARCH}'", doing=doing)
        found = await session.scalar(
            f"SELECT concat_ws(', ', {values}) FROM {table} WHERE NOT ({against}) LIMIT 1", doing=doing
        )
    return None if found is None else f"({names})=({found})"
