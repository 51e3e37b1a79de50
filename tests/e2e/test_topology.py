"""Given a replica: its primary is found and worked on, unless the replica itself is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from migrating import Finished, cursor_of, ghostpy, url_of

from ghostpy import sandbox
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Load
from ghostpy.sandbox.shapes import SysbenchRows
from ghostpy.sandbox.writers import Writers

_ROWS = 3_000
_WITHIN = 30.0


@pytest.fixture(scope="module")
def primary() -> Iterator[sandbox.MySQLServer]:
    """A server of this module's, so that its replicas end with it."""
    with sandbox.mysql() as server:
        yield server


@pytest.fixture(scope="module")
def replica(primary: sandbox.MySQLServer) -> sandbox.MySQLServer:
    return primary.replica()


@pytest.fixture(scope="module")
def second(replica: sandbox.MySQLServer) -> sandbox.MySQLServer:
    """A replica of the replica."""
    return replica.replica()


@pytest.fixture
def database(
    primary: sandbox.MySQLServer, replica: sandbox.MySQLServer, new_database: Callable[[sandbox.Server], str]
) -> str:
    name = new_database(primary)
    with cursor_of(primary, name) as cursor:
        fill(cursor, SysbenchRows(), "t", _ROWS)
    _until(lambda: _count(replica, name) == _ROWS, "the rows on the replica")
    return name


def _until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + _WITHIN
    while not true():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.05)


def _count(server: sandbox.MySQLServer, database: str, table: str = "t") -> int:
    try:
        return int(str(server.execute(f"SELECT COUNT(*) AS n FROM {database}.{table}")[0]["n"]))
    except Exception:
        return -1


def _columns(server: sandbox.MySQLServer, database: str, table: str = "t") -> set[str]:
    found = server.execute(
        "SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS "
        f"WHERE TABLE_SCHEMA = '{database}' AND TABLE_NAME = '{table}'"
    )
    return {str(row["name"]) for row in found}


def _sum(server: sandbox.MySQLServer, database: str, table: str = "t") -> object:
    return server.execute(
        f"SELECT COUNT(*) AS n, BIT_XOR(CONV(LEFT(SHA2(CONCAT_WS('#', id, k, c, pad), 256), 15), 16, 10)) AS x FROM {database}.{table}"
    )


def _migrated(server: sandbox.MySQLServer, database: str, *flags: str) -> Finished:
    return ghostpy(
        "migrate", f"--url={url_of(server, database)}", "--table=t", "--alter=ADD x INT", "--execute", *flags
    )


def test_the_primary_of_a_replica_is_found(
    primary: sandbox.MySQLServer, replica: sandbox.MySQLServer, second: sandbox.MySQLServer, database: str
) -> None:
    """Two steps up."""
    finished = _migrated(second, database, "--verbose")
    assert finished.status == 0, finished.errors
    assert f"{primary.host}:{primary.port}" in finished.errors
    assert "x" in _columns(primary, database)
    for server in (replica, second):
        _until(lambda server=server: "x" in _columns(server, database), "the change on the replicas")


def test_the_primary_is_taken_as_told(
    primary: sandbox.MySQLServer, replica: sandbox.MySQLServer, database: str
) -> None:
    wrong = _migrated(replica, database, "--assume-master-host=127.0.0.1:1")
    assert wrong.status == 4
    assert "127.0.0.1:1" in wrong.errors
    right = f"--assume-master-host={primary.host}:{primary.port}"
    denied = _migrated(replica, database, right, "--master-user=nobody", "--master-password=secret-of-nobody")
    assert denied.status == 4
    assert "secret-of-nobody" not in denied.errors
    finished = _migrated(replica, database, right)
    assert finished.status == 0, finished.errors
    assert "x" in _columns(primary, database)


def test_a_stopped_replica_that_may_not_be_written_leads_to_its_primary(
    primary: sandbox.MySQLServer, replica: sandbox.MySQLServer, database: str
) -> None:
    replica.execute("STOP REPLICA")
    try:
        finished = _migrated(replica, database)
    finally:
        replica.execute("START REPLICA")
    assert finished.status == 0, finished.errors
    assert "x" in _columns(primary, database)


