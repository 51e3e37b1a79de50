"""A change stream on a test's table, and what it saw."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, closing
from typing import Any

import pymysql
from msgspec.structs import replace

from ghostpy import sandbox
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.facts import server_facts
from ghostpy.dialects.mysql.inspect import describe
from ghostpy.dialects.mysql.session import Session, opened
from ghostpy.dialects.mysql.stream import BinlogStream
from ghostpy.model.keys import Key
from ghostpy.model.names import TableName
from ghostpy.model.table import Column, Table
from ghostpy.settings import ConnectSettings

LEDGER_COLUMNS = (
    "(id VARCHAR(32) CHARACTER SET ascii NOT NULL PRIMARY KEY, number BIGINT UNSIGNED NOT NULL, text MEDIUMTEXT)"
)


def settings(server: sandbox.MySQLServer, **changes: Any) -> ConnectSettings:
    return replace(ConnectSettings(host=server.host, port=server.port, user=server.user), **changes)


def connect(
    server: sandbox.MySQLServer, database: str = "", *first: str
) -> closing[pymysql.connections.Connection[Any]]:
    """A connection for writers, with `first` executed."""
    connection = pymysql.connect(
        ssl_disabled=True,
        host=server.host,
        port=server.port,
        user=server.user,
        database=database or None,
        autocommit=True,
        charset="utf8mb4",
    )
    try:
        run(connection, *first)
    except BaseException:
        connection.close()
        raise
    return closing(connection)


def run(connection: pymysql.connections.Connection[Any], *statements: str) -> list[tuple[Any, ...]]:
    """Execute, and return the rows of the last statement."""
    rows: list[tuple[Any, ...]] = []
    for statement in statements:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            rows = list(cursor.fetchall())
    return rows


def in_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 120))


class Following:
    """An open stream; `keys` and `events` are what was read so far."""

    def __init__(self, stream: BinlogStream, session: Session, table: Table, key: Sequence[Column]) -> None:
        self.stream = stream
        self.session = session
        self.table = table
        self.key = key
        self.keys: set[Key] = set()
        self.events = 0
        self.heartbeat: int | None = None
        self.batches = 0

    async def read(self) -> None:
        batch = await asyncio.wait_for(self.stream.read(), 30)
        self.keys.update(batch.keys)
        self.events += batch.events
        self.heartbeat = batch.heartbeat
        self.batches += 1

    async def read_on(self) -> None:
        """Read until the stream ends by an error."""
        while True:
            await self.read()

    async def catch_up(self) -> set[Key]:
        """Read to the end of the binlog as it is now; return the keys that were read, and forget them."""
        end = await self.stream.end()
        async with asyncio.timeout(60):
            while not self.stream.passed(end):
                await self.read()
        await self.stream.fence()
        seen, self.keys = self.keys, set()
        return seen


@asynccontextmanager
async def following(
    server: sandbox.MySQLServer, database: str, table: str = "t", key: Sequence[str] = ("id",), **changes: Any
) -> AsyncIterator[Following]:
    """Follow a table from now on; `changes` are connection settings."""
    connect_settings = settings(server, **changes)
    async with opened(connect_settings, purpose="test") as session:
        facts = await server_facts(session)
        await session.execute(f"USE {quote.name(database)}")
        described = await describe(session, TableName(database, table))
        assert described is not None
        columns = [described.column(name) for name in key]
        ledger = described.name.beside(f"_{table}_ghc")
        stream = BinlogStream(
            connect_settings,
            facts,
            source=described.name,
            columns=described.columns,
            key=columns,
            ledger=ledger,
        )
        if not facts.waits_by_gtid:
            # The fence is a transaction that writes to it.
            await session.execute(f"CREATE TABLE IF NOT EXISTS {quote.table(ledger)} {LEDGER_COLUMNS}")
        try:
            await stream.open(await stream.start())
            yield Following(stream, session, described, columns)
        finally:
            await stream.close()


def quoted(database: str, table: str) -> str:
    return quote.table(TableName(database, table))
