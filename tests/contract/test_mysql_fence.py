"""What the stream has shown can be seen behind the fence: the ends of XA transactions, and servers whose order changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pymysql
import pytest
from mysql_following import connect, following, in_loop, run
from pymysql.constants import ER

from ghostpy import sandbox
from ghostpy.dialects.mysql.fence import Fence
from ghostpy.dialects.mysql.news import News
from ghostpy.errors import StreamLost

MySQLWith = Callable[[sandbox.Options], sandbox.MySQLServer]
NewDatabase = Callable[[sandbox.Server], str]

_NO_GTIDS: sandbox.Options = {"gtid-mode": "OFF", "enforce-gtid-consistency": "OFF"}
_TABLE = "CREATE TABLE t (id INT PRIMARY KEY, k INT)"
_XIDS = ("'two','branch',7", "0x00ff27,'\\'',1", "'a b'")
_BACK = "'back'"


@pytest.fixture(params=["gtids", "no gtids", "mariadb"])
def any_server(request: pytest.FixtureRequest, mysql_with: MySQLWith) -> Iterator[Any]:
    """Without a prepared transaction behind the test: it would hold up every other on this server."""
    if request.param == "mariadb":
        server = request.getfixturevalue("mariadb")
    else:
        server = mysql_with(_NO_GTIDS if request.param == "no gtids" else {})
    yield server
    for xid in (*_XIDS, _BACK):
        with connect(server) as other, suppress(pymysql.OperationalError):
            run(other, f"XA ROLLBACK {xid}")


def _prepare(server: Any, database: str, xid: str, key: int) -> None:
    with connect(server, database) as writer:
        run(writer, f"XA START {xid}", f"INSERT INTO t VALUES ({key}, 1)", f"XA END {xid}", f"XA PREPARE {xid}")


def _end(server: Any, verb: str, xid: str) -> None:
    """Commit it or roll it back, as soon as the server has noticed that the session that prepared it is gone."""
    deadline = time.monotonic() + 30
    while True:
        try:
            with connect(server) as other:
                run(other, f"XA {verb} {xid}")
                return
        except pymysql.OperationalError as error:
            if error.args[0] != ER.XAER_NOTA or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def test_keys_of_a_prepared_transaction_wait_for_its_end(any_server: Any, new_database: NewDatabase) -> None:
    database = new_database(any_server)

    async def check() -> None:
        with connect(any_server, database) as writer:
            run(writer, _TABLE)
            async with following(any_server, database) as follow:
                run(
                    writer, "XA START 'one'", "INSERT INTO t VALUES (1, 1)", "XA END 'one'", "XA COMMIT 'one' ONE PHASE"
                )
                assert await follow.catch_up() == {1}
                for key, xid in enumerate(_XIDS, 2):
                    _prepare(any_server, database, xid, key)
                run(writer, "INSERT INTO t VALUES (100, 1)")
                assert await follow.catch_up() == {100}
                for key, xid in enumerate(_XIDS, 2):
                    _end(any_server, "COMMIT", xid)
                    assert await follow.catch_up() == {key}
                    assert run(writer, f"SELECT k FROM t WHERE id = {key}") == [(1,)]
                _prepare(any_server, database, _BACK, 50)
                _end(any_server, "ROLLBACK", _BACK)
                assert await follow.catch_up() == set()

    in_loop(check)


def test_a_transaction_counts_as_seen_when_it_is_prepared_no_more(any_server: Any, new_database: NewDatabase) -> None:
    """Its end stands in the binlog before the engine has committed it."""
    database = new_database(any_server)

    async def check() -> None:
        with connect(any_server, database) as writer:
            run(writer, _TABLE)
            async with following(any_server, database) as follow:
                for key, xid in enumerate(_XIDS, 2):
                    _prepare(any_server, database, xid, key)
                await follow.catch_up()
                fence: Fence = follow.stream._fence
                spelled = {"X'74776f',X'6272616e6368',7", "X'00ff27',X'27',1", "X'612062',X'',1"}
                assert await fence.prepared() == spelled
                fence.add(News(xa_ended={"X'612062',X'',1"}))
                waiting = asyncio.create_task(fence.wait())
                _end(any_server, "COMMIT", _XIDS[0])
                await asyncio.sleep(0.5)
                assert not waiting.done()
                _end(any_server, "COMMIT", _XIDS[2])
                await asyncio.wait_for(waiting, 10)
                _end(any_server, "COMMIT", _XIDS[1])

    in_loop(check)


def test_a_server_that_keeps_the_order_no_more_ends_the_stream(
    mysql_with: MySQLWith, new_database: NewDatabase
) -> None:
    server = mysql_with({**_NO_GTIDS, "skip-name-resolve": None})
    database = new_database(server)

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, _TABLE)
            async with following(server, database) as follow:
                run(writer, "SET GLOBAL binlog_order_commits=OFF", "INSERT INTO t VALUES (1, 1)")
                try:
                    with pytest.raises(StreamLost, match="binlog_order_commits was switched off"):
                        await follow.catch_up()
                finally:
                    run(writer, "SET GLOBAL binlog_order_commits=ON")

    in_loop(check)
