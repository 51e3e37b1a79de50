"""The races of the design on a real server: each test shows that without its closing the shadow goes wrong, and with it not."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from math import inf
from typing import Any

import pymysql
import pytest
from under_way import COPY, running

from ghostpy import sandbox
from ghostpy.dialects.mysql.dialect import MySQLDialect
from ghostpy.model.keys import KeyRange
from ghostpy.settings import ConnectSettings, MigrateSettings, TargetSettings

_SLOW_COMMIT = 2000
"""Milliseconds for which the server holds a commit between its binlog write and the engine's commit."""


@pytest.fixture
def slow_commits(mysql_with: Callable[[sandbox.Options], sandbox.MySQLServer]) -> Iterator[sandbox.MySQLServer]:
    """A server that waits for a replica's word, which never comes, after the binlog write and before the engine commit."""
    server = mysql_with({"skip-name-resolve": None})
    with _connection(server) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'rpl_semi_sync_source'")
        if cursor.fetchone() == (0,):
            cursor.execute("INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'")
        cursor.execute("SET GLOBAL rpl_semi_sync_source_wait_no_replica=1")
        cursor.execute("SET GLOBAL rpl_semi_sync_source_wait_point='AFTER_SYNC'")
        cursor.execute(f"SET GLOBAL rpl_semi_sync_source_timeout={_SLOW_COMMIT}")
        yield server
        cursor.execute("SET GLOBAL rpl_semi_sync_source_enabled=0")


def _dialect(server: sandbox.Server, database: str) -> MySQLDialect:
    return MySQLDialect(
        MigrateSettings(
            connect=ConnectSettings(host=server.host, port=server.port, user=server.user),
            target=TargetSettings(database=database, table="t", alter="ADD COLUMN extra INT NOT NULL DEFAULT 1"),
            copy=COPY,
        )
    )


def _connection(server: sandbox.Server, database: str | None = None) -> Any:
    return pymysql.connect(host=server.host, port=server.port, user=server.user, database=database, autocommit=True)


def _execute(server: sandbox.Server, database: str, *statements: str) -> list[tuple[Any, ...]]:
    with _connection(server, database) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())


@pytest.mark.parametrize("fenced", [True, False], ids=["fenced", "unfenced"])
def test_a_change_is_in_the_stream_before_reads_can_see_it(
    slow_commits: sandbox.MySQLServer, new_database: Callable[[sandbox.Server], str], fenced: bool
) -> None:
    server = slow_commits
    database = new_database(server)
    _execute(server, database, "CREATE TABLE t (id INT PRIMARY KEY, v INT)", "INSERT INTO t VALUES (1, 1), (2, 1)")

    async def scenario() -> None:
        async with running(_dialect(server, database)) as run:
            await run.copier.slice(0, at_most=inf)
            if not fenced:

                async def no_fence() -> None:
                    return

                run.parts.stream.fence = no_fence  # type: ignore[method-assign]
            _execute(server, database, "SET GLOBAL rpl_semi_sync_source_enabled=1")
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
    assert rows == ([(2,)] if fenced else [(1,)])


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
    slow_commits: sandbox.MySQLServer, new_database: Callable[[sandbox.Server], str]
) -> None:
    database = new_database(slow_commits)
    _execute(slow_commits, database, "CREATE TABLE t (id INT PRIMARY KEY)")
    _execute(slow_commits, database, "SET GLOBAL rpl_semi_sync_source_enabled=1")
    began = time.monotonic()
    _execute(slow_commits, database, "INSERT INTO t VALUES (1)")
    assert time.monotonic() - began > _SLOW_COMMIT / 1000 * 0.9
