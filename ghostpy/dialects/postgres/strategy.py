"""Which way a change goes: the server itself says, on an empty stand-in of the table that nobody else ever sees."""

from __future__ import annotations

from ghostpy.dialects.postgres.facts import ServerFacts
from ghostpy.dialects.postgres.session import Session
from ghostpy.dialects.postgres.steps import Choice
from ghostpy.model.names import TableName
from ghostpy.planning.postgres_alter import AlterText


async def choose(
    session: Session,
    source: TableName,
    alter: AlterText,
    *,
    scratch: TableName,
    facts: ServerFacts,
    wanted: str = "auto",
) -> Choice:
    """Decide, in a transaction of its own that is rolled back. `session` is in autocommit and outside of a transaction.

    `scratch` is where the stand-in is made; its schema may be there or not. `wanted`: `auto`, `shadow` or `online`.
    Raises what the server raises where it refuses the ALTER, and LockNotAvailable where a table that it refers to stays locked.
    """
    raise NotImplementedError
