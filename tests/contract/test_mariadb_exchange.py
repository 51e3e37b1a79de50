"""The exchange whose RENAME queues behind the lock: no write gets in between, and without its guard nothing is renamed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import Any

import pymysql
import pytest
from under_way import COPY, Running, running

from ghostpy import errors, sandbox
from ghostpy.dialects.mysql.dialect import MySQLDialect
from ghostpy.dialects.mysql.queued_exchange import AsideNames, QueuedFrozen
from ghostpy.model.keys import KeyRange
from ghostpy.model.names import TableName, helper_names
from ghostpy.protocols import NameOwner
from ghostpy.settings import ConnectSettings, MigrateSettings, TargetSettings

_ALL = KeyRange(None, None)
_NAMES = ["t", "Z", "~t", "été", "ﾟt"]


@dataclass
class Table:
    server: sandbox.MariaDBServer
    database: str
    name: str

    def execute(self, *statements: str) -> tuple[tuple[Any, ...], ...]:
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement.replace("{t}", f"`{self.name}`"))
            return tuple(cursor.fetchall())

    def connect(self) -> Any:
        server = self.server
        return pymysql.connect(
            ssl_disabled=True,
            host=server.host,
            port=server.port,
            user=server.user,
            database=self.database,
            autocommit=True,
        )

    @asynccontextmanager
    async def copied(self) -> AsyncIterator[Running]:
        settings = MigrateSettings(
            connect=ConnectSettings(host=self.server.host, port=self.server.port, user=self.server.user),
            target=TargetSettings(database=self.database, table=self.name, alter="ADD x INT NOT NULL DEFAULT 1"),
            copy=COPY,
            execute=True,
        )
        async with running(MySQLDialect(settings)) as run:
            await run.rounds().run()
            yield run

    def tables(self) -> set[str]:
        return {row[0] for row in self.execute("SHOW TABLES")}


@pytest.fixture(params=["mariadb", pytest.param("mariadb_11", marks=pytest.mark.soak)])
def server(request: pytest.FixtureRequest) -> sandbox.MariaDBServer:
    found: sandbox.MariaDBServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def table(
    server: sandbox.MariaDBServer, new_database: Callable[[sandbox.Server], str], request: pytest.FixtureRequest
) -> Table:
    table = Table(server, new_database(server), getattr(request, "param", "t"))
    table.execute("CREATE TABLE {t} (id INT PRIMARY KEY)", "INSERT INTO {t} VALUES (1), (2), (3)")
    return table


def _left(table: Table) -> set[str]:
    names = helper_names(TableName(table.database, table.name), limit=64)
    return table.tables() - {table.name, names.ledger.table}


@pytest.mark.parametrize("table", _NAMES, indirect=True)
def test_who_waits_at_the_lock_writes_to_the_new_table(table: Table) -> None:
    waiting = [
        threading.Thread(target=table.execute, args=(f"INSERT INTO {{t}} (id) VALUES ({n})",)) for n in range(10, 30)
    ]

    async def scenario() -> None:
        async with table.copied() as run:
            async with run.parts.exchanging.frozen(timeout=3.0) as frozen:
                for writer in waiting:
                    writer.start()
                await asyncio.sleep(0.2)
                await frozen.exchange()
            assert await run.parts.exchanging.owner() is NameOwner.SHADOW

    asyncio.run(scenario())
    for writer in waiting:
        writer.join()
    old = helper_names(TableName(table.database, table.name), limit=64).old.table
    assert table.execute("SELECT COUNT(*), SUM(x) FROM {t}") == ((23, 23),)
    assert table.execute(f"SELECT COUNT(*) FROM `{old}`") == ((3,),)
    assert _left(table) == {old}


@pytest.mark.parametrize("moment", ["before the rename is asked for", "while the rename waits"])
def test_a_lost_lock_exchanges_nothing(table: Table, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer comes as soon as the lock is lost; had the RENAME run early, its row would be in the old table only."""

    async def scenario() -> None:
        async with table.copied() as run:
            exchanging = run.parts.exchanging
            queued = QueuedFrozen._queued

            async def lost_when_queued(frozen: QueuedFrozen) -> bool:
                if found := await queued(frozen):
                    table.execute(f"KILL {frozen._session.connection_id}", "INSERT INTO {t} VALUES (50)")
                return found

            if moment.startswith("while"):
                monkeypatch.setattr(QueuedFrozen, "_queued", lost_when_queued)

            async def attempt() -> None:
                async with exchanging.frozen(timeout=3.0) as frozen:
                    assert isinstance(frozen, QueuedFrozen)
                    if moment.startswith("before"):
                        table.execute(f"KILL {frozen._session.connection_id}", "INSERT INTO {t} VALUES (50)")
                        monkeypatch.setattr(frozen, "_carry_auto_increment", _nothing)
                    await frozen.exchange()

            with pytest.raises((errors.ServerError, errors.ServerGone, errors.CutOverInDoubt)):
                await attempt()
            assert await exchanging.owner() is NameOwner.SOURCE
            assert _left(table) == {f"_{table.name}_gho"}
            monkeypatch.undo()
            async with exchanging.frozen(timeout=3.0) as frozen:
                await frozen.resync({50: 0}, _ALL)
                await frozen.exchange()
            assert await exchanging.owner() is NameOwner.SHADOW

    asyncio.run(scenario())
    assert table.execute("SELECT COUNT(*), SUM(x) FROM {t}") == ((4, 4),)
    assert _left(table) == {f"_{table.name}_del"}


async def _nothing() -> None:
    return


def test_an_exchange_that_does_not_get_into_the_queue_is_called_off(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: QueuedFrozen) -> bool:
        return False

    async def scenario() -> None:
        async with table.copied() as run:
            monkeypatch.setattr(QueuedFrozen, "_queued", never)
            with pytest.raises((errors.LockTimeout, errors.CutOverInDoubt)):
                async with run.parts.exchanging.frozen(timeout=1.0) as frozen:
                    await frozen.exchange()
            assert await run.parts.exchanging.owner() is NameOwner.SOURCE
            assert _left(table) == {f"_{table.name}_gho"}

    asyncio.run(scenario())


def test_a_long_reader_makes_the_attempt_fail_and_leaves_the_shadow_in_its_place(table: Table) -> None:
    async def scenario() -> None:
        async with table.copied() as run:
            with closing(table.connect()) as reader, reader.cursor() as cursor:
                cursor.execute("BEGIN")
                cursor.execute("SELECT * FROM t")
                with pytest.raises(errors.LockTimeout):
                    async with run.parts.exchanging.frozen(timeout=1.0):
                        pass
            assert _left(table) == {f"_{table.name}_gho"}

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["t", "T", "_t", "~", "~~~", "zz", "é", "ﾟ", "x" * 64])
def test_names_aside_sort_after_the_source(name: str) -> None:
    source = TableName("d", name)
    aside = AsideNames.of(source, helper_names(source, limit=64))
    for other in (aside.shadow, aside.guard, aside.passed):
        assert other.table.encode() > name.encode()
        assert len(other.table) <= 64
    assert len({aside.shadow, aside.guard, aside.passed}) == 3
