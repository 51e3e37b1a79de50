"""How the change stream holds its connection: losses, restarts, readers that stand still; and when it gives up."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from postgres_following import Following, connect, following, in_loop, prepared, run

from ghostpy import sandbox
from ghostpy.errors import ConnectionFailed, ServerGone, StreamLost

PostgresWith = Callable[[int, sandbox.Options], sandbox.PostgresServer]
NewDatabase = Callable[[sandbox.Server], str]

TABLE = "CREATE TABLE t (id int PRIMARY KEY, k text)"


@pytest.fixture(
    params=[
        "18 walsender",
        "15 peek",
        *(pytest.param(way, marks=pytest.mark.soak) for way in ("18 peek", "15 walsender")),
    ]
)
def way(request: pytest.FixtureRequest) -> tuple[int, str]:
    version, reader = request.param.split()
    return int(version), reader


@pytest.fixture
def server(way: tuple[int, str], postgres_with: PostgresWith) -> sandbox.PostgresServer:
    return postgres_with(way[0], {})


@pytest.fixture
def reader(way: tuple[int, str]) -> dict[str, object]:
    return {"reader": way[1]}


@pytest.fixture
def database(server: sandbox.PostgresServer, new_database: NewDatabase) -> str:
    return new_database(server)


def reader_pid(follow: Following) -> int:
    assert follow.stream._follower is not None
    return follow.stream._follower.reader_pid


def waiting_keys(follow: Following) -> int:
    """How many were found and not read."""
    assert follow.stream._handover is not None
    return len(follow.stream._handover._news.keys)


class Inserts:
    """A thread that inserts one key after the other."""

    def __init__(self, server: sandbox.PostgresServer, database: str, *, count: int) -> None:
        self._thread = threading.Thread(target=self._write, args=(server, database, count))

    def __enter__(self) -> Inserts:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    @property
    def busy(self) -> bool:
        return self._thread.is_alive()

    def _write(self, server: sandbox.PostgresServer, database: str, count: int) -> None:
        with connect(server, database) as writer:
            for key in range(count):
                run(writer, f"INSERT INTO t VALUES ({key})")


def test_the_connection_is_killed(server: sandbox.PostgresServer, reader: dict[str, object], database: str) -> None:
    async def check() -> None:
        with connect(server, database) as first:
            run(first, TABLE)
            async with following(server, database, stream=reader) as follow:
                killed = set()
                with Inserts(server, database, count=6000) as writer:
                    while writer.busy:
                        await follow.read()
                        pid = reader_pid(follow)
                        if pid and follow.batches % 10 == 9:
                            run(first, f"SELECT pg_terminate_backend({pid})")
                            killed.add(pid)
                seen = follow.keys | await follow.catch_up()
                assert len(killed) >= 2
                assert seen == set(range(6000))

    in_loop(check)


def test_the_connection_is_killed_within_a_transaction(
    server: sandbox.PostgresServer, reader: dict[str, object], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was handed over of a transaction that is not whole comes again as a whole. It is larger than all buffers on the way."""
    monkeypatch.setattr("ghostpy.dialects.postgres.wal.stream._KEYS_IN_FLIGHT", 1000)

    async def check() -> None:
        with connect(server, database) as first:
            run(first, TABLE)
            async with following(server, database, stream=reader) as follow:
                run(first, "INSERT INTO t SELECT i FROM generate_series(1, 500000) i")
                while follow.events < 20_000:
                    await follow.read()
                run(first, f"SELECT pg_terminate_backend({reader_pid(follow)})")
                assert follow.keys | await follow.catch_up() == set(range(1, 500_001))
                assert follow.events > 500_000

    in_loop(check)


def test_server_restarts(way: tuple[int, str], postgres_with: PostgresWith, new_database: NewDatabase) -> None:
    """In good order, although nobody reads and so nothing is confirmed; and by a crash."""
    version, reader = way
    server = postgres_with(version, {"max_connections": 90})
    database = new_database(server)

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, TABLE, "INSERT INTO t VALUES (1)")
        async with following(server, database, stream={"reader": reader}) as follow:
            with connect(server, database) as writer:
                run(writer, "INSERT INTO t VALUES (2)")
            await follow.read()
            for key, end in ((3, server.stop), (4, server.kill)):
                with connect(server, database) as writer:
                    run(writer, f"INSERT INTO t VALUES ({10 * key})")
                await asyncio.to_thread(end)
                await asyncio.to_thread(server.start)
                with connect(server, database) as writer:
                    run(writer, f"INSERT INTO t VALUES ({key})")
            await follow.session.close()
            assert follow.keys | await follow.catch_up() == {2, 30, 3, 40, 4}

    in_loop(check)


