"""What follows the exchange: validation of constraints, refreshed views. Each by itself, gently, and none of it undoes the change."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from ghostpy import errors
from ghostpy.dialects.postgres.replay import path_text
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName

_LOCK_TIMEOUT = "500ms"
_ATTEMPTS = 60


async def carry_out_later(
    session: Session, source: TableName, statements: list[str], happened: Callable[[str], None]
) -> None:
    """Run each of `statements`, and take it off the list; where one is refused, say so with its text, and go on.

    Raises ServerGone where the session is lost; the one that was under way is on the list still, though it may be done.
    """
    if not statements:
        return
    doing = f"finishing {source}"
    await session.execute(
        f"SET search_path = {path_text([source.schema])}; SET lock_timeout = '{_LOCK_TIMEOUT}'", doing=doing
    )
    try:
        while statements:
            statement = statements[0]
            try:
                await _with_patience(session, statement, doing)
            except errors.ServerGone:
                raise
            except errors.GhostpyError as error:
                happened(f"{source} has its new schema, but this is left to be done: {statement} ({error.message})")
            del statements[0]
    finally:
        if session.is_open:
            await session.execute("RESET search_path; RESET lock_timeout", doing=doing)


async def _with_patience(session: Session, statement: str, doing: str) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            await session.execute(statement, doing=doing)
            return
        except errors.TransientError:
            if attempt == _ATTEMPTS - 1:
                raise
        await asyncio.sleep(random.uniform(0.2, 1.0))
