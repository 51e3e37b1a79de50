"""The tables that a run makes and removes, and its lock."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Sequence

from ghostpy import errors
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.deferred_indexes import DeferredIndexes
from ghostpy.dialects.mysql.inspect import describe
from ghostpy.dialects.mysql.session import Session, see_gone
from ghostpy.model.names import HelperNames, TableName
from ghostpy.model.table import Table
from ghostpy.settings import ConnectSettings

_SERVER_BACK_WITHIN = 30.0


def lock_name(table: TableName) -> str:
    """The name of a table's run lock; GET_LOCK takes 64 characters at most."""
    digest = hashlib.sha256(f"{table.schema}\0{table.table}".encode()).hexdigest()[:40]
    return f"ghostpy.{digest}"


async def drop_at_last(session: Session, table: TableName) -> None:
    """Drop `table` if it exists. A session that is lost or stuck is replaced, as soon as there is another to be had.

    Raises ConnectionFailed where the server stays away.
    """
    deadline = time.monotonic() + _SERVER_BACK_WITHIN
    while True:
        try:
            if not session.usable:
                await session.renew()
            await session.execute(f"DROP TABLE IF EXISTS {quote.table(table)}", doing=f"dropping {table}")
            return
        except errors.ConnectionFailed:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.2)


class Housekeeper:
    """Fulfils `Housekeeping`.

    The lock and the heartbeat share a session: where the lock is lost with its session, the next heartbeat tells.
    """

    def __init__(self, settings: ConnectSettings, source: TableName, names: HelperNames, alter: str) -> None:
        self._settings = settings
        self._source = source
        self._names = names
        self._alter = alter
        self._locking = Session(settings, purpose="heartbeat")
        self._working = Session(settings, purpose="housekeeping")
        self._expected: Table | None = None
        self._deferred: DeferredIndexes | None = None

    @property
    def session(self) -> Session:
        """The working session, for questions before the run."""
        return self._working

    def expect(self, source: Table, deferred: DeferredIndexes) -> None:
        """What `check_source` compares with, and the indexes that the shadow does without at first."""
        self._expected = source
        self._deferred = deferred

    async def open(self) -> None:
        """Connect. Raises ConnectionFailed."""
        await self._locking.open()
        await self._working.open()

    async def close(self) -> None:
        """End the sessions, and with them the lock. Never raises."""
        await self._locking.close()
        await self._working.close()

    async def lock_run(self) -> None:
        got = await self._locking.scalar(
            f"SELECT GET_LOCK('{lock_name(self._source)}', 0)", doing="taking the run's lock"
        )
        if got != 1:
            raise errors.AlreadyRunning(
                f"another run is changing {self._source} on {self._settings.address}: it holds the lock; nothing was changed"
            )

    async def create_ledger(self) -> None:
        await self._do(f"DROP TABLE IF EXISTS {quote.table(self._names.ledger)}", "removing a stale ledger")
        await self._do(
            f"CREATE TABLE {quote.table(self._names.ledger)} ("
            "id VARCHAR(32) CHARACTER SET ascii NOT NULL PRIMARY KEY, number BIGINT UNSIGNED NOT NULL, "
            "text MEDIUMTEXT CHARACTER SET utf8mb4, "
            "changed TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)"
            f") ENGINE=InnoDB COMMENT='ghostpy: ledger of a running change'",
            "creating the ledger",
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

    async def drop_shadow(self) -> None:
        await self._drop(self._names.shadow)

    async def drop_ledger(self) -> None:
        await self._drop(self._names.ledger)

    async def drop_old(self) -> None:
        await self._drop(self._names.old)

    def left_behind(self, tables: Sequence[TableName]) -> str:
        return f"{' and '.join(map(str, tables))} may be left behind, to be dropped by hand"

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

    async def check_source(self) -> None:
        found = await describe(self._working, self._source)
        if self._expected is None or (found is not None and _shape(found) == _shape(self._expected)):
            return
        raise errors.SourceChanged(
            f"{self._source} on {self._settings.address} is not the table any more that the plan was made for; "
            "it was not touched by this run"
        )

    async def count_rows(self) -> int:
        """The exact number of rows; reads the whole table."""
        return int(
            await self._working.scalar(f"SELECT COUNT(*) FROM {quote.table(self._source)}", doing="counting the rows")
        )

    async def alter_in_place(self, lock_timeout: int) -> bool:
        """Try the change with ALGORITHM=INSTANT on the source itself; whether the server took it.

        Waits at most `lock_timeout` seconds for the table.
        """
        await self._do(f"SET SESSION lock_wait_timeout={lock_timeout}", "setting a time limit")
        before = await self._definition()
        try:
            await self._do(
                f"ALTER TABLE {quote.table(self._source)} ALGORITHM=INSTANT, {self._alter}", f"altering {self._source}"
            )
        except (errors.ServerError, errors.DataDoesNotFit):
            return False
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
        return None if found is None else _shape(found)

    async def _differs_from(self, before: str | None) -> bool:
        """Whether the source is another than `before`, once the session that might have altered it is gone."""
        lost = self._working.connection_id, self._working.seen_as
        deadline = time.monotonic() + _SERVER_BACK_WITHIN
        while True:
            try:
                await self._working.renew()
                if await see_gone(self._settings, *lost):
                    return await self._definition() != before
            except errors.ConnectionFailed:
                pass
            if time.monotonic() > deadline:
                raise errors.CutOverInDoubt(
                    f"the answer to the ALTER of {self._source} on {self._settings.address} was lost, and the table "
                    "could not be looked at: it has its old schema or its new one",
                    hint="SHOW CREATE TABLE tells which.",
                )
            await asyncio.sleep(0.2)

    async def _drop(self, table: TableName) -> None:
        await drop_at_last(self._working, table)

    async def _do(self, sql: str, doing: str) -> None:
        await self._working.execute(sql, doing=doing)


def _shape(table: Table) -> str:
    """The CREATE TABLE text without the counter, which moves with every insert."""
    return re.sub(r" AUTO_INCREMENT=\d+", "", table.create_sql)
