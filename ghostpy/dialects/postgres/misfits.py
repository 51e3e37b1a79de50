"""Which row is it that the new schema does not take? The server names the column, but rarely the row."""

from __future__ import annotations

from collections.abc import Sequence

from ghostpy import errors
from ghostpy.dialects.postgres.driver_errors import DuplicateEntry
from ghostpy.dialects.postgres.key_text import to_key
from ghostpy.dialects.postgres.session import Session
from ghostpy.dialects.postgres.statements import Statements
from ghostpy.model.keys import Key, KeyRange

_EVERYTHING = KeyRange(None, None)


async def keys_of(session: Session, of: Statements, condition: str) -> list[Key]:
    """The keys of the source rows that match `condition` now, in the key's order."""
    rows = await session.query(
        f"SELECT {of.source_key_text} FROM {of.source} WHERE {condition} ORDER BY {', '.join(of.source_key)}",
        doing="reading keys",
    )
    return [to_key(of.plan.copy_key, row[0]) for row in rows]


async def with_example(
    session: Session, of: Statements, keys: Sequence[Key], refused: errors.DataDoesNotFit, *, within: bool = False
) -> errors.DataDoesNotFit:
    """`refused`, raised by storing the rows with `keys`, with the first row named that is refused by itself.

    Rows are stored for trial, ever fewer, and rolled back. No transaction may be open on the session; `within`: one is, and is kept.
    """
    end = f"the source {of.plan.source.name} is untouched"
    left = list(keys)
    while len(left) > 1:
        half = left[: len(left) // 2]
        left = half if await _refusal(session, of, half, within) else left[len(left) // 2 :]
    last = await _refusal(session, of, left, within)
    if last is None:  # somebody has changed the row meanwhile
        return type(refused)(f"{refused.message}; {end}")
    columns = ", ".join(column.name for column in of.plan.copy_key.source_columns)
    return type(last)(f"{last.message}; this is the row with {columns} = {left[0]}; {end}")


async def _refusal(session: Session, of: Statements, keys: Sequence[Key], within: bool) -> errors.DataDoesNotFit | None:
    """How the shadow refuses the rows with `keys`, or None where it takes them. Nothing stays stored."""
    if not keys:
        return None
    begin, undo = ("SAVEPOINT misfit", "ROLLBACK TO misfit") if within else ("BEGIN", "ROLLBACK")
    await session.execute(begin, doing="looking for the row that does not fit")
    try:
        for statement in of.store(keys, _EVERYTHING):
            await session.execute(statement, doing=f"copying rows of {of.plan.source.name}")
    except DuplicateEntry:
        return None
    except errors.DataDoesNotFit as refusal:
        return refusal
    finally:
        await session.execute(undo, doing="looking for the row that does not fit")
    return None
