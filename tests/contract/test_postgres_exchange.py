"""The exchange keeps to the time that its lock is meant for, and undoes itself as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from under_way import COPY, running

from ghostpy import sandbox
from ghostpy.dialects.postgres.dialect import PostgresDialect
from ghostpy.errors import LockTimeout
from ghostpy.model.keys import KeyRange
from ghostpy.protocols import Exchanging, NameOwner
from ghostpy.settings import ConnectSettings, MigrateSettings, TargetSettings

_ALL = KeyRange(None, None)


def _widening(url: str) -> PostgresDialect:
    """Of a run that gives the column `v` of the table `t` another type."""
    return PostgresDialect(
        MigrateSettings(
            connect=ConnectSettings(dialect="postgres", dsn=url),
            target=TargetSettings(table="t", alter="ALTER v TYPE bigint", strategy="shadow"),
            copy=COPY,
            execute=True,
        )
    )


async def _slowly(exchanging: Exchanging) -> None:
    async with exchanging.frozen(timeout=0.2) as frozen:
        done = await frozen.resync({3: 0}, _ALL)
        assert done.done == 1
        await asyncio.sleep(0.3)
        await frozen.exchange()


@pytest.mark.parametrize("version", [18, 15])
def test_an_exchange_over_its_time_changes_nothing(
    postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer],
    new_database: Callable[[sandbox.Server], str],
    version: int,
) -> None:
    server = postgres_with(version, {})
    url = f"postgresql://{server.user}@{server.host}:{server.port}/{new_database(server)}"

    def execute(*statements: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    execute(
        "CREATE TABLE t (id int PRIMARY KEY, v int)",
        "INSERT INTO t SELECT i, i FROM generate_series(1, 20) AS i",
        "CREATE VIEW w AS SELECT id, v FROM t",
    )
    dialect = _widening(url)

    async def scenario() -> None:
        async with running(dialect) as run:
            await run.rounds(bare=True).run()
            await run.housekeeping.build_indexes()
            exchanging = run.parts.exchanging
            with pytest.raises(LockTimeout, match="longer than"):
                await _slowly(exchanging)
            assert execute("UPDATE t SET v = v + 1 WHERE id = 3", "SELECT v FROM w WHERE id = 3") == [(4,)]
            assert await exchanging.owner() is NameOwner.SOURCE
            async with exchanging.frozen(timeout=3.0) as frozen:
                await frozen.resync({3: 0}, _ALL)
                await frozen.exchange()
            assert await exchanging.owner() is NameOwner.SHADOW
            await run.housekeeping.finish()

    asyncio.run(scenario())
    assert execute("SELECT v, pg_typeof(v)::text FROM w WHERE id = 3") == [(4, "bigint")]


def test_what_depends_on_the_table_is_planned_before_the_lock(
    postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer],
    new_database: Callable[[sandbox.Server], str],
) -> None:
    """Planning the question takes longer than answering it, and writers are held meanwhile."""
    server = postgres_with(18, {})
    name = new_database(server)
    url = f"postgresql://{server.user}@{server.host}:{server.port}/{name}"
    log = server.folder / "server.log"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
        connection.execute(f"ALTER DATABASE {name} SET log_planner_stats = on".encode())
    dialect = _widening(url)
    planned: list[int] = []

    def plannings() -> int:
        """How often the question was planned, by whomever."""
        return log.read_text(errors="replace").count("STATEMENT:  EXECUTE ghostpy_dependants_")

    async def scenario() -> None:
        async with running(dialect) as run:
            await run.rounds(bare=True).run()
            await run.housekeeping.build_indexes()
            planned.append(plannings())
            async with run.parts.exchanging.frozen(timeout=3.0) as frozen:
                planned.append(plannings())
                await frozen.exchange()
                planned.append(plannings())
            await run.housekeeping.finish()

    asyncio.run(scenario())
    at_first, before_lock, under_lock = planned
    assert 0 < at_first < before_lock == under_lock
