"""Changes that MySQL or MariaDB makes on the table itself (`--strategy`): nothing is copied, nobody waits for long, and what fails changes nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from migrating import cursor_of, ghostpy, url_of
from waiting import until
from witness import Witness, assert_nothing_held

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]
ROWS = 900
_WAITS = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for table metadata lock' AND INFO LIKE 'ALTER TABLE%'"


@pytest.fixture(params=["mysql", "mariadb"])
def server(request: pytest.FixtureRequest) -> sandbox.Server:
    found: sandbox.Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def database(server: sandbox.Server, new_database: NewDatabase) -> str:
    name = new_database(server)
    server.execute(
        f"USE {name}",
        "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, k INT, c VARCHAR(40))",
        f"INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) SELECT i, i DIV 2, 'x' FROM n"
        if server.kind == "mysql"
        else f"INSERT INTO t SELECT seq, seq DIV 2, 'x' FROM seq_1_to_{ROWS}",
    )
    return name


def _flags(server: sandbox.Server, database: str, alter: str, *more: str) -> tuple[str, ...]:
    place = (f"--url={url_of(server, database)}", "--table=t", f"--alter={alter}")
    return (*place, "--strategy=auto", "--execute", "--cut-over-lock-timeout-seconds=1", *more)


@contextmanager
def _reading(server: sandbox.Server, database: str) -> Iterator[Any]:
    """A transaction that has read the table, and is not at its end."""
    with cursor_of(server, database) as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT COUNT(*) FROM t")
        yield cursor


@contextmanager
def _writing(server: sandbox.Server, database: str) -> Iterator[list[float]]:
    """Somebody who inserts a row after the other; the seconds that each took."""
    took: list[float] = []
    end = threading.Event()

    def write() -> None:
        with cursor_of(server, database) as cursor:
            cursor.execute("SET lock_wait_timeout = 30")
            while not end.is_set():
                began = time.monotonic()
                cursor.execute("INSERT INTO t (k, c) VALUES (7, 'new')")
                cursor.execute("COMMIT")
                took.append(time.monotonic() - began)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        until(lambda: took, "the first row")
        yield took
    finally:
        end.set()
        writer.join()


@pytest.mark.parametrize("name", ["kü-nd€ Éñж中", "plain"])
def test_it_is_known_what_the_server_does_whatever_the_name(server: sandbox.Server, database: str, name: str) -> None:
    server.execute(f"RENAME TABLE {database}.t TO {database}.`{name}`")
    flags = ("migrate", f"--url={url_of(server, database)}", f"--table={name}", "--strategy=auto")
    built = ghostpy(*flags, "--alter=ADD INDEX extra (k)")
    assert built.status == 0, built.errors
    assert "LOCK=NONE" in built.output
    assert "the server builds the index" in built.output
    anew = ghostpy(*flags, "--alter=MODIFY k BIGINT NOT NULL, ADD INDEX extra (k)")
    assert anew.status == 0, anew.errors
    assert "the server builds the index" not in anew.output


@pytest.mark.parametrize(
    ("alter", "there"), [("ADD INDEX extra (k)", "KEY `extra`"), ("ADD COLUMN extra INT", "`extra` int")]
)
def test_nothing_is_copied(server: sandbox.Server, database: str, alter: str, there: str) -> None:
    with _writing(server, database) as rows:
        done = ghostpy("migrate", *_flags(server, database, alter))
        assert done.status == 0, done.errors
    with cursor_of(server, database) as cursor:
        cursor.execute("SHOW CREATE TABLE t")
        assert there in cursor.fetchone()[1]
        cursor.execute("SHOW TABLES")
        assert cursor.fetchall() == (("t",),)
        cursor.execute("SELECT COUNT(*) FROM t")
        assert cursor.fetchone() == (ROWS + len(rows),)
    again = ghostpy("migrate", *_flags(server, database, alter))
    assert (again.status, "nothing" in again.output + again.errors) == (0, True), again.output + again.errors


def test_others_wait_behind_it_for_a_moment_only(
    mysql: sandbox.MySQLServer, new_database: NewDatabase, request: pytest.FixtureRequest
) -> None:
    """A reader holds the table for long: the exclusive lock is asked for and given up again, and in between writers come through."""
    name = new_database(mysql)
    mysql.execute(f"USE {name}", "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, k INT, c VARCHAR(40))")
    asked_for = (
        "SELECT LOCK_TYPE FROM performance_schema.metadata_locks WHERE OBJECT_NAME = 't' AND LOCK_STATUS = 'PENDING' "
        f"AND OBJECT_SCHEMA = '{name}' AND LOCK_TYPE LIKE '%EXCLUSIVE%'"
    )
    process = None
    try:
        with _reading(mysql, name):
            process = subprocess.Popen(
                [sys.executable, "-m", "ghostpy", "migrate", *_flags(mysql, name, "ADD INDEX extra (k)")],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            until(lambda: mysql.execute(asked_for), "the exclusive lock to be asked for")
            with _writing(mysql, name) as took:
                before = len(took)
                until(lambda: len(took) > before + 20, "writers between two attempts")
            assert process.poll() is None
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told
    finally:
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()
    with cursor_of(mysql, name) as cursor:
        cursor.execute("SHOW CREATE TABLE t")
        assert "KEY `extra`" in cursor.fetchone()[1]


def test_the_lock_cannot_be_had(server: sandbox.Server, database: str) -> None:
    with _reading(server, database):
        done = ghostpy("migrate", *_flags(server, database, "ADD COLUMN extra INT", "--default-retries=2"))
    assert done.status == 9, done.errors
    assert "the table is as it was" in done.errors
    with cursor_of(server, database) as cursor:
        cursor.execute("SHOW CREATE TABLE t")
        assert "extra" not in cursor.fetchone()[1]


def test_rows_that_do_not_fit(server: sandbox.Server, database: str) -> None:
    witness = Witness(server, database) if server.kind == "mysql" else None
    done = ghostpy("migrate", *_flags(server, database, "ADD UNIQUE INDEX extra (k)"))
    assert done.status == 7, done.errors
    assert "Duplicate entry" in done.errors
    assert "t is as it was" in done.errors
    if witness is not None:
        witness.assert_as_before()


def test_interrupted_while_it_waits(mysql: sandbox.MySQLServer, new_database: NewDatabase) -> None:
    name = new_database(mysql)
    mysql.execute(f"USE {name}", "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, k INT, c VARCHAR(40))")
    with _reading(mysql, name):
        flags = _flags(mysql, name, "ADD INDEX extra (k)")
        process = subprocess.Popen([sys.executable, "-m", "ghostpy", "migrate", *flags], stdout=-3, stderr=-3)
        try:
            until(lambda: mysql.execute(_WAITS)[0]["COUNT(*)"], "the ALTER to wait")
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 128 + signal.SIGTERM
        finally:
            process.kill()
            process.wait()
    with cursor_of(mysql, name) as cursor:
        cursor.execute("SHOW CREATE TABLE t")
        assert "extra" not in cursor.fetchone()[1]
    assert_nothing_held(mysql)


def test_online_or_not_at_all(server: sandbox.Server, database: str) -> None:
    place = (f"--url={url_of(server, database)}", "--table=t", "--strategy=online")
    done = ghostpy("plan", *place, "--alter=MODIFY k BIGINT")
    assert done.status == 3, done.output + done.errors
    assert "ALGORITHM=COPY" in done.errors
    done = ghostpy("plan", *place, "--alter=ADD INDEX extra (k)", "--format=markdown")
    assert done.status == 0, done.errors
    assert "LOCK=NONE while the index is built" in done.output
    done = ghostpy("plan", *place, "--alter=ADD INDEX extra (k)", "--keep-revertible")
    assert done.status == 3, done.output + done.errors
    assert "revertible" in done.errors
