"""A change stream on a test's table, and what it saw."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from typing import Any

import psycopg
from msgspec.structs import replace

from ghostpy import sandbox
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.facts import server_facts
from ghostpy.dialects.postgres.inspect import describe
from ghostpy.dialects.postgres.key_text import key_sql
from ghostpy.dialects.postgres.session import Session, opened
from ghostpy.dialects.postgres.wal.stream import LogicalStream
from ghostpy.model.change import Position
from ghostpy.model.keys import Key, Mark
from ghostpy.model.names import TableName
from ghostpy.model.table import Column
from ghostpy.settings import ConnectSettings

Rows = list[tuple[Any, ...]]


def address(server: sandbox.PostgresServer, database: str, user: str = "") -> str:
    return f"postgresql://{user or server.user}@{server.host}:{server.port}/{database}"


def settings(server: sandbox.PostgresServer, database: str, user: str = "", **changes: Any) -> ConnectSettings:
    plain = ConnectSettings(dialect="postgres", host=server.host, port=server.port, dsn=address(server, database, user))
    return replace(plain, **changes)


def connect(server: sandbox.PostgresServer, database: str, *first: str) -> closing[psycopg.Connection[tuple[Any, ...]]]:
    """A connection for writers, with `first` executed."""
    connection = psycopg.connect(address(server, database), autocommit=True)
    try:
        run(connection, *first)
    except BaseException:
        connection.close()
        raise
    return closing(connection)


def run(connection: psycopg.Connection[tuple[Any, ...]], *statements: str) -> Rows:
    """Execute, and return the rows of the last statement."""
    rows: Rows = []
    for statement in statements:
        cursor = connection.execute(statement.encode())
        rows = cursor.fetchall() if cursor.description else []
    return rows


class Following:
    """An open stream; `keys`, `marks` and `events` are what was read so far."""

    def __init__(self, stream: LogicalStream, session: Session, source: TableName, key: Sequence[Column]) -> None:
        self.stream = stream
        self.session = session
        self.source = source
        self.key = key
        self.marks: dict[Key, Mark] = {}
        self.events = 0
        self.heartbeat: int | None = None
        self.batches = 0
        self.position: Position | None = None

    @property
    def keys(self) -> set[Key]:
        return set(self.marks)

    async def read(self) -> None:
        batch = await asyncio.wait_for(self.stream.read(), 60)
        self.marks.update(batch.keys)
        self.events += batch.events
        self.heartbeat = batch.heartbeat
        self.batches += 1
        self.position = batch.position

    def keep(self) -> None:
        """Tell the stream that a checkpoint was made of what was read."""
        assert self.position is not None
        self.stream.kept(self.position)

    async def read_on(self) -> None:
        """Read until the stream ends by an error."""
        while True:
            await self.read()

    async def catch_up(self) -> set[Key]:
        """Read to the end of the stream as it is now; return the keys that were read, and forget them."""
        end = await self.stream.end()
        async with asyncio.timeout(90):
            while not self.stream.passed(end):
                await self.read()
        seen, self.marks = self.keys, {}
        return seen

    async def stored(self) -> set[str]:
        """The text of the keys of all rows, as an engine's session reads them."""
        text = key_sql(self.key, [quote.name(column.name) for column in self.key])
        rows = await self.session.query(f"SELECT {text} FROM {quote.table(self.source)}", doing="reading keys")
        return {row[0] for row in rows}


@asynccontextmanager
async def prepared(
    server: sandbox.PostgresServer,
    database: str,
    table: str = "t",
    key: Sequence[str] = ("id",),
    *,
    schema: str = "public",
    user: str = "",
    stream: dict[str, Any] | None = None,
    **changes: Any,
) -> AsyncIterator[Following]:
    """A stream that was not started; `changes` are connection settings, `stream` are arguments of the stream."""
    connect_settings = settings(server, database, user, **changes)
    async with opened(connect_settings, purpose="test") as session:
        facts = await server_facts(session)
        source = TableName(schema, table)
        described = await describe(session, source)
        assert described is not None
        oid = await session.scalar("SELECT %s::regclass::oid::bigint", [quote.table(source)], doing="looking")
        columns = [described.column(name) for name in key]
        made = LogicalStream(
            connect_settings,
            facts,
            source=source,
            oid=oid,
            key=columns,
            all_columns=described.columns,
            **(stream or {}),
        )
        try:
            yield Following(made, session, source, columns)
        finally:
            await made.close()


@asynccontextmanager
async def following(
    server: sandbox.PostgresServer, database: str, table: str = "t", key: Sequence[str] = ("id",), **more: Any
) -> AsyncIterator[Following]:
    """Follow a table from now on."""
    async with prepared(server, database, table, key, **more) as follow:
        await follow.stream.open(await follow.stream.start())
        yield follow


def in_loop(test: Any, seconds: float = 120) -> None:
    """Run a test's coroutine function to its end."""
    asyncio.run(asyncio.wait_for(test(), seconds))
