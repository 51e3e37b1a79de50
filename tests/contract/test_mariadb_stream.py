"""MariaDB's change stream by GTID: where file and offset mean nothing, it begins at the same place, or it does not begin."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace
from mysql_following import Following, connect, following, in_loop, run

from ghostpy import sandbox
from ghostpy.dialects.mysql.binlog_place import BinlogPlace
from ghostpy.errors import ConnectionFailed, StreamLost
from ghostpy.model.change import Position

NewDatabase = Callable[[sandbox.Server], str]
MariaDBWith = Callable[[sandbox.Options], sandbox.MariaDBServer]
_TABLE = "CREATE TABLE t (id INT PRIMARY KEY)"


@pytest.fixture(params=["mariadb_with", pytest.param("mariadb_11_with", marks=pytest.mark.soak)])
def server(request: pytest.FixtureRequest) -> sandbox.MariaDBServer:
    """A server whose binlog a test may end, purge, and leave holes in."""
    start: MariaDBWith = request.getfixturevalue(request.param)
    return start({"gtid-strict-mode": 0})


async def _noted(follow: Following) -> dict[str, Any]:
    """Where the stream is, as the checkpoint has it."""
    return dict(json.loads(follow.stream.noted((await follow.stream.read()).position)))


@asynccontextmanager
async def _going_on(
    server: sandbox.MariaDBServer, database: str, noted: dict[str, Any]
) -> AsyncIterator[tuple[Following, BinlogPlace]]:
    async with following(server, database) as follow:
        await follow.stream.close()
        position = await follow.stream.resumed(json.dumps(noted))
        await follow.stream.open(position)
        assert isinstance(position.token, BinlogPlace)
        yield follow, position.token


def _elsewhere(noted: dict[str, Any]) -> dict[str, Any]:
    """The same place, with a file and an offset that mean nothing on this server."""
    return noted | {"file": "elsewhere.000017", "offset": 4711, "server": "elsewhere:3306:17"}


@pytest.mark.parametrize("here", [True, False])
def test_begins_behind_the_last_transaction_of_each_domain(
    server: sandbox.MariaDBServer, new_database: NewDatabase, here: bool
) -> None:
    database = new_database(server)

    async def check() -> None:
        with connect(server, database) as writer:
            # Before the place, so it must not be seen again: it would end the stream.
            run(writer, _TABLE, "ALTER TABLE t COMMENT 'changed'")
            async with following(server, database) as follow:
                for key in range(6):
                    run(writer, f"SET gtid_domain_id={key % 3}", f"INSERT INTO t VALUES ({key})")
                assert await follow.catch_up() == set(range(6))
                noted = await _noted(follow)
                assert noted["domains"] == run(writer, "SELECT @@GLOBAL.gtid_binlog_pos")[0][0]
            # In some domain only, and so that the file is another.
            run(writer, "SET gtid_domain_id=1", "INSERT INTO t VALUES (10)", "FLUSH BINARY LOGS")
            run(
                writer, "SET gtid_domain_id=2", "INSERT INTO t VALUES (11)", "XA START 'x'", "INSERT INTO t VALUES (12)"
            )
            run(writer, "XA END 'x'", "XA PREPARE 'x'", "XA COMMIT 'x'")
            async with _going_on(server, database, noted if here else _elsewhere(noted)) as (follow, place):
                assert bool(place.file) == here
                assert await follow.catch_up() == {10, 11, 12}
                # A connection that was lost: from where it is, and not from where it began.
                assert follow.stream._follower is not None
                run(writer, "SET gtid_domain_id=0", "INSERT INTO t VALUES (13)")
                assert await follow.catch_up() == {13}
                run(writer, f"KILL {follow.stream._follower.connection_id}", "INSERT INTO t VALUES (14)")
                assert await follow.catch_up() == {14}
                noted = await _noted(follow)
                assert noted["domains"] == run(writer, "SELECT @@GLOBAL.gtid_binlog_pos")[0][0]
            async with _going_on(server, database, noted) as (follow, place):
                assert place.file
                assert await follow.catch_up() == set()

    in_loop(check)


def test_begins_at_what_was_the_end(server: sandbox.MariaDBServer, new_database: NewDatabase) -> None:
    """Which is what an exchange notes down."""
    database = new_database(server)

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, _TABLE, "INSERT INTO t VALUES (1)")
            async with following(server, database) as follow:
                run(writer, "INSERT INTO t VALUES (2)")
                noted = dict(json.loads(follow.stream.noted(await follow.stream.end())))
            run(writer, "INSERT INTO t VALUES (3)")
            for each in (noted, _elsewhere(noted)):
                async with _going_on(server, database, each) as (follow, place):
                    assert bool(place.file) == (each is noted)
                    assert await follow.catch_up() == {3}

    in_loop(check)


def _ahead(domains: str) -> str:
    domain, server, number = domains.split(",")[0].split("-")
    return f"{domain}-{server}-{int(number) + 1000}"


def _of_nobody(domains: str) -> str:
    domain, _, number = domains.split(",")[0].split("-")
    return f"{domain}-4711-{number}"


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (_ahead, "does not have the GTID"),
        (_of_nobody, "does not have the GTID"),
        (lambda domains: f"77-1-1,{domains}", "does not have the GTID 77-1-1"),
    ],
    ids=["ahead", "of nobody", "domain of nobody"],
)
def test_a_place_that_is_unknown_is_refused(
    server: sandbox.MariaDBServer, new_database: NewDatabase, other: Callable[[str], str], told: str
) -> None:
    """Of a domain that it does not have, MariaDB would wait for the transaction."""
    database = new_database(server)

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, _TABLE)
            async with following(server, database) as follow:
                run(writer, "INSERT INTO t VALUES (1)")
                await follow.catch_up()
                noted = _elsewhere(await _noted(follow))
            noted["domains"] = other(noted["domains"])
            with pytest.raises(StreamLost, match=told):
                async with _going_on(server, database, noted):
                    pass

    in_loop(check)


@pytest.mark.parametrize("how", ["hole", "purged"])
def test_a_place_that_is_gone_is_refused_before_anything_is_read(
    server: sandbox.MariaDBServer, new_database: NewDatabase, how: str
) -> None:
    database = new_database(server)

    async def check() -> None:
        with connect(server, database, "SET gtid_domain_id=9") as writer:
            run(writer, _TABLE)
            async with following(server, database) as follow:
                run(writer, "INSERT INTO t VALUES (1)")
                await follow.catch_up()
                noted = _elsewhere(await _noted(follow))
            domain, identity, number = next(each for each in noted["domains"].split(",") if each[:2] == "9-").split("-")
            if how == "hole":
                run(writer, f"SET gtid_seq_no={int(number) + 100}", "INSERT INTO t VALUES (2)")
                lacking = f"{domain}-{identity}-{int(number) + 50}"
                noted["domains"] = noted["domains"].replace(f"{domain}-{identity}-{number}", lacking)
            else:
                run(writer, "INSERT INTO t VALUES (2)", "FLUSH BINARY LOGS", "INSERT INTO t VALUES (3)")
                run(writer, "FLUSH BINARY LOGS")
                last = run(writer, "SHOW BINARY LOGS")[-1][0]
                while run(writer, f"PURGE BINARY LOGS TO '{last}'", "SHOW BINARY LOGS")[0][0] != last:
                    await asyncio.sleep(0.1)
            with pytest.raises(StreamLost, match="missing the GTID" if how == "hole" else "purged"):
                async with _going_on(server, database, noted):
                    pass

    in_loop(check)


def test_another_server_at_the_same_address_is_not_followed(mariadb: Any, new_database: NewDatabase) -> None:
    database = new_database(mariadb)

    async def check() -> None:
        with connect(mariadb, database) as writer:
            run(writer, _TABLE)
            async with following(mariadb, database) as follow:
                await follow.stream.close()
                place = (await follow.stream.start()).token
                assert isinstance(place, BinlogPlace)
                assert place.server
                elsewhere = replace(place, server="elsewhere:3306:17")
                with pytest.raises(ConnectionFailed, match="another server answers there now"):
                    await follow.stream.open(Position(elsewhere, ""))

    in_loop(check)