def test_server_stops_while_nobody_reads(
    way: tuple[int, str], postgres_with: PostgresWith, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that shuts down waits for its walsenders' clients; one whose engine stands still must not hold it up."""
    monkeypatch.setattr("ghostpy.dialects.postgres.wal.stream._KEYS_IN_FLIGHT", 100)
    version, reader = way
    server = postgres_with(version, {"max_connections": 90})
    database = new_database(server)

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, TABLE)
        async with following(server, database, stream={"reader": reader}) as follow:
            with connect(server, database) as writer:
                run(writer, "INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 200000) i")
            while waiting_keys(follow) < 100:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            await follow.session.close()
            assert await follow.catch_up() == set(range(1, 200_001))

    in_loop(check)


def test_server_that_does_not_come_back(
    way: tuple[int, str], postgres_with: PostgresWith, new_database: NewDatabase
) -> None:
    version, reader = way
    server = postgres_with(version, {"max_connections": 91})
    database = new_database(server)

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, TABLE)
        async with following(server, database, stream={"reader": reader}, stream_reconnect_attempts=3) as follow:
            await asyncio.to_thread(server.kill)
            with pytest.raises(ServerGone, match="3 attempts"):
                await follow.read_on()
            with pytest.raises(ConnectionFailed):
                await follow.stream.end()
            await follow.stream.close()
        await asyncio.to_thread(server.start)
        server.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")

    in_loop(check)


def test_an_engine_that_does_not_read(
    way: tuple[int, str], postgres_with: PostgresWith, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For longer than the server waits for a sign of life: the connection stays, keys do not pile up, and none is dropped."""
    monkeypatch.setattr("ghostpy.dialects.postgres.wal.stream._KEYS_IN_FLIGHT", 1000)
    version, reader = way
    server = postgres_with(version, {"wal_sender_timeout": "1s"})
    database = new_database(server)

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, TABLE)
            async with following(server, database, stream={"reader": reader}) as follow:
                pid = reader_pid(follow)
                await asyncio.sleep(2)
                run(writer, "INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 500000) i")
                async with asyncio.timeout(60):
                    while waiting_keys(follow) < 1000:
                        await asyncio.sleep(0.1)
                await asyncio.sleep(3)
                assert waiting_keys(follow) < 30_000
                assert reader_pid(follow) == pid
                assert await follow.catch_up() == set(range(1, 500_001))
                assert reader_pid(follow) == pid

    in_loop(check)


# --- when it gives up ---------------------------------------------------------------------------------------------------


def test_the_slot_is_dropped_by_somebody(
    server: sandbox.PostgresServer, reader: dict[str, object], database: str
) -> None:
    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, TABLE)
            async with following(server, database, stream=reader) as follow:
                name = follow.stream.name
                drop = f"SELECT pg_drop_replication_slot('{name}')"
                terminate = f"SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '{name}' AND active"
                while run(writer, f"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{name}'") != [(0,)]:
                    with contextlib.suppress(psycopg.Error):  # it was quicker to come back
                        run(writer, terminate, drop)
                    await asyncio.sleep(0.001)
                with pytest.raises(StreamLost, match=f"(?s){name}"):
                    await follow.read_on()

    in_loop(check)


def test_somebody_else_reads_from_the_slot(
    server: sandbox.PostgresServer, reader: dict[str, object], database: str
) -> None:
    """What another took away does not come again: going on would leave it out."""

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, TABLE)
            async with following(server, database, stream=reader) as follow:
                assert follow.stream._handover is not None
                name = follow.stream.name
                get = f"SELECT count(*) FROM pg_logical_slot_get_binary_changes('{name}', NULL, NULL, 'proto_version', '1', 'publication_names', '{name}')"
                for key in range(1000):
                    run(writer, f"SELECT pg_terminate_backend({reader_pid(follow)})", f"INSERT INTO t VALUES ({key})")
                    with contextlib.suppress(psycopg.Error):  # ours was back before, or not yet gone
                        took = run(writer, get) != [(0,)]
                        if took and key not in follow.stream._handover._news.keys:
                            break
                    await asyncio.sleep(0.001 * (key % 200))
                else:
                    pytest.fail("nothing could be taken away")
                with pytest.raises(StreamLost, match="somebody else read from it"):
                    await follow.read_on()

    in_loop(check)


def test_the_server_gives_the_slot_up(
    way: tuple[int, str], postgres_with: PostgresWith, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slot holds more than max_slot_wal_keep_size: it is lost, and is not made anew."""
    monkeypatch.setattr("ghostpy.dialects.postgres.wal.stream._KEYS_IN_FLIGHT", 10)
    version, reader = way
    server = postgres_with(version, {"max_slot_wal_keep_size": "32MB", "max_wal_size": "64MB"})
    database = new_database(server)

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, TABLE, "CREATE TABLE u (b text)")
            async with following(server, database, stream={"reader": reader}) as follow:
                name = follow.stream.name
                run(writer, "INSERT INTO t SELECT i FROM generate_series(1, 200000) i")
                for _ in range(6):
                    # On a thread: a checkpoint waits for the slot's reader to end, which nobody reads from.
                    await asyncio.to_thread(
                        run,
                        writer,
                        "INSERT INTO u SELECT repeat(md5(i::text), 50) FROM generate_series(1, 20000) i",
                        "SELECT pg_switch_wal()",
                        "CHECKPOINT",
                    )
                # Told although nobody read.
                await _until_ended(follow)
                with pytest.raises(StreamLost, match=name):
                    await follow.read_on()

    in_loop(check)


