"""How the change stream connects: sockets, TLS, server ids, privileges, other replicas; and what it leaves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from mysql_following import connect, following, in_loop, run, settings

from ghostpy import sandbox
from ghostpy.dialects.mysql.binlog_place import BinlogPlace
from ghostpy.dialects.mysql.gtid import GtidSet
from ghostpy.dialects.mysql.replication import Dump, free_server_id
from ghostpy.errors import ConnectionFailed, MissingPrivilege, ServerGone, StreamLost
from ghostpy.settings import TlsSettings

TABLE = "CREATE TABLE t (id INT PRIMARY KEY)"


@pytest.mark.parametrize(
    "way",
    [
        "tcp",
        "socket",
        "tls",
    ],
)
def test_ways_to_connect(way: str, mysql: sandbox.MySQLServer, database: str) -> None:
    changes: dict[str, Any] = {
        "tcp": {},
        "socket": {"unix_socket": mysql.socket, "host": "nowhere"},
        "tls": {"tls": TlsSettings(enabled=True, allow_insecure=True)},
    }[way]

    async def check() -> None:
        with connect(mysql, database) as writer:
            run(writer, TABLE)
            async with following(mysql, database, **changes) as follow:
                shown = {row[4]: row for row in run(writer, "SHOW PROCESSLIST")}
                assert any(str(command).startswith("Binlog Dump") for command in shown)
                run(
                    writer,
                    "INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n",
                )
                assert await follow.catch_up() == set(range(1, 1001))

    in_loop(check)


def test_nothing_is_left(mysql: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        with connect(mysql, database) as writer:
            run(writer, TABLE)
            async with following(mysql, database) as follow:
                assert len(run(writer, "SHOW REPLICAS")) >= 1
                await follow.stream.close()
                await follow.stream.close()
                for _ in range(100):
                    dumps = [row for row in run(writer, "SHOW PROCESSLIST") if str(row[4]).startswith("Binlog Dump")]
                    if not dumps:
                        break
                    await asyncio.sleep(0.1)
                assert not dumps
            assert not [thread for thread in threading.enumerate() if thread.name == "ghostpy-binlog"]

    in_loop(check)


def test_a_taken_server_id_is_left_to_its_owner(mysql: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        with connect(mysql, database) as writer:
            run(writer, TABLE)
            async with following(mysql, database) as first, following(mysql, database) as second:
                taken = free_server_id(settings(mysql), fixed=False)
                assert taken != settings(mysql).replica_server_id
                for key in range(3):
                    run(writer, f"INSERT INTO t VALUES ({key})")
                    assert await first.catch_up() == await second.catch_up() == {key}

    in_loop(check)


def test_kicked_out_again_and_again(mysql: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        with connect(mysql, database) as writer:
            run(writer, TABLE)
            async with following(mysql, database, replica_server_id=4242) as follow:
                assert follow.stream._follower is not None
                place = (await follow.stream.end()).token
                assert isinstance(place, BinlogPlace)
                uuid = follow.stream._follower._uuid

                async def kick() -> None:
                    while True:
                        other = Dump(settings(mysql), server_id=4242, uuid=uuid)
                        opening = asyncio.create_task(asyncio.to_thread(other.open, place))
                        try:
                            await asyncio.shield(opening)
                            await asyncio.sleep(0.5)
                        finally:
                            # The thread goes on, whatever becomes of who waits for it.
                            await asyncio.wait([opening])
                            other.close()

                kicking = asyncio.create_task(kick())
                with pytest.raises(StreamLost, match="4242"):
                    await follow.read_on()
                kicking.cancel()
                await asyncio.wait([kicking])

    in_loop(check)


def test_missing_privilege(mysql: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        with connect(mysql, database) as writer:
            run(writer, TABLE, f"CREATE USER u_{database}", f"GRANT SELECT ON {database}.* TO u_{database}")
            try:
                run(writer, f"GRANT REPLICATION CLIENT ON *.* TO u_{database}")
                with pytest.raises(MissingPrivilege, match="REPLICATION SLAVE"):
                    async with following(mysql, database, user=f"u_{database}"):
                        pass
            finally:
                run(writer, f"DROP USER u_{database}")

    in_loop(check)


def test_server_that_does_not_come_back(
    mysql_with: Callable[[sandbox.Options], sandbox.MySQLServer], new_database: Any
) -> None:
    server = mysql_with({"max-connections": 91})
    database = new_database(server)

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, TABLE)
        async with following(server, database, stream_reconnect_attempts=3) as follow:
            await asyncio.to_thread(server.kill)
            with pytest.raises(ServerGone, match="3 attempts"):
                await follow.read_on()
            with pytest.raises(ConnectionFailed):
                await follow.stream.end()

    in_loop(check)


def test_fence_waits_for_the_commit(mysql: sandbox.MySQLServer, database: str) -> None:
    """A transaction is in the stream before it is visible; the fence returns when it is."""

    async def check() -> None:
        with connect(mysql, database) as writer:
            run(writer, TABLE)
            async with following(mysql, database) as follow:
                run(writer, "SET sql_log_bin=0")
                identity = run(writer, "SELECT @@server_uuid")[0][0]
                executed = GtidSet.parse(run(writer, "SELECT @@gtid_executed")[0][0])
                last = max(end for _, _, end in executed)
                missing = f"{identity}:{last + 100}"
                follow.stream._fence.add_earlier(GtidSet.parse(missing))
                fence = asyncio.create_task(follow.stream.fence())
                await asyncio.sleep(1.5)
                assert not fence.done()
                run(
                    writer,
                    "SET sql_log_bin=1",
                    f"SET gtid_next='{missing}'",
                    "BEGIN",
                    "COMMIT",
                    "SET gtid_next='AUTOMATIC'",
                )
                await asyncio.wait_for(fence, 5)

    in_loop(check)


def test_tagged_transactions(mysql: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        with connect(mysql, database) as writer:
            run(writer, TABLE)
            async with following(mysql, database) as follow:
                for key in range(6):
                    tag = ("AUTOMATIC", "AUTOMATIC:one", "AUTOMATIC:other")[key % 3]
                    run(writer, f"SET gtid_next='{tag}'", f"INSERT INTO t VALUES ({key})")
                run(writer, "SET gtid_next='AUTOMATIC'")
                assert await follow.catch_up() == set(range(6))
                place = (await follow.stream.read()).position.token
                assert isinstance(place, BinlogPlace)
                assert place.gtids == GtidSet.parse(run(writer, "SELECT @@gtid_executed")[0][0])
                # From a place whose set has tags.
                again = await follow.stream.start()
                await follow.stream.close()
                run(writer, "INSERT INTO t VALUES (100)")
                await follow.stream.open(again)
                assert await follow.catch_up() == {100}

    in_loop(check)


def test_backpressure(mysql: sandbox.MySQLServer, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that nobody reads are not gathered without bound, and none is dropped."""
    monkeypatch.setattr("ghostpy.dialects.mysql.stream._KEYS_IN_FLIGHT", 1000)

    async def check() -> None:
        with connect(mysql, database, "SET cte_max_recursion_depth=1000000") as writer:
            run(writer, TABLE)
            async with following(mysql, database) as follow:
                run(
                    writer,
                    "INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000) SELECT i FROM n",
                )
                await asyncio.sleep(2)
                assert follow.stream._handover is not None
                assert len(follow.stream._handover._news.keys) < 200_000
                assert await follow.catch_up() == set(range(1, 500_001))

    in_loop(check)
