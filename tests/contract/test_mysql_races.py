"""The races of the design on a real server: each test shows that without its closing the shadow goes wrong, and with it not."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Any

import pymysql
import pytest
from under_way import COPY, running

from ghostpy import sandbox
from ghostpy.dialects.mysql.dialect import MySQLDialect
from ghostpy.dialects.mysql.stream import BinlogStream
from ghostpy.model.keys import KeyRange
from ghostpy.settings import ConnectSettings, MigrateSettings, TargetSettings

_SLOW_COMMIT = 2000
"""Milliseconds for which the server holds a commit between its binlog write and the engine's commit."""


@dataclass(frozen=True)
class Kind:
    """A kind of server by what its reads can be fenced with."""

    mariadb: bool = False
    start: str = "mysql_with"
    """The fixture that starts it."""
    options: sandbox.Options = field(default_factory=dict)
    fenced: bool = True

    @property
    def semi_sync(self) -> str:
        return "rpl_semi_sync_master" if self.mariadb else "rpl_semi_sync_source"


_NO_GTIDS: sandbox.Options = {"gtid-mode": "OFF", "enforce-gtid-consistency": "OFF"}
_KINDS = {
    "gtids": Kind(),
    "no gtids": Kind(options=_NO_GTIDS),
    "no gtids, no order": Kind(options={**_NO_GTIDS, "binlog-order-commits": "OFF"}, fenced=False),
    "mariadb": Kind(mariadb=True, start="mariadb_with"),
    "mariadb 11.8": Kind(mariadb=True, start="mariadb_11_with"),
}
_SELDOM = "mariadb 11.8"


def _params(kinds: Iterable[str]) -> list[Any]:
    return [pytest.param(kind, marks=pytest.mark.soak if kind == _SELDOM else ()) for kind in kinds]


@pytest.fixture(params=_params(_KINDS))
def slow_commits(request: pytest.FixtureRequest) -> Iterator[tuple[Kind, sandbox.Server]]:
    """A server that waits for a replica's word, which never comes, after the binlog write and before the engine commit."""
    kind = _KINDS[request.param]
    options = {"skip-name-resolve": None, **kind.options}
    server = request.getfixturevalue(kind.start)(options)
    with _connection(server) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'rpl_semi_sync_source'")
        if cursor.fetchone() == (0,) and not kind.mariadb:
            cursor.execute("INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'")
        cursor.execute(f"SET GLOBAL {kind.semi_sync}_wait_no_{'slave' if kind.mariadb else 'replica'}=1")
        cursor.execute(f"SET GLOBAL {kind.semi_sync}_wait_point='AFTER_SYNC'")
        cursor.execute(f"SET GLOBAL {kind.semi_sync}_timeout={_SLOW_COMMIT}")
        yield kind, server
        cursor.execute(f"SET GLOBAL {kind.semi_sync}_enabled=0")


def _dialect(server: sandbox.Server, database: str) -> MySQLDialect:
    return MySQLDialect(
        MigrateSettings(
            connect=ConnectSettings(host=server.host, port=server.port, user=server.user),
            target=TargetSettings(database=database, table="t", alter="ADD COLUMN extra INT NOT NULL DEFAULT 1"),
            copy=COPY,
        )
    )


def _connection(server: sandbox.Server, database: str | None = None) -> Any:
    return pymysql.connect(
        host=server.host, port=server.port, user=server.user, database=database, autocommit=True, ssl_disabled=True
    )


def _execute(server: sandbox.Server, database: str, *statements: str) -> list[tuple[Any, ...]]:
    with _connection(server, database) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())


