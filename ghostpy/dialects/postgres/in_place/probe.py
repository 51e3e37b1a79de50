"""Statements tried on an empty table, and what the server says it did: the same that it would do with every row of a full one.

It tells by its messages of level DEBUG1, which are never translated (from 14), and by the files of the table and its indexes.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import psycopg
from msgspec import Struct

from ghostpy.dialects.postgres.in_place.table_state import TableState, table_state
from ghostpy.dialects.postgres.session import Session

_LOCK_WAIT = "500ms"
_MESSAGES = {
    "rewritten": re.compile('rewriting table "'),
    "verified": re.compile('verifying table "'),
    # A first column that may be long gives the table another one for long values, with an index, empty.
    "built": re.compile('building index "(?!pg_toast)'),
    "referred": re.compile("validating foreign key constraint "),
}


class Effects(Struct, frozen=True):
    """Work that grows with the table, and the table before and after."""

    before: TableState
    after: TableState
    rewritten: bool = False
    verified: bool = False
    """Every row was read, to see whether it fits."""
    built: bool = False
    """An index was built."""
    referred: bool = False
    """Every row was looked up in another table."""

    @property
    def moved(self) -> bool:
        """Whether rows, or an index that was there before, would be written anew."""
        kept = self.before.indexes.keys() & self.after.indexes.keys()
        # An index that was built before may take another's name: then none was built.
        changed = any(self.before.indexes[name].file != self.after.indexes[name].file for name in kept)
        return self.table_moved or (self.built and changed)

    @property
    def table_moved(self) -> bool:
        return self.rewritten or self.before.file != self.after.file

    @property
    def work(self) -> bool:
        return self.moved or self.verified or self.built or self.referred


async def run(session: Session, oid: int, statements: Sequence[str], *, doing: str) -> Effects:
    """Run `statements`, about the table with this OID, in the caller's transaction."""
    before = await table_state(session, oid)
    seen: set[str] = set()

    def notice(message: psycopg.errors.Diagnostic) -> None:
        text = message.message_primary or ""
        seen.update(name for name, pattern in _MESSAGES.items() if pattern.match(text))

    await session.execute(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'", doing=doing)
    await session.execute("SET LOCAL client_min_messages = debug1", doing=doing)
    session.connection.add_notice_handler(notice)
    try:
        for statement in statements:
            await session.execute(statement, doing=doing)
    finally:
        session.connection.remove_notice_handler(notice)
    await session.execute("SET LOCAL client_min_messages = warning", doing=doing)
    return Effects(before, await table_state(session, oid), **dict.fromkeys(seen, True))


@asynccontextmanager
async def undone(session: Session) -> AsyncIterator[None]:
    """Take back what the block does, and the locks that it took, within the caller's transaction."""
    await session.execute("SAVEPOINT ghostpy_probe", doing="setting a savepoint")
    try:
        yield
    finally:
        await session.execute(
            "ROLLBACK TO SAVEPOINT ghostpy_probe; RELEASE SAVEPOINT ghostpy_probe", doing="going back to the savepoint"
        )
