"""What sessions of the application notice of an exchange: prepared statements, cached plans, cursors, old snapshots."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg
import pytest
from migrating import ghostpy

from ghostpy import sandbox

_PLPGSQL = """
CREATE FUNCTION total() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE row t; sum bigint := 0;
BEGIN
    FOR row IN SELECT * FROM t ORDER BY id LOOP sum := sum + row.v; END LOOP;
    RETURN sum;
END $$
"""


class Application:
    """A session that has prepared its statements before the change."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True, prepare_threshold=None)
        self.execute(
            "PREPARE named AS SELECT id, v FROM t WHERE id = $1",
            "PREPARE everything AS SELECT * FROM t WHERE id = $1",
            "PREPARE increase AS UPDATE t SET v = v + 1 WHERE id = $1",
            "SET plan_cache_mode = force_generic_plan",
            "EXECUTE named(1)",
            "EXECUTE everything(1)",
            "EXECUTE increase(1)",
            "SELECT sum_of()",
        )

    def execute(self, *statements: str) -> list[tuple[object, ...]]:
        for statement in statements:
            cursor = self.connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def url(postgres: sandbox.PostgresServer, new_database: Callable[[sandbox.Server], str]) -> str:
    """A database with a table and two functions on it."""
    database = new_database(postgres)
    address = f"postgresql://{postgres.user}@{postgres.host}:{postgres.port}/{database}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL)")
        connection.execute("INSERT INTO t SELECT i, i FROM generate_series(1, 100) AS i")
        connection.execute("CREATE FUNCTION sum_of() RETURNS bigint LANGUAGE sql AS 'SELECT sum(v) FROM t'")
        connection.execute(_PLPGSQL)
    return address


def _migrate(url: str, alter: str, *more: str) -> None:
    done = ghostpy(f"--url={url}", "--table=public.t", f"--alter={alter}", "--strategy=shadow", "--execute", *more)
    assert done.status == 0, done.output + done.errors


def test_prepared_statements_go_on_with_the_new_table(url: str) -> None:
    session = Application(url)
    _migrate(url, "ADD COLUMN note text")
    session.execute("EXECUTE increase(1)")
    assert session.execute("EXECUTE named(1)") == [(1, 3)]
    assert session.execute("SELECT v, note FROM t WHERE id = 1") == [(3, None)]
    assert session.execute("SELECT sum_of()") == session.execute("SELECT sum(v) FROM t")
    # PostgreSQL says so of every change of a result's columns, its own ALTER included.
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="cached plan must not change result type"):
        session.execute("EXECUTE everything(1)")
    session.connection.close()


def test_after_a_change_of_type_a_compiled_function_may_want_a_new_session(url: str) -> None:
    session = Application(url)
    before = session.execute("SELECT total()")
    _migrate(url, "ALTER COLUMN v TYPE bigint")
    session.execute("EXECUTE increase(2)")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="cached plan must not change result type"):
        session.execute("EXECUTE named(2)")
    with psycopg.connect(url, autocommit=True) as fresh:
        assert fresh.execute("SELECT total()").fetchall() == [(int(str(before[0][0])) + 1,)]
    session.connection.close()


def test_statements_that_wait_behind_the_exchange_find_the_new_table(url: str) -> None:
    stop, failures, notes = threading.Event(), [], []

    def read() -> None:
        with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:
            while not stop.is_set():
                try:
                    rows = connection.execute("SELECT v FROM t WHERE id = %s", [5]).fetchall()
                    connection.execute("UPDATE t SET v = v + 1 WHERE id = %s", [5])
                    notes.append(rows)
                except psycopg.Error as error:
                    failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        _migrate(url, "ADD COLUMN note text")
        time.sleep(0.2)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert failures == []
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT v FROM t WHERE id = 5").fetchone() == (5 + len(notes),)


def test_a_snapshot_from_before_the_copy_sees_no_rows_of_the_new_table(url: str) -> None:
    # As after every ALTER that rewrites a table ("Caveats", PostgreSQL manual, 13.6); the plan's page says so.
    with psycopg.connect(url) as old:
        old.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        old.execute("SELECT 1 FROM pg_class")
        _migrate(url, "ADD COLUMN note text")
        assert old.execute("SELECT count(*) FROM t").fetchone() == (0,)
    with psycopg.connect(url) as fresh:
        assert fresh.execute("SELECT count(*) FROM t").fetchone() == (100,)
