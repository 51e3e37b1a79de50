"""Concurrent writers, a migration, and not one row amiss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from postgres_witness import assert_nothing_held as assert_nothing_held_on_postgres
from under_load import PARTITIONED, PGBENCH, SYSBENCH, Change, migrate_under_load

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]
MySQLWith = Callable[[sandbox.Options], sandbox.MySQLServer]
PostgresWith = Callable[[int, sandbox.Options], sandbox.PostgresServer]


def _at_full_speed(change: Change) -> Change:
    """More happens at once, and the races are met more often."""
    return replace(change, flags=(*change.flags, "--max-impact=0"))


def test_nothing_is_lost_under_load(mysql: sandbox.MySQLServer, database: str) -> None:
    migrate_under_load(mysql, database, SYSBENCH, rows=60_000, rate=1500, seed=1)


def test_nothing_is_lost_without_gtids(mysql_with: MySQLWith, new_database: NewDatabase) -> None:
    server = mysql_with({"gtid-mode": "OFF", "enforce-gtid-consistency": "OFF"})
    migrate_under_load(server, new_database(server), SYSBENCH, rows=30_000, rate=1500, seed=2)


def test_a_server_that_writes_pages_all_the_time_is_not_waited_for_for_ever(
    mysql_with: MySQLWith, new_database: NewDatabase
) -> None:
    """The exchange comes in the end, though there is never a calm moment for it."""
    server = mysql_with(
        {"innodb-max-dirty-pages-pct": 0, "innodb-max-dirty-pages-pct-lwm": 0, "innodb-io-capacity": 5000}
    )
    migrate_under_load(server, new_database(server), SYSBENCH, rows=20_000, rate=1500, seed=4)


@pytest.mark.parametrize(("kind", "rows"), [("mariadb", 50_000), ("mariadb_11", 20_000)])
def test_nothing_is_lost_on_mariadb(
    request: pytest.FixtureRequest, new_database: NewDatabase, kind: str, rows: int
) -> None:
    server = request.getfixturevalue(kind)
    migrate_under_load(server, new_database(server), SYSBENCH, rows=rows, rate=1500, seed=3)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["mariadb", "mariadb_11"])
@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_lost_on_mariadb_in_five_runs(
    request: pytest.FixtureRequest, new_database: NewDatabase, kind: str, seed: int
) -> None:
    server = request.getfixturevalue(kind)
    held = migrate_under_load(
        server, new_database(server), _at_full_speed(SYSBENCH), rows=1_000_000, rate=3000, seed=seed
    )
    print(f"MariaDB {server.version}, run {seed}: {held}")


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_lost_in_twenty_runs(mysql: sandbox.MySQLServer, database: str, seed: int) -> None:
    held = migrate_under_load(mysql, database, _at_full_speed(SYSBENCH), rows=1_000_000, rate=3000, seed=seed)
    print(f"run {seed}: {held}")


@pytest.mark.parametrize("version", [18, 15, *(pytest.param(other, marks=pytest.mark.soak) for other in (17, 16, 14))])
def test_nothing_is_lost_on_postgres(postgres_with: PostgresWith, new_database: NewDatabase, version: int) -> None:
    server = postgres_with(version, {})
    database = new_database(server)
    migrate_under_load(server, database, PGBENCH, rows=100_000, rate=1500, seed=1)
    assert_nothing_held_on_postgres(server, database)


@pytest.mark.parametrize("version", [18, *(pytest.param(other, marks=pytest.mark.soak) for other in (17, 16, 15, 14))])
def test_nothing_is_lost_where_a_table_is_partitioned(
    postgres_with: PostgresWith, new_database: NewDatabase, version: int
) -> None:
    server = postgres_with(version, {})
    database = new_database(server)
    migrate_under_load(server, database, PARTITIONED, rows=60_000, rate=1000, seed=5)
    assert_nothing_held_on_postgres(server, database)


@pytest.mark.soak
@pytest.mark.parametrize("version", [18, 15])
@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_lost_on_postgres_in_twenty_runs(
    postgres_with: PostgresWith, new_database: NewDatabase, version: int, seed: int
) -> None:
    server = postgres_with(version, {"shared_buffers": "512MB", "max_wal_size": "4GB"})
    database = new_database(server)
    held = migrate_under_load(server, database, _at_full_speed(PGBENCH), rows=1_000_000, rate=3000, seed=seed)
    print(f"{version}, run {seed}: {held}")
    assert_nothing_held_on_postgres(server, database)
