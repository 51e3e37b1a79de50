"""PostgreSQL: an exchange is taken back, with every write made since and all that hangs on the table; and so is that."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from migrating import Finished, cursor_of, ghostpy, url_of

from ghostpy import sandbox
from ghostpy.sandbox.checking import differences
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Committed, Load
from ghostpy.sandbox.shapes import PgbenchRows
from ghostpy.sandbox.writers import Writers

NewDatabase = Callable[[sandbox.Server], str]
_ALTER = "ADD COLUMN extra bigint NOT NULL DEFAULT 7, ALTER COLUMN bid TYPE bigint, DROP COLUMN note, DROP COLUMN seen"
_OLD, _NEW, _LEDGER = "_public_t_del", "_public_t_rev_del", "_public_t_gho"
_WITHIN = 60.0


@pytest.fixture(params=[18, 15, pytest.param(14, marks=pytest.mark.soak)])
def server(
    request: pytest.FixtureRequest, postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer]
) -> sandbox.PostgresServer:
    return postgres_with(request.param, {})


class Place:
    """A database with a table `t`."""

    def __init__(self, server: sandbox.Server, database: str) -> None:
        self.server, self.database = server, database

    @property
    def at(self) -> tuple[str, ...]:
        return (f"--url={url_of(self.server, self.database)}", "--table=t")

    def migrate(self, alter: str, *flags: str) -> Finished:
        return ghostpy("migrate", *self.at, f"--alter={alter}", "--execute", "--verbose", *flags)

    def revert(self, *flags: str) -> Finished:
        return ghostpy("revert", *self.at, *flags)

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        with cursor_of(self.server, self.database) as cursor:
            cursor.execute(question)
            return list(cursor.fetchall())

    def do(self, *statements: str) -> None:
        with cursor_of(self.server, self.database) as cursor:
            for statement in statements:
                cursor.execute(statement)
            cursor.execute("COMMIT")

    @property
    def columns(self) -> list[str]:
        return [
            row[0]
            for row in self.ask(
                "SELECT attname FROM pg_attribute WHERE attrelid = 'public.t'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
            )
        ]

    @property
    def schemas(self) -> set[str]:
        """Those that runs have made."""
        return {row[0] for row in self.ask(r"SELECT nspname FROM pg_namespace WHERE nspname LIKE '\_public%'")}

    @property
    def slots(self) -> int:
        return int(
            self.ask("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()")[0][0]
            + self.ask("SELECT count(*) FROM pg_publication WHERE pubname LIKE 'ghostpy%'")[0][0]
        )

    @contextmanager
    def started(self, folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A run under way; it is killed at the end of the block, if it is still there."""
        command = [sys.executable, "-m", "ghostpy", arguments[0], *self.at, *arguments[1:], "--execute", "--verbose"]
        with (folder / "errors").open("w") as errors:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, text=True
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


class Table(Place):
    """A table with two columns that its writers do not know, and that the change drops."""

    def __init__(self, server: sandbox.Server, database: str, rows: int) -> None:
        super().__init__(server, database)
        self.rows = rows
        with cursor_of(server, database) as cursor:
            fill(cursor, PgbenchRows(), "t", rows)
            cursor.execute("ALTER TABLE t ADD note varchar(20) NOT NULL DEFAULT 'none', ADD seen timestamptz")
            cursor.execute("UPDATE t SET note = 'n' || aid, seen = '2020-01-01'")
            cursor.execute("COMMIT")

    def load(self, rate: float, seed: int = 1) -> Load:
        server = self.server
        return Load(
            server.host,
            server.port,
            self.database,
            "t",
            self.rows,
            user=server.user,
            rate=rate,
            seed=seed,
            threads=3,
            shape=PgbenchRows(),
        )

    def window(self, folder: Path, *flags: str) -> Any:
        return self.started(folder, "migrate", f"--alter={_ALTER}", "--revert-window=1h", *flags)

    def is_what_was_committed(self, committed: Committed) -> None:
        assert committed.errors == []
        with cursor_of(self.server, self.database) as cursor:
            assert differences(cursor, "t", committed, key="aid") == []
        touched = ",".join(map(str, committed.touched)) or "0"
        # Rows that no writer touched are as they were filled.
        assert self.ask(f"SELECT COUNT(*) FROM t WHERE aid NOT IN ({touched})") == [
            (self.rows - sum(1 for row in committed.touched if row <= self.rows),)
        ]

    def keeps(self, column: str, snapshot: str) -> None:
        """Rows that stayed have the values of `column` that they had."""
        same = f"FROM t JOIN {snapshot} s ON s.aid = t.aid"
        assert self.ask(f"SELECT COUNT(*) {same} WHERE t.{column} IS DISTINCT FROM s.{column}") == [(0,)]
        assert self.ask(f"SELECT COUNT(*) {same}")[0][0] > self.rows // 2


def _until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + _WITHIN
    while not true():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.02)


def _told(folder: Path, text: str) -> bool:
    return text in (folder / "errors").read_text()


def _there_and_back(table: Table, *, rate: float, seconds: float) -> Committed:
    with Writers(table.load(rate)) as writers:
        done = table.migrate(_ALTER, "--keep-revertible")
        assert done.status == 0, done.errors
        assert "extra" in table.columns
        assert table.schemas == {_OLD, _LEDGER}
        table.do(f"CREATE TABLE snapshot AS SELECT aid, note, seen FROM {_OLD}.t")
        time.sleep(seconds)

        planned = table.revert()
        assert planned.status == 0, planned.errors
        assert "note keeps its values in rows that stay" in " ".join(planned.output.split())
        assert "does not bring back what was written to extra" in " ".join(planned.output.split())
        assert "extra" in table.columns

        done = table.revert("--execute")
        assert done.status == 0, done.errors
        assert table.columns == ["aid", "bid", "abalance", "filler", "note", "seen"]
        assert table.schemas == {_NEW, _LEDGER}
        time.sleep(seconds / 4)

        table.do(f"CREATE TABLE second AS SELECT aid, extra FROM {_NEW}.t")
        done = table.revert("--execute", f"--old-table={_NEW}")
        assert done.status == 0, done.errors
        assert "extra" in table.columns
        time.sleep(seconds / 4)
        table.keeps("extra", "second")
        assert table.revert("--execute", f"--old-table={_NEW}").status == 17

        done = table.revert("--execute", f"--old-table={_OLD}.t")
        assert done.status == 0, done.errors
        time.sleep(0.5)
        committed = writers.stop()
    table.is_what_was_committed(committed)
    table.keeps("note", "snapshot")
    assert table.slots == 2
    return committed


def test_there_and_back_and_there_again(server: sandbox.Server, new_database: NewDatabase) -> None:
    table = Table(server, new_database(server), 3_000)
    committed = _there_and_back(table, rate=400, seconds=2.0)
    assert len(committed.statements) > 1_000
