"""The races of the design on a real server: each test shows that without its closing the shadow goes wrong, and with it not."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from math import inf
from typing import Any

import psycopg
import pytest
from under_way import COPY, running

from ghostpy import sandbox
from ghostpy.dialects.postgres.dialect import PostgresDialect
from ghostpy.dialects.postgres.snapshot import Snapshot
from ghostpy.model.keys import KeyRange
from ghostpy.settings import ConnectSettings, MigrateSettings, TargetSettings

_ALL = KeyRange(None, None)


@pytest.fixture(params=[18, 15])
def server(
    request: pytest.FixtureRequest, postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer]
) -> Iterator[sandbox.PostgresServer]:
    """A server of its own kind, for a test changes settings of all its sessions."""
    server = postgres_with(request.param, {"deadlock_timeout": "900ms"})
    yield server
    _wait_for_standby(server, "")


def _wait_for_standby(server: sandbox.Server, name: str) -> None:
    """Let commits wait, between the WAL and their visibility, for a standby that never comes; '' ends that."""
    server.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'", "SELECT pg_reload_conf()")
    while server.execute("SHOW synchronous_standby_names") != [{"synchronous_standby_names": name}]:
        time.sleep(0.01)


def _url(server: sandbox.Server, database: str) -> str:
    return f"postgresql://{server.user}@{server.host}:{server.port}/{database}"


def _dialect(server: sandbox.Server, database: str) -> PostgresDialect:
    return PostgresDialect(
        MigrateSettings(
            connect=ConnectSettings(dialect="postgres", dsn=_url(server, database)),
            target=TargetSettings(table="t", alter="ADD COLUMN extra int NOT NULL DEFAULT 1", strategy="shadow"),
            copy=COPY,
        )
    )


def _execute(server: sandbox.Server, database: str, *statements: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(_url(server, database), autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


_SHADOW = '"_public_t_gho".t'
_HELD = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.mark.parametrize("fenced", [True, False], ids=["fenced", "unfenced"])
def test_a_change_is_in_the_stream_before_reads_can_see_it(
    server: sandbox.PostgresServer,
    new_database: Callable[[sandbox.Server], str],
    monkeypatch: pytest.MonkeyPatch,
    fenced: bool,
) -> None:
    database = new_database(server)
    _execute(server, database, "CREATE TABLE t (id int PRIMARY KEY, v int)", "INSERT INTO t VALUES (1, 1), (2, 1)")
    if not fenced:
        monkeypatch.setattr(Snapshot, "shows", lambda self, mark: True)

    async def scenario() -> None:
        async with running(_dialect(server, database)) as run:
            await run.copier.slice(0, at_most=inf)
            await run.housekeeping.build_key()
            _wait_for_standby(server, "nobody")
            writer = threading.Thread(target=_execute, args=(server, database, "UPDATE t SET v = 2 WHERE id = 1"))
            writer.start()
            while not run.backlog:
                await asyncio.sleep(0.01)
            # The event is read, and the row still shows its old value to everybody.
            assert _execute(server, database, _HELD) != []
            assert _execute(server, database, "SELECT v FROM t WHERE id = 1") == [(1,)]
            await run.worker.slice(_ALL, 0.5)
            assert len(run.backlog) == (1 if fenced else 0)
            await asyncio.to_thread(_wait_for_standby, server, "")
            await asyncio.to_thread(writer.join)
            await run.worker.up_to(await run.parts.stream.end(), _ALL)
            while run.backlog:
                await run.worker.slice(_ALL, 0.1)

    asyncio.run(scenario())
    assert _execute(server, database, f"SELECT v FROM {_SHADOW} WHERE id = 1") == ([(2,)] if fenced else [(1,)])


@pytest.mark.parametrize("in_rounds", [True, False], ids=["rounds", "no-rounds"])
def test_a_chunk_copies_a_row_that_is_deleted_meanwhile(
    server: sandbox.PostgresServer, new_database: Callable[[sandbox.Server], str], in_rounds: bool
) -> None:
    database = new_database(server)
    _execute(
        server,
        database,
        "CREATE TABLE t (id int PRIMARY KEY, v int)",
        "INSERT INTO t SELECT i, 1 FROM generate_series(1, 20) i",
    )
    # The chunk's statement sees the table as of its beginning, then sleeps at its first row; row 10 is deleted meanwhile.
    slow = "CASE WHEN id = 1 THEN pg_sleep(1.5) IS NOT NULL ELSE true END"

    async def scenario() -> None:
        async with running(_dialect(server, database), where=slow) as run:
            # As where the backlog has outgrown memory: the key stands while the copy still goes on.
            await run.housekeeping.build_key()
            copying = asyncio.create_task(run.rounds().run() if in_rounds else run.copier.slice(0, at_most=inf))
            while not _execute(server, database, "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'"):
                await asyncio.sleep(0.02)
            _execute(server, database, "DELETE FROM t WHERE id = 10")
            if not in_rounds:
                await run.worker.up_to(await run.parts.stream.end(), _ALL)
                assert not copying.done()
            await copying
            await run.worker.up_to(await run.parts.stream.end(), _ALL)

    asyncio.run(scenario())
    assert _execute(server, database, f"SELECT id FROM {_SHADOW} WHERE id = 10") == ([] if in_rounds else [(10,)])
    assert _execute(server, database, f"SELECT count(*) FROM {_SHADOW}") == [(19 if in_rounds else 20,)]


def test_a_bare_shadow_gets_what_changed_during_its_copy(
    server: sandbox.PostgresServer, new_database: Callable[[sandbox.Server], str]
) -> None:
    database = new_database(server)
    _execute(
        server,
        database,
        "CREATE TABLE t (id int PRIMARY KEY, v int)",
        "INSERT INTO t SELECT i, 1 FROM generate_series(1, 20) i",
    )
    slow = "CASE WHEN id = 1 THEN pg_sleep(1.0) IS NOT NULL ELSE true END"

    async def scenario() -> None:
        async with running(_dialect(server, database), where=slow) as run:
            copying = asyncio.create_task(run.rounds(bare=True).run())
            while not _execute(server, database, "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'"):
                await asyncio.sleep(0.02)
            _execute(
                server,
                database,
                "DELETE FROM t WHERE id = 10",
                "UPDATE t SET v = 2 WHERE id = 11",
                "UPDATE t SET id = 30 WHERE id = 12",
                "INSERT INTO t VALUES (13, 3) ON CONFLICT (id) DO UPDATE SET v = 3",
            )
            await copying
            await run.worker.up_to(await run.parts.stream.end(), _ALL)

    asyncio.run(scenario())
    shadow = _execute(server, database, f"SELECT id, v FROM {_SHADOW} ORDER BY id")
    assert shadow == _execute(server, database, "SELECT id, v FROM t ORDER BY id")
    assert (10, 1) not in shadow
    assert {(11, 2), (30, 1), (13, 3)} <= set(shadow)