@pytest.mark.parametrize("fenced", [True, False], ids=["fenced", "unfenced"])
def test_a_change_is_in_the_stream_before_reads_can_see_it(
    slow_commits: tuple[Kind, sandbox.Server], new_database: Callable[[sandbox.Server], str], fenced: bool
) -> None:
    kind, server = slow_commits
    database = new_database(server)
    _execute(server, database, "CREATE TABLE t (id INT PRIMARY KEY, v INT)", "INSERT INTO t VALUES (1, 1), (2, 1)")

    async def scenario() -> None:
        async with running(_dialect(server, database)) as run:
            await run.copier.slice(0, at_most=inf)
            if not fenced:

                async def no_fence() -> None:
                    return

                run.parts.stream.fence = no_fence  # type: ignore[method-assign]
            _execute(server, database, f"SET GLOBAL {kind.semi_sync}_enabled=1")
            writer = threading.Thread(target=_execute, args=(server, database, "UPDATE t SET v = 2 WHERE id = 1"))
            writer.start()
            while not run.backlog:
                await asyncio.sleep(0.01)
            # Event read; the row still shows its old value to everybody else.
            assert _execute(server, database, "SELECT v FROM t WHERE id = 1") == [(1,)]
            # Our own commits would wait as well: only the writer's is to be slow.
            _resync_now = asyncio.create_task(run.worker.slice(KeyRange(None, None), 10))
            await asyncio.to_thread(writer.join)
            await _resync_now
            assert len(run.backlog) == 0

    asyncio.run(scenario())
    rows = _execute(server, database, "SELECT v FROM _t_gho WHERE id = 1")
    # Where nothing can be waited for, the read itself waits for the row's lock.
    assert rows == ([(2,)] if fenced or not kind.fenced else [(1,)])


@pytest.mark.parametrize("in_rounds", [True, False], ids=["rounds", "no-rounds"])
def test_a_chunk_copies_a_row_that_is_deleted_meanwhile(
    mysql: sandbox.MySQLServer, database: str, in_rounds: bool
) -> None:
    values = ", ".join(f"({i}, 1)" for i in range(1, 21))
    _execute(mysql, database, "CREATE TABLE t (id INT PRIMARY KEY, v INT)", f"INSERT INTO t VALUES {values}")
    # The chunk's statement sees the table as of its beginning, then sleeps at its first row; row 10 is deleted meanwhile.
    slow = "IF(id = 1, SLEEP(1.5), 0) = 0"

    async def scenario() -> None:
        async with running(_dialect(mysql, database), where=slow) as run:
            copying = asyncio.create_task(run.rounds().run() if in_rounds else run.copier.slice(0, at_most=inf))
            while not _execute(mysql, database, "SHOW PROCESSLIST", _SLEEPING):
                await asyncio.sleep(0.02)
            _execute(mysql, database, "DELETE FROM t WHERE id = 10")
            if not in_rounds:
                await run.worker.up_to(await run.parts.stream.end(), KeyRange(None, None))
                assert not copying.done()
            await copying
            await run.worker.up_to(await run.parts.stream.end(), KeyRange(None, None))

    asyncio.run(scenario())
    phantom = _execute(mysql, database, "SELECT id FROM _t_gho WHERE id = 10")
    assert phantom == ([] if in_rounds else [(10,)])
    assert _execute(mysql, database, "SELECT COUNT(*) FROM _t_gho") == [(19,) if in_rounds else (20,)]


_SLEEPING = "SELECT ID FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep' AND INFO LIKE 'INSERT INTO%'"


def test_the_tests_above_have_slow_commits(
    slow_commits: tuple[Kind, sandbox.Server], new_database: Callable[[sandbox.Server], str]
) -> None:
    kind, server = slow_commits
    database = new_database(server)
    _execute(server, database, "CREATE TABLE t (id INT PRIMARY KEY)")
    _execute(server, database, f"SET GLOBAL {kind.semi_sync}_enabled=1")
    began = time.monotonic()
    _execute(server, database, "INSERT INTO t VALUES (1)")
    assert time.monotonic() - began > _SLOW_COMMIT / 1000 * 0.9


