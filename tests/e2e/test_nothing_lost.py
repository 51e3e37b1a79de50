"""Concurrent writers, a migration, and not one row amiss."""

from __future__ import annotations

import threading
import time

import pytest
from migrating import assert_nothing_lost, cursor_of, ghostpy

from ghostpy import sandbox
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Load
from ghostpy.sandbox.shapes import SysbenchRows
from ghostpy.sandbox.writers import Writers


def _migrate_under_load(server: sandbox.Server, database: str, *, rows: int, rate: float, seed: int) -> float:
    """Change a table under load, compare, and return how long a writer was held up around the exchange, in seconds."""
    with cursor_of(server, database) as cursor:
        fill(cursor, SysbenchRows(), "sbtest1", rows)
    load = Load(server.host, server.port, database, "sbtest1", rows, rate=rate, seed=seed)
    exchanged: list[float] = []
    over = threading.Event()
    watching = threading.Thread(target=_watch_exchange, args=(server, database, exchanged, over))
    with Writers(load) as writers:
        time.sleep(0.5)
        watching.start()
        finished = ghostpy(
            "migrate",
            f"--url={server.url}/{database}",
            "--table=sbtest1",
            "--alter=ADD COLUMN extra BIGINT NOT NULL DEFAULT 7, MODIFY k BIGINT NOT NULL, ADD KEY extra_1 (extra)",
            "--execute",
        )
        time.sleep(1.0)
        committed = writers.stop()
    over.set()
    watching.join()
    assert finished.status == 0, finished.output + finished.errors
    assert len(committed.touched) > 500
    with cursor_of(server, database) as cursor:
        assert_nothing_lost(
            cursor,
            table="sbtest1",
            old="_sbtest1_del",
            columns=("k", "c", "pad"),
            committed=committed,
            finished=finished,
        )
        cursor.execute("SELECT COUNT(*), MIN(extra), MAX(extra) FROM sbtest1")
        assert cursor.fetchone()[1:] == (7, 7)
        cursor.execute("SHOW TABLES")
        assert {row[0] for row in cursor.fetchall()} == {"sbtest1", "_sbtest1_del"}
    # A statement that the exchange held was under way when the old table got its name.
    return committed.slowest(since=exchanged[0] - 0.05, until=exchanged[0])


def _watch_exchange(server: sandbox.Server, database: str, exchanged: list[float], over: threading.Event) -> None:
    """Note when the old table has got its name, to some 10 ms, unless the run is over before that."""
    with cursor_of(server, database) as cursor:
        while not exchanged and not over.is_set():
            cursor.execute("SHOW TABLES LIKE '\\_sbtest1\\_del'")
            if cursor.fetchall():
                exchanged.append(time.monotonic())
            time.sleep(0.01)


def test_nothing_is_lost_under_load(mysql: sandbox.MySQLServer, database: str) -> None:
    _migrate_under_load(mysql, database, rows=100_000, rate=1500, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_lost_in_twenty_runs(mysql: sandbox.MySQLServer, database: str, seed: int) -> None:
    held = _migrate_under_load(mysql, database, rows=1_000_000, rate=3000, seed=seed)
    print(f"run {seed}: the slowest statement around the exchange took {held * 1000:.0f} ms")
