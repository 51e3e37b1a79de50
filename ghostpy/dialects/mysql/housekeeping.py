"""The tables that a run makes and removes, and its lock."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
import re
import time
from collections.abc import Awaitable, Callable, Sequence

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects import checkpoint_text, whose
from ghostpy.dialects.mysql import quote, revert_record
from ghostpy.dialects.mysql.deferred_indexes import DeferredIndexes
from ghostpy.dialects.mysql.driver_errors import DuplicateEntry
from ghostpy.dialects.mysql.earlier_run import EXCHANGED, LEDGER_COMMENT, SOURCE, EarlierRun
from ghostpy.dialects.mysql.facts import ServerFacts, identity_question
from ghostpy.dialects.mysql.inspect import describe, table_exists
from ghostpy.dialects.mysql.native import Native
from ghostpy.dialects.mysql.session import Session, see_gone
from ghostpy.model.checkpoint import Checkpoint
from ghostpy.model.names import HelperNames, TableName
from ghostpy.model.revertible import Revertible
from ghostpy.model.table import Table
from ghostpy.settings import ConnectSettings

_SERVER_BACK_WITHIN = 30.0
_GIVEN_UP_WITHIN = 2.0
_PAUSE = 0.5
"""Seconds between attempts to alter the source itself."""
_LARGEST_CHECKPOINT = 8 << 20
"""Characters; a server takes 16 MB in one statement at least (max_allowed_packet)."""


def lock_name(table: TableName) -> str:
    """The name of a table's run lock; GET_LOCK takes 64 characters at most."""
    digest = hashlib.sha256(f"{table.schema}\0{table.table}".encode()).hexdigest()[:40]
    return f"ghostpy.{digest}"


async def drop_at_last(session: Session, table: TableName) -> None:
    """Drop `table` if it exists; see `_at_last`."""

    async def drop() -> None:
        await session.execute(f"DROP TABLE IF EXISTS {quote.table(table)}", doing=f"dropping {table}")

    await _at_last(session, drop)


async def _at_last(session: Session, work: Callable[[], Awaitable[None]]) -> None:
    """Do it. A session that is lost or stuck is replaced, as soon as there is another to be had.

    Raises ConnectionFailed where the server stays away.
    """
    deadline = time.monotonic() + _SERVER_BACK_WITHIN
    while True:
        try:
            if not session.usable:
                await session.renew()
            await work()
            return
        except errors.ConnectionFailed:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.2)


