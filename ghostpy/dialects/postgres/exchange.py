"""The lock and the exchange of names: one transaction, so that a failure anywhere in it changes nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.clone.lent_sequences import let_go
from ghostpy.dialects.postgres.dependants.dependants import fingerprint_of
from ghostpy.dialects.postgres.driver_errors import LockNotAvailable
from ghostpy.dialects.postgres.fingerprint import check_unchanged
from ghostpy.dialects.postgres.holders import patience
from ghostpy.dialects.postgres.inspect import table_oid
from ghostpy.dialects.postgres.names import MADE_BY_US
from ghostpy.dialects.postgres.replay import run_under
from ghostpy.dialects.postgres.rows import POOL_SETTINGS, resync_on
from ghostpy.dialects.postgres.session import LONGEST_WAIT, Session, opened, see_gone
from ghostpy.dialects.postgres.statements import Statements
from ghostpy.dialects.postgres.way_back import WayBack
from ghostpy.dialects.postgres.work import Work
from ghostpy.model.keys import Key, KeyRange, Mark
from ghostpy.model.names import TableName
from ghostpy.protocols import NameOwner, Resynced
from ghostpy.settings import ConnectSettings

ResyncOn: TypeAlias = Callable[[Session, Mapping[Key, Mark], KeyRange], Awaitable[Resynced]]

_SERVER_BACK_WITHIN = 30.0
_GONE_WITHIN = 5.0
_FRESH = 1.0
"""Seconds for which what was looked at before the lock is not looked at again: under the lock it is, in any case."""
_IDLE_AFTER = 2.0
"""Seconds beyond the lock's time limit that the locking session may stand still."""


