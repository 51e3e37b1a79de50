"""What the stream has shown can be seen behind the fence: the ends of XA transactions, and servers whose order changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from mysql_following import connect, following, in_loop, run

from ghostpy import sandbox
from ghostpy.dialects.mysql.fence import Fence
from ghostpy.dialects.mysql.news import News
from ghostpy.errors import StreamLost

MySQLWith = Callable[[sandbox.Options], sandbox.MySQLServer]
NewDatabase = Callable[[sandbox.Server], str]

_NO_GTIDS: sandbox.Options = {"gtid-mode": "OFF", "enforce-gtid-consistency": "OFF"}
_TABLE = "CREATE TABLE t (id INT PRIMARY KEY, k INT)"
_XIDS = ("'two','branch',7", "0x00ff27,'\\'',1", "'a b'")


@pytest.fixture(params=["gtids", "no gtids", "mariadb"])
def any_server(request: pytest.FixtureRequest, mysql_with: MySQLWith) -> Any:
    if request.param == "mariadb":
        return request.getfixturevalue("mariadb")
    return mysql_with(_NO_GTIDS if request.param == "no gtids" else {})


def _prepare(server: Any, database: str, xid: str, key: int) -> None:
    with connect(server, database) as writer:
        run(writer, f"XA START {xid}", f"INSERT INTO t VALUES ({key}, 1)", f"XA END {xid}", f"XA PREPARE {xid}")


def _commit(server: Any, database: str, xid: str) -> None:
    with connect(server, database) as other:
        run(other, f"XA COMMIT {xid}")


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
                    _commit(any_server, database, xid)
                    assert await follow.catch_up() == {key}
                    assert run(writer, f"SELECT k FROM t WHERE id = {key}") == [(1,)]
                _prepare(any_server, database, "'back'", 50)
                with connect(any_server, database) as other:
                    run(other, "XA ROLLBACK 'back'")
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
                _commit(any_server, database, _XIDS[0])
                await asyncio.sleep(0.5)
                assert not waiting.done()
                _commit(any_server, database, _XIDS[2])
                await asyncio.wait_for(waiting, 10)
                _commit(any_server, database, _XIDS[1])

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
