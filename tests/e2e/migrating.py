"""Runs the program as users do, beside writers, and compares what is there afterwards with what was committed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import program

from ghostpy import sandbox
from ghostpy.sandbox.checking import differences, differing_rows
from ghostpy.sandbox.drivers import DRIVERS
from ghostpy.sandbox.load import Committed

# Longer than any wait between a statement's end and the exchange that it might have missed.
_AROUND_EXCHANGE = 3.0
_MAIN = {"mysql": "", "mariadb": "", "postgres": "postgres"}


@contextmanager
def cursor_of(server: sandbox.Server, database: str | None = None) -> Iterator[Any]:
    """A cursor on a fresh connection."""
    connection = DRIVERS[server.kind].connect(
        host=server.host, port=server.port, user=server.user, password="", database=database or _MAIN[server.kind]
    )
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def url_of(server: sandbox.Server, database: str) -> str:
    """The server's address with a database, for the administrator."""
    scheme = "postgresql" if server.kind == "postgres" else "mysql"
    return f"{scheme}://{server.user}@{server.host}:{server.port}/{database}"


@dataclass
class Finished:
    """A run of the program that has ended. Times are `time.monotonic`. `exchanged`: when the old table was seen to have its name, if it was watched."""

    status: int
    output: str
    errors: str
    began: float
    ended: float
    exchanged: float | None = None


def ghostpy(*arguments: str, timeout: float = 600, environment: dict[str, str] | None = None) -> Finished:
    """Run `ghostpy` with these arguments to its end."""
    began = time.monotonic()
    status, output, errors = program.ended(*arguments, timeout=timeout, environment=environment)
    return Finished(status, output, errors, began, time.monotonic())


def assert_nothing_lost(
    cursor: Any,
    *,
    table: str,
    old: str,
    columns: Sequence[str],
    committed: Committed,
    finished: Finished,
    key: str = "id",
    kind: str = "mysql",
) -> None:
    """The writers' log, the old and the new table agree row by row.

    The old table stands still since the exchange, so rows touched around it and later are compared with the log alone.
    """
    assert committed.errors == []
    assert differences(cursor, table, committed, key=key) == []
    # What a run does after the exchange may take long where the processors are busy.
    before = (finished.exchanged or finished.ended) - _AROUND_EXCHANGE
    assert differences(cursor, old, committed, until=before, key=key) == []
    later = {row for row, moment in committed.touched.items() if moment > before}
    same = [(f"o.{name}", f"n.{name}") for name in columns]
    assert differing_rows(cursor, old, table, same, key=key, kind=kind) - later == set()
