"""The exchange where the session that holds LOCK TABLES may not rename (MariaDB answers ERROR 1192): a second session's RENAME queues behind it.

The server takes the metadata locks of a RENAME one after the other, in the order of the tables' names (`MDL_context::acquire_locks`),
and a waiting RENAME goes before every waiting writer. Two things follow from that order.

- The RENAME must wait for the source itself, not for something before it: else writers come in between. So nothing that sorts before
  the source may be locked; the shadow is, so for the length of an attempt it stands `aside` under a name that sorts after the source.
- It must not run early, when the session with the lock is lost before the RENAME waits. So it also renames a `guard`, which sorts after
  the source, too, and is made only once the RENAME is seen waiting and the lock is known to have been held all the time. Without the
  guard the RENAME fails as a whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from msgspec import Struct
from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.exchange import FrozenSession, LockingExchange, rename_text
from ghostpy.dialects.mysql.inspect import table_exists
from ghostpy.dialects.mysql.session import Session, kill
from ghostpy.dialects.mysql.statements import Statements
from ghostpy.model.names import HelperNames, TableName
from ghostpy.protocols import NameOwner
from ghostpy.settings import ConnectSettings

_WAITING = "Waiting for table metadata lock"
_POLL = 0.001


class AsideNames(Struct, frozen=True):
    """Names that sort after the source's, byte by byte."""

    shadow: TableName
    guard: TableName
    passed: TableName
    """The guard's name after the exchange."""

    @classmethod
    def of(cls, source: TableName, names: HelperNames) -> AsideNames:
        # The last characters that a name may have; a source that begins with those is after `~` all the same.
        first = next(
            mark for mark in ("~", "\uff5e", "\uffee", "") if mark.encode() > source.table.encode() or not mark
        )
        if not first:
            raise errors.PlanRefused(f"the name of {source} sorts after every name that its exchange could use")
        shadow = names.shadow.table
        # In a revert the shadow is an old table, whose rows must never be taken for those of a copy.
        stem, suffixes = (
            (shadow.removesuffix("_gho"), ("_gho", "_ghg", "_ghh"))
            if shadow.endswith("_gho")
            else (shadow.removesuffix("_del"), ("_ghb", "_ghg", "_ghh"))
        )
        return cls(*(source.beside(f"{first}{stem[1:]}{suffix}") for suffix in suffixes))


class QueuedExchange(LockingExchange):
    """Fulfils `Exchanging`."""

    def __init__(self, settings: ConnectSettings, statements: Statements) -> None:
        super().__init__(settings, statements)
        plan = statements.plan
        self._source = plan.source.name
        self._names = plan.names
        self._aside = AsideNames.of(self._source, plan.names)
        names = replace(plan.names, shadow=self._aside.shadow)
        self._statements_aside = statements.over(replace(plan, names=names))
        self._helping = Session(settings, purpose="exchange")
        self._renaming = Session(settings, purpose="rename")

    @property
    def text(self) -> str:
        return rename_text(self._statements_aside, (self._aside.guard, self._aside.passed))

    @property
    def makes(self) -> Sequence[TableName]:
        return (self._aside.shadow, self._aside.guard, self._aside.passed)

    async def _open(self) -> None:
        for session in (self._helping, self._renaming):
            if not session.usable:
                await session.renew()
        await self._take_back()
        await super()._open()

    @asynccontextmanager
    async def frozen(self, *, timeout: float) -> AsyncIterator[FrozenSession]:
        await self._open()
        await self._put_aside(timeout)
        frozen: QueuedFrozen | None = None
        try:
            async with self._locked(self._source, self._aside.shadow, timeout=timeout) as session:
                frozen = QueuedFrozen(
                    session,
                    self._statements_aside,
                    self._aside,
                    self._helping,
                    self._renaming,
                    time.monotonic() + timeout,
                )
                self._last = self._renaming.connection_id, self._renaming.seen_as
                yield frozen
        finally:
            if frozen is None or not frozen.in_doubt:
                with contextlib.suppress(errors.GhostpyError):
                    await self._take_back()

    async def _put_aside(self, timeout: float) -> None:
        """Raises LockTimeout where somebody reads the shadow, and does not end: the server's own limit may be a day, in which nothing would go on."""
        setting = "setting the lock's time limit"
        await self._helping.execute(f"SET SESSION lock_wait_timeout={max(1, round(timeout))}", doing=setting)
        try:
            await self._rename(self._names.shadow, self._aside.shadow)
        except errors.TransientError as error:
            raise errors.LockTimeout(error.message) from error
        finally:
            with contextlib.suppress(errors.ServerGone):  # which the rename has told of
                await self._helping.execute("SET SESSION lock_wait_timeout=DEFAULT", doing=setting)

    async def owner(self) -> NameOwner:
        await self._renaming.close()
        owner = await super().owner()
        if owner is not NameOwner.UNKNOWN:
            if not self._helping.usable:
                await self._helping.renew()
            await self._take_back()
        return owner

    async def close(self) -> None:
        await super().close()
        await self._helping.close()
        await self._renaming.close()

    async def _exist(self, session: Session) -> tuple[bool, bool, bool]:
        source, shadow, old = await super()._exist(session)
        return source, shadow or await table_exists(session, self._aside.shadow), old

    async def _take_back(self) -> None:
        """What an attempt has made is gone, and the shadow has its own name again."""
        for table in (self._aside.guard, self._aside.passed):
            await self._helping.execute(
                f"DROP TABLE IF EXISTS {quote.table(table)}", doing="removing the exchange's guard"
            )
        if await table_exists(self._helping, self._aside.shadow):
            await self._rename(self._aside.shadow, self._names.shadow)

    async def _rename(self, before: TableName, after: TableName) -> None:
        await self._helping.execute(
            f"RENAME TABLE {quote.table(before)} TO {quote.table(after)}", doing=f"renaming {before}"
        )


