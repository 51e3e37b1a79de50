"""The exchange behind transactions that go on for long: it gives way, nobody queues behind it for long, and it wins in the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from migrating import url_of
from postgres_witness import Witness, assert_nothing_held
from running import make_table, running
from waiting import until

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]

PATIENCE = "3s"
"""How long the application would wait for the table; the exchange must not make it wait so long, in any attempt."""


@pytest.fixture
def table(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> Witness:
    """A database with a table `t`."""
    database = new_database(postgres)
    make_table(postgres, database, rows=2000)
    return Witness(postgres, database)


class Application:
    """Short reads and writes, again and again, by a session that would rather fail than wait for long."""

    def __init__(self, url: str) -> None:
        self.done = 0
        self.errors: list[str] = []
        self._over = threading.Event()
        self._url = url
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Application:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        with psycopg.connect(self._url, autocommit=True, prepare_threshold=None) as connection:
            connection.execute(f"SET lock_timeout = '{PATIENCE}'")
            while not self._over.wait(0.01):
                try:
                    connection.execute("SELECT v FROM t WHERE id = 1")
                    connection.execute("UPDATE t SET v = v + 1 WHERE id = 1")
                    self.done += 1
                except psycopg.Error as error:
                    self.errors.append(str(error))


@pytest.fixture
def url(table: Witness) -> str:
    return url_of(table.server, table.database)


@pytest.fixture
def reader(url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A session of the test."""
    with psycopg.connect(url) as connection:
        yield connection


def _held_back(table: Witness, folder: Path, *flags: str) -> tuple[Path, tuple[str, ...]]:
    flag = folder / "postponed"
    return flag, (f"--postpone-cut-over-flag-file={flag}", *flags)


def test_it_waits_for_a_long_reader_and_wins(
    table: Witness, url: str, tmp_path: Path, reader: psycopg.Connection[tuple[object, ...]]
) -> None:
    flag, flags = _held_back(table, tmp_path)
    with running(table.server, table.database, tmp_path, *flags) as run, Application(url) as application:
        run.until_told("cut-over postponed")
        reader.execute("SELECT count(*) FROM t")  # and its lock, until the transaction ends
        flag.unlink()
        run.until_told("attempt 1 of")
        before = application.done
        run.until_told("attempt 2 of")
        assert application.done > before
        reader.rollback()
        finished = run.ended()
        assert finished.status == 0, finished.errors
    assert application.errors == []
    assert_nothing_held(table.server, table.database)


def test_it_gives_up_after_all_attempts(
    table: Witness, url: str, tmp_path: Path, reader: psycopg.Connection[tuple[object, ...]]
) -> None:
    reader.execute("SELECT count(*) FROM t")
    with running(table.server, table.database, tmp_path, "--default-retries=2") as run, Application(url) as application:
        finished = run.ended()
    assert finished.status == 9, finished.errors
    assert "public.t" in finished.errors
    assert application.errors == []
    reader.rollback()
    assert_nothing_held(table.server, table.database)


def test_transactions_in_close_succession(table: Witness, url: str, tmp_path: Path) -> None:
    """Where one is young when it is looked who holds the table, the lock is asked for, and given up before the transaction ends."""
    over = threading.Event()

    def read_on() -> None:
        with psycopg.connect(url) as connection:
            while not over.is_set():
                connection.execute("SELECT count(*) FROM t")
                over.wait(1.2)
                connection.rollback()

    reading = threading.Thread(target=read_on)
    flag, flags = _held_back(table, tmp_path)
    with running(table.server, table.database, tmp_path, *flags) as run, Application(url) as application:
        run.until_told("cut-over postponed")
        reading.start()
        flag.unlink()
        try:
            until(lambda: "attempt 4 of" in run.told() or run.process.poll() is not None, "some attempts")
        finally:
            over.set()
            reading.join()
        finished = run.ended()
        assert finished.status == 0, finished.errors
    assert application.errors == []
    assert_nothing_held(table.server, table.database)
