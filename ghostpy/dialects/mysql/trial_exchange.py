"""The trial on a replica: its replication is stopped, the names are exchanged and exchanged back, and both tables stay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ghostpy import errors
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.exchange import FrozenSession, LockingExchange
from ghostpy.dialects.mysql.session import opened
from ghostpy.dialects.mysql.statements import Statements
from ghostpy.settings import ConnectSettings


class TrialExchange(LockingExchange):
    """Fulfils `Exchanging`. With `stop`, replication is stopped for it, and started again where the attempt fails."""

    def __init__(self, settings: ConnectSettings, statements: Statements, *, stop: bool) -> None:
        super().__init__(settings, statements)
        self._stop = stop

    @asynccontextmanager
    async def frozen(self, *, timeout: float) -> AsyncIterator[FrozenSession]:
        await self._replication("STOP")
        try:
            async with super().frozen(timeout=timeout) as frozen:
                yield _ThereAndBack(frozen)
        except BaseException:
            await self._replication("START")
            raise

    async def _replication(self, verb: str) -> None:
        if not self._stop:
            return
        async with opened(self._settings, purpose="replication") as session:
            await session.execute(f"{verb} REPLICA SQL_THREAD", doing="holding replication up for the trial")


class _ThereAndBack(FrozenSession):
    def __init__(self, frozen: FrozenSession) -> None:
        super().__init__(frozen._session, frozen._statements)

    async def exchange(self) -> None:
        of = self._statements
        await self._carry_auto_increment()
        old = quote.table(of.plan.names.old)
        try:
            # One statement is one step: nobody ever sees the new table under the source's name.
            await self._session.execute(
                f"RENAME TABLE {of.source} TO {old}, {of.shadow} TO {of.source}, {of.source} TO {of.shadow}, {old} TO {of.source}",
                doing="exchanging the names and back",
            )
        except errors.ServerGone as error:
            raise errors.CutOverInDoubt(error.message) from error