class QueuedFrozen(FrozenSession):
    """Fulfils `Frozen`."""

    def __init__(
        self,
        session: Session,
        statements: Statements,
        aside: AsideNames,
        helping: Session,
        renaming: Session,
        deadline: float,
    ) -> None:
        super().__init__(session, statements)
        self._aside = aside
        self._helping = helping
        self._renaming = renaming
        self._deadline = deadline
        self.in_doubt = False

    async def exchange(self) -> None:
        await self._carry_auto_increment()
        await self._renaming.execute(
            f"SET SESSION lock_wait_timeout={max(1, round(self._deadline - time.monotonic()) + 1)}",
            doing="setting the lock's time limit",
        )
        self.in_doubt = True
        renaming = asyncio.create_task(self._rename(), name="rename")
        try:
            await self._let_go_when_queued(renaming)
            await renaming
        except errors.ServerGone as error:
            raise errors.CutOverInDoubt(error.message) from error
        except errors.GhostpyError:
            if not renaming.done():
                await self._call_off(renaming)
            self.in_doubt = False
            raise
        finally:
            renaming.cancel()
            await asyncio.gather(renaming, return_exceptions=True)
        self.in_doubt = False

    async def _rename(self) -> None:
        text = rename_text(self._statements, (self._aside.guard, self._aside.passed))
        await self._renaming.execute(text, doing="exchanging the names")

    async def _let_go_when_queued(self, renaming: asyncio.Task[None]) -> None:
        while not await self._queued():
            if renaming.done():
                return  # It failed: that says why.
            if time.monotonic() > self._deadline:
                raise errors.LockTimeout("the exchange did not get into the queue for the table in time")
            await asyncio.sleep(_POLL)
        # An answer here means that the lock was held up to now, so no writer came before the RENAME.
        await self._session.query("SELECT 1", doing="making sure of the lock")
        await self._helping.execute(
            f"CREATE TABLE {quote.table(self._aside.guard)} (x INT) ENGINE=MEMORY", doing="making the exchange's guard"
        )
        await self._session.execute("UNLOCK TABLES", doing="releasing the lock")

    async def _queued(self) -> bool:
        """Whether the RENAME waits for the source: it waits, and has the lock of the old table's name, or need not have it yet."""
        sessions = await self._helping.sessions(doing="looking at the exchange's place in the queue")
        state = next((str(row[6]) for row in sessions if row[0] == self._renaming.connection_id), "")
        if not state.startswith(_WAITING):
            return False
        names, source = self._statements.plan.names, self._statements.plan.source.name
        return names.old.table.encode() > source.table.encode() or await self._is_locked(names.old)

    async def _is_locked(self, table: TableName) -> bool:
        await self._helping.execute("SET SESSION lock_wait_timeout=0", doing="setting a time limit")
        try:
            await self._helping.query(f"SELECT 1 FROM {quote.table(table)} LIMIT 0", doing="looking for a lock")
        except errors.TransientError:
            return True
        except errors.ServerError:
            return False  # There is no such table, and nobody has locked its name yet.
        finally:
            await self._helping.execute("SET SESSION lock_wait_timeout=DEFAULT", doing="setting a time limit")
        return False

    async def _call_off(self, renaming: asyncio.Task[None]) -> None:
        """End a RENAME that waits. Raises CutOverInDoubt where it has been carried out after all, or may have been."""
        await asyncio.to_thread(kill, self._renaming.settings, self._renaming.connection_id, self._renaming.seen_as)
        result = (await asyncio.gather(renaming, return_exceptions=True))[0]
        if result is None or isinstance(result, errors.ServerGone):
            raise errors.CutOverInDoubt("the exchange was called off, and its answer was lost")