class Housekeeper:
    """Fulfils `Housekeeping`.

    The lock and the heartbeat share a session: where the lock is lost with its session, the next heartbeat tells.
    """

    def __init__(
        self,
        settings: ConnectSettings,
        source: TableName,
        names: HelperNames,
        alter: str,
        *,
        sessions: tuple[Session, Session] | None = None,
    ) -> None:
        self.settings = settings
        self._source = source
        self._names = names
        self._alter = alter
        self.sessions = sessions or (Session(settings, purpose="heartbeat"), Session(settings, purpose="housekeeping"))
        self._locking, self._working = self.sessions
        self._expected: Table | None = None
        self._deferred: DeferredIndexes | None = None
        self.facts: ServerFacts | None = None
        self.attempts = 60
        """For the table's lock, where the change is made on the source itself."""
        self.native: Native | None = None
        """How the server itself is to make the change, where that is the plan."""
        self.shadow_also: Sequence[TableName] = ()
        """Names that an exchange gives the shadow, or what belongs to it, for its own length."""

    @property
    def ledger(self) -> TableName:
        return self._names.ledger

    @property
    def session(self) -> Session:
        """The working session, for questions before the run."""
        return self._working

    def expect(self, source: Table, deferred: DeferredIndexes | None) -> None:
        """What `check_source` compares with, and the indexes that the shadow does without at first."""
        self._expected = source
        self._deferred = deferred

    async def open(self) -> None:
        """Connect. Raises ConnectionFailed."""
        await self._locking.open()
        await self._working.open()

    async def close(self) -> None:
        """End the sessions, and with them the lock. Never raises."""
        await self._working.close()
        if self._locking.usable:
            # What comes next wants it at once, and the server takes its time to end a session.
            with contextlib.suppress(errors.GhostpyError, TimeoutError):
                async with asyncio.timeout(_GIVEN_UP_WITHIN):
                    await self._locking.query(
                        f"SELECT RELEASE_LOCK('{lock_name(self._source)}')", doing="giving up the lock"
                    )
        await self._locking.close()

    async def lock_run(self) -> None:
        got = await self._locking.scalar(
            f"SELECT GET_LOCK('{lock_name(self._source)}', 0)", doing="taking the run's lock"
        )
        if got != 1:
            raise errors.AlreadyRunning(
                f"another run is changing {self._source} on {self.settings.address}: it holds the lock; nothing was changed"
            )

    @property
    def _earlier(self) -> EarlierRun:
        return EarlierRun(self._working, self._source, self._names)

    def call_old(self, old: TableName) -> None:
        """What the old table is to be called: as an earlier run has said."""
        self._names = replace(self._names, old=old)

    async def saved(self) -> Checkpoint | None:
        return await self._earlier.saved()

    async def save(self, checkpoint: Checkpoint) -> bool:
        rows = await asyncio.to_thread(self._rows, checkpoint)
        if sum(map(len, rows.values())) > _LARGEST_CHECKPOINT:
            return False
        values = ", ".join(f"({quote.text(name)}, 0, {quote.text(text)})" for name, text in rows.items())
        # By the session that holds the run's lock: a run that has lost it writes none.
        await self._locking.execute(
            f"REPLACE INTO {quote.table(self._names.ledger)} (id, number, text) VALUES {values}",
            doing="writing a checkpoint",
        )
        return True

    def _rows(self, checkpoint: Checkpoint) -> dict[str, str]:
        return checkpoint_text.written(checkpoint)

    async def revertible(self) -> Revertible | None:
        return await revert_record.read(self._working, self.ledger) if await self._earlier.is_there() else None

    async def note(self, revertible: Revertible) -> None:
        # Not by the session that beats: it may be busy, and writers wait.
        if not self._working.usable:
            await self._working.renew()
        noted = replace(revertible, server=await self.identity())
        await self._do(revert_record.write(noted, self.ledger), "noting the exchange down")

    async def settle(self, revertible: Revertible) -> None:
        if not self._working.usable:
            await self._working.renew()
        for statement in revert_record.settle(revertible, self.ledger, SOURCE):
            await self._do(statement, "tidying the ledger up")

    async def exchanged(self, earlier: Checkpoint) -> bool:
        return await self._earlier.exchanged(earlier.old)

    async def discard(self) -> None:
        # A ledger that an exchange can be taken back by is kept until another run makes its own.
        if await self._earlier.is_there() and await self.revertible() is None:
            await self._earlier.take_back()
            await self.drop_shadow()
            await self.drop_ledger()

    async def identity(self) -> str:
        """GTIDs mean the same on every server of a topology; a file and an offset do not. On MariaDB the stream's position tells whose it is."""
        if self._working.mariadb or (self.facts is not None and self.facts.waits_by_gtid):
            return ""
        return await self._server()

    async def is_here(self, noted: str) -> bool:
        if noted == await self.identity():
            return True
        # An earlier version of ghostpy noted it on MariaDB, where its positions had no GTIDs.
        return self._working.mariadb and noted == await self._server()

    async def _server(self) -> str:
        question = f"SELECT {identity_question(mariadb=self._working.mariadb)}"
        return str(await self._working.scalar(question, doing="asking who the server is"))

    async def adopt(self) -> None:
        await self._earlier.take_back()
        if not await table_exists(self._working, self._names.shadow):
            raise errors.CannotResume(f"the shadow {self._names.shadow} of the earlier run is not there any more")
        await self._note_run()
        if self._deferred is not None:
            await self._deferred.found(self._working)

    async def create_ledger(self) -> None:
        await self._do(f"DROP TABLE IF EXISTS {quote.table(self._names.ledger)}", "removing a stale ledger")
        await self._do(
            f"CREATE TABLE {quote.table(self._names.ledger)} ("
            "id VARCHAR(32) CHARACTER SET ascii NOT NULL PRIMARY KEY, number BIGINT UNSIGNED NOT NULL, "
            "text MEDIUMTEXT CHARACTER SET utf8mb4, "
            "changed TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)"
            f") ENGINE=InnoDB COMMENT='{LEDGER_COMMENT}'",
            "creating the ledger",
        )
        names = json.dumps([table.table for table in (self._source, self._names.shadow, *self.shadow_also)])
        await self._do(
            f"INSERT INTO {quote.table(self._names.ledger)} (id, number, text) VALUES ('{SOURCE}', 0, {quote.text(names)})",
            "beginning the ledger",
        )
        await self._note_run()

    async def _note_run(self) -> None:
        await self._do(
            f"REPLACE INTO {quote.table(self._names.ledger)} (id, number, text) VALUES ('{whose.ROW}', 0, {quote.text(whose.this_run())})",
            "noting the run in the ledger",
        )

    async def beat(self, number: int) -> None:
        await self._locking.execute(
            f"INSERT INTO {quote.table(self._names.ledger)} (id, number) VALUES ('heartbeat', {number}) "
            f"ON DUPLICATE KEY UPDATE number = {number}",
            doing="writing the heartbeat",
        )

    async def create_shadow(self) -> None:
        shadow = quote.table(self._names.shadow)
        await self._do(f"CREATE TABLE {shadow} LIKE {quote.table(self._source)}", f"creating {self._names.shadow}")
        await self._do(f"ALTER TABLE {shadow} {self._alter}", f"altering {self._names.shadow}")
        if self._deferred is not None:
            await self._deferred.leave_out(self._working)

    async def build_key(self) -> None:
        """Nothing: the shadow always has its keys."""

    async def finish(self) -> None:
        """Nothing."""

    async def build_indexes(self) -> None:
        if self._deferred is not None:
            await self._deferred.build()

    async def note_exchanged(self) -> None:
        async def note() -> None:
            await self._do(
                f"REPLACE INTO {quote.table(self.ledger)} (id, number, text) VALUES ('{EXCHANGED}', 0, 'yes')",
                "noting the exchange down",
            )

        await _at_last(self._working, note)

    async def drop_shadow(self) -> None:
        # What another run would go on with goes first: it must not look for a shadow that is half gone.
        await _at_last(self._working, self._forget_checkpoint)
        for table in (self._names.shadow, *self.shadow_also):
            await self._drop(table)

    async def drop_ledger(self) -> None:
        await self._drop(self._names.ledger)

    async def drop_old(self) -> None:
        await self._drop(self._names.old)

    def left_behind(self, tables: Sequence[TableName]) -> str:
        return f"{' and '.join(map(str, tables))} may be left behind: `ghostpy cleanup --execute` removes them"

    async def estimate_rows(self) -> int:
        return int(
            await self._working.scalar(
                "SELECT TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
                f"{quote.text(self._source.schema)} AND TABLE_NAME = {quote.text(self._source.table)}",
                doing="estimating the rows",
            )
            or 0
        )

    async def writes(self) -> int:
        rows = await self._locking.query(
            "SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_insert', 'Com_insert_select', 'Com_update', 'Com_update_multi', "
            "'Com_delete', 'Com_delete_multi', 'Com_replace', 'Com_load')",
            doing="asking for the server's activity",
        )
        return sum(int(row[1]) for row in rows)

    async def definition(self) -> str:
        sql = f"SHOW CREATE TABLE {quote.table(self._source)}"
        return _counted_out(str((await self._working.query(sql, doing=f"describing {self._source}"))[0][1]))

    async def check_source(self) -> None:
        found = await describe(self._working, self._source)
        if self._expected is None or (found is not None and shape(found) == shape(self._expected)):
            return
        raise errors.SourceChanged(
            f"{self._source} on {self.settings.address} is not the table any more that the plan was made for; "
            "it was not touched by this run"
        )

    async def count_rows(self) -> int:
        """The exact number of rows; reads the whole table."""
        return int(
            await self._working.scalar(f"SELECT COUNT(*) FROM {quote.table(self._source)}", doing="counting the rows")
        )

    async def alter_in_place(self, lock_timeout: int) -> bool:
        """Make the change on the source itself, as `native` says; else try ALGORITHM=INSTANT, and say whether the server took it.

        Waits at most `lock_timeout` seconds at a time for the table. Raises LockTimeout where it could not be had; with `native`,
        what the server raises where it refuses.
        """
        await self._do(f"SET SESSION lock_wait_timeout={lock_timeout}", "setting a time limit")
        before = await self._definition()
        for attempt in range(1, self.attempts + 1):
            try:
                return await self._altered(before)
            except errors.TransientError as error:
                if self.native is None:
                    return False
                if attempt == self.attempts:
                    raise errors.LockTimeout(
                        f"altering {self._source} on {self.settings.address}: the lock could not be had in {attempt} attempts of "
                        f"{lock_timeout} s; the table is as it was",
                        hint="Look for long transactions on the table, then run the same command again.",
                    ) from error
            # Whoever queued up behind us goes first.
            await asyncio.sleep(_PAUSE * random.uniform(0.5, 1.5))
        raise AssertionError("the last attempt returns or raises")

    async def _altered(self, before: str | None) -> bool:
        request = self.native.request if self.native is not None else "ALGORITHM=INSTANT"
        try:
            await self._do(
                f"ALTER TABLE {quote.table(self._source)} {request}, {self._alter}", f"altering {self._source}"
            )
        except errors.TransientError:
            raise
        except errors.DataDoesNotFit as error:
            if self.native is None:
                return False
            kind = errors.DuplicateRows if isinstance(error, DuplicateEntry) else errors.DataDoesNotFit
            raise kind(f"{error.message}; {self._source} is as it was") from error
        except errors.ServerError as error:
            if self.native is None:
                return False
            raise errors.ServerError(
                f"{error.message}; the server took the change so on an empty clone, but not on the table, which is as it was",
                hint="Use --strategy=shadow.",
            ) from error
        except errors.ServerGone:
            if await self._differs_from(before):
                return True
            raise
        except asyncio.CancelledError as ended:
            if await self._differs_from(before):
                ended.add_note(f"The server has made the change in one step: {self._source} has its new schema.")
            raise
        return True

    async def _definition(self) -> str | None:
        found = await describe(self._working, self._source)
        return None if found is None else shape(found)

    async def _differs_from(self, before: str | None) -> bool:
        """Whether the source is another than `before`, once the session that might have altered it is gone."""
        lost = self._working.connection_id, self._working.seen_as
        deadline = time.monotonic() + _SERVER_BACK_WITHIN
        while True:
            try:
                await self._working.renew()
                if await see_gone(self.settings, *lost):
                    return await self._definition() != before
            except errors.ConnectionFailed:
                pass
            if time.monotonic() > deadline:
                raise errors.CutOverInDoubt(
                    f"the answer to the ALTER of {self._source} on {self.settings.address} was lost, and the table "
                    "could not be looked at: it has its old schema or its new one",
                    hint="SHOW CREATE TABLE tells which.",
                )
            await asyncio.sleep(0.2)

    async def _forget_checkpoint(self) -> None:
        if await self._earlier.is_there():
            await self._do(
                f"DELETE FROM {quote.table(self.ledger)} WHERE id = '{checkpoint_text.HEAD}'",
                "giving up the checkpoint",
            )

    async def _drop(self, table: TableName) -> None:
        await drop_at_last(self._working, table)

    async def _do(self, sql: str, doing: str) -> None:
        await self._working.execute(sql, doing=doing)


def shape(table: Table) -> str:
    """The CREATE TABLE text without the counter, which moves with every insert."""
    return _counted_out(table.create_sql)


def _counted_out(create_sql: str) -> str:
    return re.sub(r" AUTO_INCREMENT=\d+", "", create_sql)
