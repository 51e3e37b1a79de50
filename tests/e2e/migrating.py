"""Runs the program as users do, beside writers, and compares what is there afterwards with what was committed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pymysql

from ghostpy import sandbox
from ghostpy.sandbox.writers import Committed

# Longer than any wait between a statement's end and the exchange that it might have missed.
_AROUND_EXCHANGE = 3.0


@contextmanager
def cursor_of(server: sandbox.Server, database: str | None = None) -> Iterator[Any]:
    """A cursor on a fresh connection."""
    connection = pymysql.connect(
        host=server.host, port=server.port, user=server.user, database=database, autocommit=True, charset="utf8mb4"
    )
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


@dataclass
class Finished:
    """A run of the program that has ended. Times are `time.monotonic`."""

    status: int
    output: str
    errors: str
    began: float
    ended: float


def ghostpy(*arguments: str, timeout: float = 600, environment: dict[str, str] | None = None) -> Finished:
    """Run `ghostpy` with these arguments to its end."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "ghostpy", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        env=environment,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr, began, time.monotonic())


def differences(cursor: Any, table: str, committed: Committed, *, until: float = float("inf")) -> list[str]:
    """Where `table` is not what the writers committed, in words. Rows last touched after `until` are left out."""
    wrong: list[str] = []
    ids = [row for row, moment in committed.touched.items() if moment <= until]
    for start in range(0, len(ids), 2000):
        part = ids[start : start + 2000]
        cursor.execute(f"SELECT * FROM {table} WHERE id IN ({','.join(map(str, part))})")
        names = [column[0] for column in cursor.description]
        found = {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
        for row in part:
            expected, got = committed.rows[row], found.get(row)
            if expected is None:
                if got is not None:
                    wrong.append(f"{table}: row {row} was deleted, but is there")
            elif got is None:
                wrong.append(f"{table}: row {row} is missing")
            else:
                wrong += [
                    f"{table}: row {row} has {name} = {got[name]!r}, committed was {value!r}"
                    for name, value in expected.items()
                    if name in got and got[name] != value
                ]
    return wrong


def differing_rows(cursor: Any, old: str, new: str, columns: Sequence[str]) -> set[int]:
    """Ids of rows that are not alike in both tables, or stand in one only."""
    same = " AND ".join(f"BINARY o.{name} <=> BINARY n.{name}" for name in columns)
    cursor.execute(
        f"SELECT o.id FROM {old} o LEFT JOIN {new} n ON n.id = o.id WHERE n.id IS NULL OR NOT ({same}) "
        f"UNION SELECT n.id FROM {new} n LEFT JOIN {old} o ON o.id = n.id WHERE o.id IS NULL"
    )
    return {row[0] for row in cursor.fetchall()}


def assert_nothing_lost(
    cursor: Any, *, table: str, old: str, columns: Sequence[str], committed: Committed, finished: Finished
) -> None:
    """The writers' log, the old and the new table agree row by row.

    The old table stands still since the exchange, so rows touched around it and later are compared with the log alone.
    """
    assert committed.errors == []
    assert differences(cursor, table, committed) == []
    before = finished.ended - _AROUND_EXCHANGE
    assert differences(cursor, old, committed, until=before) == []
    later = {row for row, moment in committed.touched.items() if moment > before}
    assert differing_rows(cursor, old, table, columns) - later == set()