def test_a_commit_that_was_written_before_the_run_began_is_seen(
    slow_commits: tuple[Kind, sandbox.Server], new_database: Callable[[sandbox.Server], str]
) -> None:
    """It stands in the binlog before the place from which it is followed, and cannot be seen yet."""
    kind, server = slow_commits
    database = new_database(server)
    _execute(server, database, "CREATE TABLE t (id INT PRIMARY KEY, v INT)", "INSERT INTO t VALUES (1, 1), (2, 1)")

    async def scenario() -> None:
        writer = threading.Thread(target=_execute, args=(server, database, "UPDATE t SET v = 2 WHERE id = 1"))

        async def written() -> None:
            before = _execute(server, database, _STATUS[kind.mariadb])
            _execute(server, database, f"SET GLOBAL {kind.semi_sync}_enabled=1")
            writer.start()
            while _execute(server, database, _STATUS[kind.mariadb]) == before:
                await asyncio.sleep(0.01)
            assert _execute(server, database, "SELECT v FROM t WHERE id = 1") == [(1,)]

        async with running(_dialect(server, database), before_start=written) as run:
            await run.copier.slice(0, at_most=inf)
            await asyncio.to_thread(writer.join)
            await run.worker.up_to(await run.parts.stream.end(), KeyRange(None, None))

    asyncio.run(scenario())
    assert _execute(server, database, "SELECT v FROM _t_gho WHERE id = 1") == [(2,)]


@pytest.mark.parametrize("slow_commits", [name for name, kind in _KINDS.items() if kind.fenced], indirect=True)
def test_a_key_that_an_earlier_run_has_left_is_seen(
    slow_commits: tuple[Kind, sandbox.Server], new_database: Callable[[sandbox.Server], str]
) -> None:
    """Killed and begun again at once: the stream does not show the key again, it comes from the checkpoint."""
    kind, server = slow_commits
    database = new_database(server)
    _execute(server, database, "CREATE TABLE t (id INT PRIMARY KEY, v INT)", "INSERT INTO t VALUES (1, 1), (2, 1)")

    async def scenario() -> None:
        async with running(_dialect(server, database)) as run:
            _execute(server, database, f"SET GLOBAL {kind.semi_sync}_enabled=1")
            writer = threading.Thread(target=_execute, args=(server, database, "UPDATE t SET v = 2 WHERE id = 1"))
            writer.start()
            while not run.backlog:
                await asyncio.sleep(0.01)
            first, position = run.parts.stream, run.follower.position
            assert isinstance(first, BinlogStream)
            assert position is not None
            of = first._followed
            later = BinlogStream(
                first._connect, first._facts, source=of.source, columns=of.columns, key=of.key, ledger=of.ledger
            )
            await later.resumed(first.noted(position))
            assert _execute(server, database, "SELECT v FROM t WHERE id = 1") == [(1,)]
            await later.fence()
            assert _execute(server, database, "SELECT v FROM t WHERE id = 1") == [(2,)]
            await later.close()
            await asyncio.to_thread(writer.join)

    asyncio.run(scenario())


_STATUS = {False: "SHOW BINARY LOG STATUS", True: "SHOW MASTER STATUS"}


@pytest.mark.parametrize("kind", _params(name for name, kind in _KINDS.items() if kind.fenced))
def test_rows_that_a_transaction_holds_are_not_waited_for(
    request: pytest.FixtureRequest, kind: str, new_database: Callable[[sandbox.Server], str]
) -> None:
    """Who waits for no row lock, and takes none, is part of no deadlock."""
    server = request.getfixturevalue(_KINDS[kind].start)(_KINDS[kind].options)
    database = new_database(server)
    _execute(server, database, "CREATE TABLE t (id INT PRIMARY KEY, v INT)", "INSERT INTO t VALUES (1, 1), (2, 1)")

    async def scenario() -> None:
        with _connection(server, database) as holder, holder.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("UPDATE t SET v = 7 WHERE id = 1")
            async with running(_dialect(server, database)) as run, asyncio.timeout(20):
                await run.copier.slice(0, at_most=inf)
                _execute(server, database, "UPDATE t SET v = 2 WHERE id = 2")
                run.backlog.add_unmarked({1})
                await run.worker.up_to(await run.parts.stream.end(), KeyRange(None, None))
                assert _execute(server, database, "SELECT * FROM _t_gho ORDER BY id") == [(1, 1, 1), (2, 2, 1)]
                cursor.execute("COMMIT")
                await run.worker.up_to(await run.parts.stream.end(), KeyRange(None, None))

    asyncio.run(scenario())
    assert _execute(server, database, "SELECT * FROM _t_gho ORDER BY id") == [(1, 7, 1), (2, 2, 1)]
