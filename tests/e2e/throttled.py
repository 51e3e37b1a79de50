"""Servers with two replicas, and a run on them that copies slowly and is watched while it is made to rest."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import program
from migrating import cursor_of, url_of
from waiting import WITHIN, until

from ghostpy import sandbox

ROWS = 30_000
_STILL = 0.6
_COPIED = re.compile(r"Copy: (\d+)/\d+ .* State: (.*?); ETA:")


@dataclass
class Site:
    """A primary with two replicas, and in the database a table `t` to change and a table `knob` to turn figures up by."""

    primary: sandbox.Server
    replicas: tuple[sandbox.Server, sandbox.Server]
    database: str
    alter: str
    slowly: str
    """A transform that takes some milliseconds a row."""
    stop_replay: str
    start_replay: str
    shadow: str
    busy: str
    """A load list that `crowd` reaches."""

    def turn(self, name: str, value: int) -> None:
        with cursor_of(self.primary, self.database) as cursor:
            cursor.execute(f"UPDATE knob SET v = {value} WHERE name = '{name}'")
            cursor.execute("COMMIT")

    def make_tables(self) -> None:
        mysql = self.primary.kind != "postgres"
        numbers = (
            "SELECT a.i * 1000 + b.i * 100 + c.i * 10 + d.i + e.i * 10000 FROM digits a, digits b, digits c, digits d, digits e "
            "WHERE e.i < 3"
            if mysql
            else "SELECT generate_series(0, 29999)"
        )
        with cursor_of(self.primary, self.database) as cursor:
            cursor.execute("CREATE TABLE digits (i int PRIMARY KEY)")
            cursor.execute("INSERT INTO digits VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)")
            cursor.execute("CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL)")
            cursor.execute(f"INSERT INTO t SELECT n.id, 1 FROM ({numbers}) AS n (id)")
            cursor.execute("CREATE TABLE knob (name varchar(20) PRIMARY KEY, v int NOT NULL)")
            cursor.execute("INSERT INTO knob VALUES ('query', 0), ('queue', 0), ('sick', 0)")
            cursor.execute("COMMIT")

    def of_knob(self, name: str) -> str:
        return (
            f"SELECT v FROM {'' if self.primary.kind == 'postgres' else self.database + '.'}knob WHERE name = '{name}'"
        )

    @contextmanager
    def stopped(self, replica: sandbox.Server) -> Iterator[None]:
        """A replica that takes changes and does not make them."""
        replica.execute(self.stop_replay)
        try:
            yield
        finally:
            replica.execute(self.start_replay)


class SlowRun:
    """`ghostpy migrate` on table `t`, some hundred rows a second."""

    def __init__(self, site: Site, folder: Path, *flags: str) -> None:
        self._site, self._output, self._errors = site, folder / "output", folder / "errors"
        arguments = [
            "migrate", f"--url={url_of(site.primary, site.database)}", "--table=t", f"--alter={site.alter}", "--execute",
            f"--transform=w={site.slowly}", "--verify=off", "--chunk-size=10", "--workers=1", "--display=lines",
            "--throttle-additional-flag-file=", *flags,
        ]  # fmt: skip
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self.process = program.start(*arguments, output=output, errors=errors)

    def said(self) -> str:
        return self._output.read_text() + self._errors.read_text()

    def until_state(self, text: str) -> None:
        """Return once a status line that is new says this."""
        seen = len(self._states())
        until(
            lambda: self._alive() and any(text in state for _, state in self._states()[seen:]),
            lambda: f"the state {text!r}\n{self.said()}",
        )

    def rests(self) -> None:
        """Nothing more is copied, once the chunks under way are done, in the time that is worth some hundred rows."""

        def still() -> bool:
            before = self.copied()
            time.sleep(_STILL)
            return self.copied() == before

        until(lambda: self._alive() and still(), lambda: f"a rest\n{self.said()}")

    def goes_on(self) -> None:
        before = self.copied()
        until(lambda: self._alive() and self.copied() > before, lambda: f"more rows\n{self.said()}")

    def copied(self) -> int:
        with cursor_of(self._site.primary, self._site.database) as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {self._site.shadow}")
            return int(cursor.fetchone()[0])

    def ended(self) -> int:
        return self.process.wait(WITHIN)

    def _states(self) -> list[tuple[str, str]]:
        return _COPIED.findall(self._output.read_text())

    def _alive(self) -> bool:
        assert self.process.poll() is None, self.said()
        return True


@contextmanager
def slow_run(site: Site, folder: Path, *flags: str) -> Iterator[SlowRun]:
    """A run, for the length of a block; it is ended with it, if it is still there."""
    run = SlowRun(site, folder, *flags)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.send_signal(signal.SIGTERM)
            run.process.wait(WITHIN)
