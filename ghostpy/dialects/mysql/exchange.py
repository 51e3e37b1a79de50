"""The lock and the exchange of names, on one session (MySQL 8.0.13 and later: "RENAME TABLE Statement")."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from ghostpy import errors
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.inspect import table_exists
from ghostpy.dialects.mysql.page_writes import burst_ended, calm_under_lock
from ghostpy.dialects.mysql.rows import resync_on
from ghostpy.dialects.mysql.session import Session, opened, see_gone
from ghostpy.dialects.mysql.statements import Statements
from ghostpy.dialects.mysql.turned_rows import resync_frozen
from ghostpy.dialects.mysql.turned_statements import TurnedStatements
from ghostpy.model.keys import Key, KeyRange, Mark
from ghostpy.model.names import TableName
from ghostpy.protocols import NameOwner, Resynced
from ghostpy.settings import ConnectSettings

_SERVER_BACK_WITHIN = 30.0
_BAD_MOMENTS = 8
"""So many are let pass. A server that writes pages all the time has no good one."""


def rename_text(of: Statements, *further: tuple[TableName, TableName]) -> str:
    """The statement that exchanges the names, and renames what else it is said to."""
    moved = [f"{of.source} TO {quote.table(of.plan.names.old)}", f"{of.shadow} TO {of.source}"]
    moved += [f"{quote.table(before)} TO {quote.table(after)}" for before, after in further]
    return f"RENAME TABLE {', '.join(moved)}"


class FrozenSession:
    """Fulfils `Frozen`: the session that holds the table locks. `choosy`: it exchanges nothing while pages are being written."""

    def __init__(self, session: Session, statements: Statements, *, choosy: bool = False) -> None:
        self._session = session
        self._statements = statements
        self._choosy = choosy

    async def resync(self, keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
        if isinstance(self._statements, TurnedStatements):
            return await resync_frozen(self._session, self._statements, keys)
        return await resync_on(self._session, self._statements, keys, copied)

    async def exchange(self) -> None:
        await self._carry_auto_increment()
        if not await calm_under_lock(self._session) and self._choosy:
            raise errors.BadMoment(
                "the server was writing pages, which a RENAME waits for, and writers would have had to wait with it"
            )
        try:
            await self._session.execute(rename_text(self._statements), doing="exchanging the names")
        except errors.ServerGone as error:
            raise errors.CutOverInDoubt(error.message) from error

    async def _carry_auto_increment(self) -> None:
        """The source's counter may stand above its largest id; an id given out once must not come again."""
        plan = self._statements.plan
        counters = {}
        for name in (plan.source.name, plan.names.shadow):
            counters[name] = await self._session.scalar(
                "SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
                f"{quote.text(name.schema)} AND TABLE_NAME = {quote.text(name.table)}",
                doing="reading AUTO_INCREMENT",
            )
        ours, theirs = counters[plan.names.shadow], counters[plan.source.name]
        if ours is not None and theirs is not None and int(ours) < int(theirs):
            await self._session.execute(
                f"ALTER TABLE {self._statements.shadow} AUTO_INCREMENT = {int(theirs)}",
                doing="carrying AUTO_INCREMENT over",
            )


class LockingExchange:
    """Fulfils `Exchanging`."""

    def __init__(self, settings: ConnectSettings, statements: Statements) -> None:
        self._settings = settings
        self._statements = statements
        self._session: Session | None = None
        self._last: tuple[int, str] | None = None
        self._analyzed = False
        self._bad_moments = 0

    @property
    def text(self) -> str:
        """By which the binlog tells of the exchange."""
        return rename_text(self._statements)

    @property
    def makes(self) -> Sequence[TableName]:
        """Names of tables that are there for the length of an attempt only, and must be removed where it was cut off."""
        return ()

    async def prepare(self) -> None:
        await self._analyze()
        await self._open()
        assert self._session is not None
        await burst_ended(self._session)

    async def _analyze(self) -> None:
        if not self._analyzed:
            # The new table's first queries must not be planned by statistics from the time when it was empty.
            async with opened(self._settings, purpose="analyze") as session:
                await session.query(f"ANALYZE TABLE {self._statements.shadow}", doing="analyzing the new table")
            self._analyzed = True

    async def _open(self) -> None:
        if self._session is None or not self._session.is_open:
            self._session = Session(self._settings, purpose="cut-over")
            # Within LOCK TABLES a BEGIN would release the locks, a COMMIT does not ("LOCK TABLES", MySQL manual).
            await self._session.open(autocommit=False)
            self._last = self._session.connection_id, self._session.seen_as

    @asynccontextmanager
    async def frozen(self, *, timeout: float) -> AsyncIterator[FrozenSession]:
        await self._open()
        plan = self._statements.plan
        async with self._locked(plan.source.name, plan.names.shadow, timeout=timeout) as session:
            try:
                yield FrozenSession(session, self._statements, choosy=self._bad_moments < _BAD_MOMENTS)
            except errors.BadMoment:
                self._bad_moments += 1
                raise

    @asynccontextmanager
    async def _locked(self, *tables: TableName, timeout: float) -> AsyncIterator[Session]:
        session = self._session
        assert session is not None
        lock = f"LOCK TABLES {', '.join(f'{quote.table(table)} WRITE' for table in tables)}"
        try:
            await session.execute(
                f"SET SESSION lock_wait_timeout={max(1, round(timeout))}", doing="setting the lock's time limit"
            )
            try:
                await session.execute(lock, doing=f"locking {tables[0]}")
            except errors.TransientError as error:
                raise errors.LockTimeout(error.message) from error
            yield session
        except BaseException:
            # Whatever went wrong, closing the session gives the locks back and ends a statement that still runs.
            await self._discard()
            raise
        try:
            await session.execute("UNLOCK TABLES", doing="releasing the lock")
        except errors.GhostpyError:
            await self._discard()

    async def owner(self) -> NameOwner:
        await self._discard()
        deadline = time.monotonic() + _SERVER_BACK_WITHIN
        while True:
            try:
                return await self._looked_up()
            except errors.ConnectionFailed:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.2)

    async def _looked_up(self) -> NameOwner:
        # A session that looks lost from here may still run its last statement there.
        if self._last is not None and not await see_gone(self._settings, *self._last):
            raise errors.CutOverInDoubt(
                f"the session that exchanges {self._statements.plan.source.name} on {self._settings.address} "
                f"(connection {self._last[0]}) does not end"
            )
        async with opened(self._settings, purpose="owner") as session:
            source, shadow, old = await self._exist(session)
        if source and shadow and not old:
            return NameOwner.SOURCE
        if source and old and not shadow:
            return NameOwner.SHADOW
        return NameOwner.UNKNOWN

    async def _exist(self, session: Session) -> tuple[bool, bool, bool]:
        """Whether there are a source, a shadow, an old table."""
        plan = self._statements.plan
        source = await table_exists(session, plan.source.name)
        return source, await table_exists(session, plan.names.shadow), await table_exists(session, plan.names.old)

    async def _discard(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def close(self) -> None:
        """End the session. Never raises."""
        await self._discard()
