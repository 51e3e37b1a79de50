"""Runs of the program on PostgreSQL that are looked at, and ended, in the middle."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import program
from migrating import Finished, cursor_of, url_of
from waiting import until

from ghostpy import sandbox

ROWS = 20_000
SLOW = ("--chunk-size=100", "--workers=1", "--nice-ratio=100")
"""Flags by which the copy of `make_table` rests for half a minute after its first slice."""
REWRITE = "ALTER COLUMN v TYPE bigint"


def make_table(server: sandbox.Server, database: str, rows: int = ROWS) -> None:
    """A table `t`."""
    with cursor_of(server, database) as cursor:
        cursor.execute("CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL, c text)")
        cursor.execute(f"INSERT INTO t SELECT i, i * 7, md5(i::text) FROM generate_series(1, {rows}) AS i")
        cursor.execute("VACUUM ANALYZE t")


class Run:
    """`ghostpy migrate` on table `t`."""

    def __init__(self, server: sandbox.Server, database: str, folder: Path, *flags: str) -> None:
        self._server, self._database = server, database
        self._output, self._errors = folder / "output", folder / "errors"
        arguments = ["migrate", f"--url={url_of(server, database)}", "--table=t", f"--alter={REWRITE}", "--verbose"]
        self._began = time.monotonic()
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self.process = program.start(*arguments, "--execute", *flags, output=output, errors=errors)

    def told(self) -> str:
        return self._errors.read_text()

    def until_copying(self) -> None:
        """Return once rows are in the shadow."""
        until(self._copied, "rows in the shadow")

    def until_told(self, text: str) -> None:
        until(lambda: self._alive() and text in self.told(), f"the run to say {text!r}")

    def ended(self, number: signal.Signals | None = None) -> Finished:
        """The run at its end, after this signal."""
        if number is not None:
            self.process.send_signal(number)
        status = self.process.wait(180)
        return Finished(status, self._output.read_text(), self.told(), self._began, time.monotonic())

    def _alive(self) -> bool:
        assert self.process.poll() is None, self.told()
        return True

    def _copied(self) -> bool:
        self._alive()
        with cursor_of(self._server, self._database) as cursor:
            cursor.execute("SELECT to_regclass('_public_t_gho.t') IS NOT NULL")
            if cursor.fetchone() != (True,):
                return False
            cursor.execute("SELECT EXISTS (SELECT FROM _public_t_gho.t)")
            return bool(cursor.fetchone()[0])


@contextmanager
def running(server: sandbox.Server, database: str, folder: Path, *flags: str) -> Iterator[Run]:
    """A run, for the length of a block; it is killed at the end of it, if it is still there."""
    run = Run(server, database, folder, *flags)
    with run.process:
        yield run
