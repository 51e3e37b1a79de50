"""A limit of time for the reads of a session, for the length of a block."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ghostpy.dialects.mysql.facts import ServerFacts
from ghostpy.dialects.mysql.session import Session


@asynccontextmanager
async def limited(session: Session, facts: ServerFacts, seconds: int, *, doing: str) -> AsyncIterator[None]:
    """A SELECT that takes longer ends by TransientError or ServerError; afterwards the limit is as it was."""
    mariadb = facts.flavour == "mariadb"
    limit = "max_statement_time" if mariadb else "max_execution_time"
    before = await session.scalar(f"SELECT @@SESSION.{limit}", doing=doing)
    await session.execute(f"SET SESSION {limit} = {seconds if mariadb else seconds * 1000}", doing=doing)
    try:
        yield
    finally:
        await session.execute(f"SET SESSION {limit} = {before}", doing=doing)