def test_a_change_on_the_replica_only(
    primary: sandbox.MySQLServer, replica: sandbox.MySQLServer, database: str
) -> None:
    """The application writes on the primary all the while; what it writes goes on arriving in the changed table."""
    load = Load(
        primary.host, primary.port, database, "t", _ROWS, user=primary.user, rate=500, seed=5, shape=SysbenchRows()
    )
    with Writers(load) as writers:
        finished = _migrated(replica, database, "--migrate-on-replica", "--chunk-size=100", "--nice-ratio=1")
        time.sleep(0.3)
        committed = writers.stop()
    assert finished.status == 0, finished.errors
    assert len(committed.touched) > 100
    assert "x" in _columns(replica, database)
    assert "x" not in _columns(primary, database)
    _until(lambda: _sum(replica, database) == _sum(primary, database), "the same rows on both")
    assert _count(primary, database, "_t_del") == -1


def test_a_trial_on_the_replica(
    primary: sandbox.MySQLServer, replica: sandbox.MySQLServer, database: str, tmp_path: Path
) -> None:
    """Both tables stay with the same rows, replication stays stopped, and the primary knows nothing of it."""
    hooks, told = tmp_path / "hooks", tmp_path / "told"
    hooks.mkdir()
    for name in ("gh-ost-on-stop-replication", "gh-ost-on-start-replication", "gh-ost-on-success"):
        (hooks / name).write_text(f"#!/bin/sh\necho {name} >> {told}\n")
        (hooks / name).chmod(0o755)
    load = Load(
        primary.host, primary.port, database, "t", _ROWS, user=primary.user, rate=500, seed=6, shape=SysbenchRows()
    )
    try:
        with Writers(load) as writers:
            finished = _migrated(replica, database, "--test-on-replica", "--chunk-size=100", f"--hooks-path={hooks}")
            writers.stop()
        assert finished.status == 0, finished.errors
        assert "tried out" in finished.output
        assert told.read_text().split() == ["gh-ost-on-stop-replication", "gh-ost-on-success"]
        assert "x" not in _columns(replica, database)
        assert "x" in _columns(replica, database, "_t_gho")
        assert _sum(replica, database) == _sum(replica, database, "_t_gho")
        assert _count(replica, database, "_t_del") == -1
        assert _count(replica, database, "_t_ghc") == -1
        assert replica.execute("SHOW REPLICA STATUS")[0]["Replica_SQL_Running"] == "No"
        assert "x" not in _columns(primary, database)
    finally:
        replica.execute("START REPLICA")
        replica.execute(f"DROP TABLE IF EXISTS {database}._t_gho")


def test_who_may_write_nothing_is_told(replica: sandbox.MySQLServer, database: str) -> None:
    replica.execute("SET GLOBAL super_read_only = ON")
    try:
        finished = _migrated(replica, database, "--migrate-on-replica")
    finally:
        replica.execute("SET GLOBAL super_read_only = OFF")
    assert finished.status == 3
    assert "super_read_only" in finished.errors


def test_a_ring_is_refused_unless_accepted(new_database: Callable[[sandbox.Server], str]) -> None:
    with sandbox.mysql() as first:
        other = first.replica()
        database = new_database(first)
        with cursor_of(first, database) as cursor:
            fill(cursor, SysbenchRows(), "t", 100)
        _until(lambda: _count(other, database) == 100, "the rows on the replica")
        first.execute(
            f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='{other.host}', SOURCE_PORT={other.port}, SOURCE_USER='root', "
            "GET_SOURCE_PUBLIC_KEY=1, SOURCE_AUTO_POSITION=1",
            "START REPLICA",
        )
        refused = _migrated(other, database)
        assert refused.status == 3
        assert "ring" in refused.errors
        assert "--allow-master-master" in refused.errors
        finished = _migrated(other, database, "--allow-master-master")
        assert finished.status == 0, finished.errors
        assert "x" in _columns(first, database)