async def _until_ended(follow: Following) -> None:
    handover = follow.stream._handover
    assert handover is not None
    async with asyncio.timeout(60):
        while handover._error is None:
            await asyncio.sleep(0.1)


def test_too_much_wal_is_held(server: sandbox.PostgresServer, reader: dict[str, object], database: str) -> None:
    """A server without a limit of its own: the run ends before the disk is full."""

    async def check() -> None:
        with connect(server, database) as writer, connect(server, database) as other:
            run(writer, TABLE, "CREATE TABLE u (b text)")
            async with following(server, database, stream=reader | {"retained_limit": 20 << 20}) as follow:
                run(other, "BEGIN", "INSERT INTO t VALUES (1)")  # what holds it
                run(writer, "INSERT INTO u SELECT repeat(md5(i::text), 50) FROM generate_series(1, 20000) i")
                with pytest.raises(StreamLost, match="more than the limit of 20 MB"):
                    await follow.read_on()
                run(other, "ROLLBACK")

    in_loop(check)


# --- how it connects ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [18, 15])
def test_without_walsenders(version: int, postgres_with: PostgresWith, new_database: NewDatabase) -> None:
    """`auto` reads by queries where no replication connection is to be had; `walsender` does not."""
    server = postgres_with(version, {"max_wal_senders": 0})
    database = new_database(server)

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, TABLE)
            async with following(server, database, stream={"reader": "auto"}) as follow:
                assert follow.stream.way == "peek"
                run(writer, "INSERT INTO t VALUES (1)")
                assert await follow.catch_up() == {1}
            async with prepared(server, database, stream={"reader": "walsender"}) as follow:
                start = await follow.stream.start()
                with pytest.raises(ConnectionFailed, match=r"max_wal_senders|standby connections|WAL sender"):
                    await follow.stream.open(start)

    in_loop(check)


def test_auto_takes_the_walsender(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> None:
    database = new_database(postgres)

    async def check() -> None:
        with connect(postgres, database) as writer:
            run(writer, TABLE)
            async with following(postgres, database) as follow:
                assert follow.stream.way == "walsender"
                assert run(writer, f"SELECT state FROM pg_stat_replication WHERE pid = {reader_pid(follow)}")

    in_loop(check)


def test_by_the_unix_socket(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> None:
    database = new_database(postgres)
    dsn = (
        f"host={postgres.socket} port={postgres.port} user={postgres.user} dbname={database} options='-c work_mem=5MB'"
    )

    async def check() -> None:
        with connect(postgres, database) as writer:
            run(writer, TABLE)
            async with following(postgres, database, dsn=dsn) as follow:
                run(writer, "INSERT INTO t VALUES (1)")
                assert await follow.catch_up() == {1}

    in_loop(check)


def test_nothing_stays_behind(server: sandbox.PostgresServer, reader: dict[str, object], database: str) -> None:
    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, TABLE)
            async with following(server, database, stream=reader) as follow:
                await follow.read()
                await follow.stream.close()
                assert not [thread for thread in threading.enumerate() if thread.name == "ghostpy-slot"]
                assert not [task for task in asyncio.all_tasks() if task.get_name() == "ghostpy-slot-watch"]
                theirs = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'ghostpy stream%'"
                async with asyncio.timeout(30):
                    while run(writer, theirs) != [(0,)]:
                        await asyncio.sleep(0.05)
                with pytest.raises(StreamLost):
                    await follow.stream.open(await _foreign_position(follow))

    in_loop(check)


async def _foreign_position(follow: Following) -> Any:
    return replace((await follow.stream.end()), token="from elsewhere")
