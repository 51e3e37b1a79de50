"""Concurrent writers, a migration, and not one row amiss."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from postgres_witness import assert_nothing_held as assert_nothing_held_on_postgres
from under_load import PGBENCH, SYSBENCH, migrate_under_load

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]
PostgresWith = Callable[[int, sandbox.Options], sandbox.PostgresServer]


def test_nothing_is_lost_under_load(mysql: sandbox.MySQLServer, database: str) -> None:
    migrate_under_load(mysql, database, SYSBENCH, rows=100_000, rate=1500, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_lost_in_twenty_runs(mysql: sandbox.MySQLServer, database: str, seed: int) -> None:
    held = migrate_under_load(mysql, database, SYSBENCH, rows=1_000_000, rate=3000, seed=seed)
    print(f"run {seed}: the slowest statement around the exchange took {held * 1000:.0f} ms")


@pytest.mark.parametrize("version", [18, 15, *(pytest.param(other, marks=pytest.mark.soak) for other in (17, 16, 14))])
def test_nothing_is_lost_on_postgres(postgres_with: PostgresWith, new_database: NewDatabase, version: int) -> None:
    server = postgres_with(version, {})
    database = new_database(server)
    migrate_under_load(server, database, PGBENCH, rows=100_000, rate=1500, seed=1)
    assert_nothing_held_on_postgres(server, database)


@pytest.mark.soak
@pytest.mark.parametrize("version", [18, 15])
@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_lost_on_postgres_in_twenty_runs(
    postgres_with: PostgresWith, new_database: NewDatabase, version: int, seed: int
) -> None:
    server = postgres_with(version, {"shared_buffers": "512MB", "max_wal_size": "4GB"})
    database = new_database(server)
    held = migrate_under_load(server, database, PGBENCH, rows=1_000_000, rate=3000, seed=seed)
    print(f"{version}, run {seed}: the slowest statement around the exchange took {held * 1000:.0f} ms")
    assert_nothing_held_on_postgres(server, database)