class FrozenTransaction:
    """Fulfils `Frozen`: the session whose transaction holds the locks, for `budget` seconds at most."""

    def __init__(
        self,
        session: Session,
        statements: Statements,
        work: Work,
        budget: float,
        resync: ResyncOn,
        keep: Callable[[], Awaitable[None]] | None,
    ) -> None:
        self._session = session
        self._statements = statements
        self._work = work
        self._budget = budget
        self._resync = resync
        self._keep = keep
        self._deadline = time.monotonic() + budget

    async def resync(self, keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
        return await self._resync(self._session, keys, copied)

    async def exchange(self) -> None:
        plan, work, session = self._statements.plan, self._work, self._session
        altered, dependants = work.by_shadow
        source, names, doing = plan.source.name, plan.names, "exchanging the names"
        await check_unchanged(session, source, work.fingerprint)
        await _check_dependants(session, source, dependants.fingerprint)
        move = [
            f"ALTER TABLE {quote.table(source)} SET SCHEMA {quote.name(names.old.schema)}",
            *altered.moves(names.shadow, source.schema),
        ]
        path = (source.schema,)
        await run_under(session, path, dependants.before_move, doing=doing)
        await session.execute("; ".join(move), doing=doing)
        after = [*altered.exchange_statements(names.old, source, names.ledger), *dependants.after_move]
        await run_under(session, path, after, doing=doing, on=source)
        if self._keep is not None:
            await self._keep()
        if time.monotonic() > self._deadline:
            # Nothing is lost by giving way: all of it is undone, and done again.
            raise errors.LockTimeout(
                f"{doing} of {source} took longer than the {self._budget:g} s that the lock is meant for"
            )
        try:
            await session.execute("COMMIT", doing=doing)
        except errors.ServerGone as error:
            raise errors.CutOverInDoubt(error.message) from error


class LockingExchange:
    """Fulfils `Exchanging`. `way_back`: where it is to be possible to take the exchange back."""

    def __init__(
        self, settings: ConnectSettings, statements: Statements, work: Work, way_back: WayBack | None = None
    ) -> None:
        self._settings = settings
        self._statements = statements
        self._work = work
        self._way_back = way_back
        self._session = Session(settings, purpose="cut-over")
        self._shadow_oid: int | None = None
        self._prepared: float | None = None

    async def prepare(self) -> None:
        session, names = self._session, self._statements.plan.names
        if not session.is_open:
            await session.open(options=POOL_SETTINGS)
        source = self._statements.plan.source.name
        await self._look(session)
        if await self._room_made(session, source):
            # The server plans every prepared question anew after it: now, and not under the lock.
            await self._look(session)
        self._shadow_oid = self._shadow_oid or await table_oid(session, names.shadow)
        if self._way_back is not None and self._shadow_oid is not None:
            await self._way_back.prepare(session, self._shadow_oid)
        await let_go(session, self._work.by_shadow[0].lent, source, names.ledger)
        self._prepared = time.monotonic()

    async def _room_made(self, session: Session, source: TableName) -> bool:
        """See that the old table's schema is there; whether it had to be made."""
        old = self._statements.plan.names.old
        found = await session.scalar(
            "SELECT count(*) FROM pg_namespace WHERE nspname = %s", [old.schema], doing="looking for a schema"
        )
        if found:
            return False
        schema = quote.name(old.schema)
        await session.execute(
            f"BEGIN; CREATE SCHEMA {schema}; "
            f"COMMENT ON SCHEMA {schema} IS {quote.text(f'{MADE_BY_US}old table of {source}')}; COMMIT",
            doing="creating the old table's schema",
        )
        return True

    async def _look(self, session: Session) -> None:
        """What is asked again under the lock; here it spares the application that lock, and the server's planning under it."""
        source = self._statements.plan.source.name
        await check_unchanged(session, source, self._work.fingerprint)
        await _check_dependants(session, source, self._work.by_shadow[1].fingerprint)

    @asynccontextmanager
    async def frozen(self, *, timeout: float) -> AsyncIterator[FrozenTransaction]:
        session, prepared = self._session, self._prepared
        if prepared is None or not session.is_open or time.monotonic() - prepared > _FRESH:
            await self.prepare()
        self._prepared = None
        try:
            wait = await patience(session, self._work.oid, min(timeout, LONGEST_WAIT), timeout)
            await self._lock(wait, idle=timeout + _IDLE_AFTER)
            keep = None if self._way_back is None else self._kept
            yield FrozenTransaction(session, self._statements, self._work, timeout, self._resync, keep)
        except LockNotAvailable as error:
            await self._given_up()
            raise errors.LockTimeout(error.message) from error
        except errors.CutOverInDoubt:
            await self._give_up()
            raise
        except BaseException:
            await self._given_up()
            raise
        await self._give_up()

    async def _resync(self, session: Session, keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
        """As `Resyncing.resync`, within the exchange's transaction."""
        return await resync_on(session, self._statements, keys, copied, within=True)

    async def _kept(self) -> None:
        """Within the exchange's transaction: see that it can be taken back."""
        altered, dependants = self._work.by_shadow
        assert self._way_back is not None
        assert self._shadow_oid is not None
        later = [*altered.after_exchange, *dependants.later]
        await self._way_back.keep(self._session, old=self._work.oid, new=self._shadow_oid, later=later)

    async def _lock(self, wait: float, *, idle: float) -> None:
        """BEGIN, and all locks in one order for all runs, the source's last."""
        source = self._statements.plan.source.name
        script = [
            "BEGIN",
            f"SET LOCAL lock_timeout = {_milliseconds(wait)}",
            # Where we stand still, or our machine is gone, the server gives up the locks by itself.
            f"SET LOCAL idle_in_transaction_session_timeout = {_milliseconds(idle)}",
            # Deferred checks fail where it can still be mended, not at COMMIT.
            "SET CONSTRAINTS ALL IMMEDIATE",
            # Nobody else is held up while an autovacuum of the shadow is waited for.
            f"LOCK TABLE {self._statements.shadow} IN ACCESS EXCLUSIVE MODE",
            *self._work.locks,
            f"LOCK TABLE {quote.table(source)} IN ACCESS EXCLUSIVE MODE",
        ]
        async with asyncio.timeout(2 * wait + 1.0):
            await self._session.execute("; ".join(script), doing=f"locking {source}")

    async def _given_up(self) -> None:
        await self._give_up()
        if self._way_back is not None:
            self._way_back.undone()

    async def _give_up(self) -> None:
        """End the transaction, where one is open, and with it its locks."""
        session = self._session
        try:
            async with asyncio.timeout(1.0):
                await session.rollback()
        except (errors.GhostpyError, TimeoutError, asyncio.CancelledError):
            await session.close()
            # What the server still does for a session that is lost from here, it does with all the locks held.
            if session.backend is not None:
                with suppress(errors.GhostpyError, TimeoutError):
                    async with asyncio.timeout(_GONE_WITHIN):
                        await see_gone(self._settings, session.backend)

    async def owner(self) -> NameOwner:
        await self._session.close()
        deadline = time.monotonic() + _SERVER_BACK_WITHIN
        while True:
            try:
                return await self._looked_up()
            except errors.ConnectionFailed:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.2)

    async def _looked_up(self) -> NameOwner:
        # A session that looks lost from here may still commit there.
        source, backend = self._statements.plan.source.name, self._session.backend
        if backend is not None and not await see_gone(self._settings, backend):
            raise errors.CutOverInDoubt(
                f"the session that exchanges {source} on {self._settings.address} (process {backend.pid}) does not end"
            )
        async with opened(self._settings, purpose="owner") as session:
            oid = await table_oid(session, source)
        if oid == self._work.oid:
            return NameOwner.SOURCE
        return NameOwner.SHADOW if oid is not None and oid == self._shadow_oid else NameOwner.UNKNOWN

    async def close(self) -> None:
        """End the session. Never raises."""
        with suppress(Exception):
            await self._session.close()


async def _check_dependants(session: Session, source: TableName, fingerprint: str) -> None:
    if await fingerprint_of(session, source) != fingerprint:
        raise errors.SourceChanged(
            f"what depends on {source} on {session.address} is not what it was when the plan was made; nothing was changed"
        )


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
