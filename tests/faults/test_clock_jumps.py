"""The machine's wall clock is set forwards or back while a run is under way: what takes a time takes as long as before, what is meant to be at
a time of day follows the clock, and in the end the table is what the writers' log says.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import program
import pytest
from migrating import cursor_of, url_of
from under_load import PGBENCH, SYSBENCH, course_of
from waiting import WITHIN, until

from ghostpy import sandbox
from ghostpy.sandbox.checking import differences
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Load
from ghostpy.sandbox.writers import Writers

NewDatabase = Callable[[sandbox.Server], str]
_ROWS = 20_000
_HOUR = 3600.0
_SLOWLY = ("--chunk-size=50", "--workers=2", "--nice-ratio=8")
_soak = pytest.mark.soak


@pytest.fixture
def server(request: pytest.FixtureRequest) -> sandbox.Server:
    found: sandbox.Server = request.getfixturevalue(request.param)
    return found


class _Run:
    """A migration whose clock is in the test's hand."""

    def __init__(self, server: sandbox.Server, database: str, folder: Path) -> None:
        self.server, self.database = server, database
        self.change = PGBENCH if server.kind == "postgres" else SYSBENCH
        self.flag = folder / "postponed"
        self._clock, self._log = folder / "clock", folder / "log"
        self._process: program.Program | None = None
        self.set_clock(0)

    def set_clock(self, wrong: float) -> None:
        """Seconds by which it is wrong from now on."""
        anew = self._clock.with_suffix(".new")
        anew.write_text(str(wrong))
        anew.rename(self._clock)

    def begin(self, *flags: str) -> None:
        call = [
            "migrate",
            f"--url={url_of(self.server, self.database)}",
            f"--table={self.change.table}",
            f"--alter={self.change.alter}",
            "--execute",
            "--checkpoint-seconds=1",
            "--display=lines",
        ]
        with self._log.open("ab") as log:
            self._process = program.start(*call, *flags, output=log, errors=log, clock=self._clock)

    def told(self) -> str:
        return self._log.read_text()

    def until_told(self, words: str, *, after: int = 0) -> None:
        self.until(lambda: words in self.told()[after:], words)

    def until_copying(self) -> None:
        self.until(lambda: self.course().get("low"), "rows to be copied")

    def until(self, true: Callable[[], object], what: str) -> None:
        until(lambda: self._alive() and true(), lambda: f"{what}\n{self.told()}")

    def course(self) -> dict[str, Any]:
        return course_of(self.server, self.database)

    def ended(self) -> int:
        assert self._process is not None
        try:
            return self._process.wait(WITHIN)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the run does not end\n{self.told()}") from None

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _alive(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.told()
        return True


@contextmanager
def _under_load(server: sandbox.Server, database: str, folder: Path) -> Iterator[_Run]:
    """A run beside writers, for the length of a block; then the table is looked at."""
    run = _Run(server, database, folder)
    change = run.change
    with cursor_of(server, database) as cursor:
        fill(cursor, change.shape, change.table, _ROWS)
    load = Load(server.host, server.port, database, change.table, _ROWS, user=server.user, rate=150, shape=change.shape)
    try:
        with Writers(load) as writers:
            yield run
            committed = writers.stop()
    finally:
        run.close()
    assert committed.errors == [], run.told()
    with cursor_of(server, database) as cursor:
        assert differences(cursor, change.table, committed, key=change.shape.key) == [], run.told()
        cursor.execute(f"SELECT MIN(extra), MAX(extra) FROM {change.table}")
        assert cursor.fetchone() == (7, 7)
        cursor.execute(change.left)
        assert set(cursor.fetchall()) == change.expected


@pytest.mark.parametrize(
    ("server", "hours"),
    [
        ("mysql", 1),
        pytest.param("mysql", -1, marks=_soak),
        ("postgres", -1),
        pytest.param("postgres", 1, marks=_soak),
        pytest.param("mariadb", 1, marks=_soak),
        pytest.param("mariadb", -1, marks=_soak),
    ],
    indirect=["server"],
)
def test_set_in_each_phase(server: sandbox.Server, new_database: NewDatabase, tmp_path: Path, hours: int) -> None:
    """A duration is none of the clock's: neither the deadline comes, nor does anything take an hour longer."""
    with _under_load(server, new_database(server), tmp_path) as run:
        run.begin(*_SLOWLY, "--deadline=30m", f"--postpone-cut-over-flag-file={run.flag}")
        run.until_copying()
        run.set_clock(hours * _HOUR)
        run.until_told("100.0%")
        run.set_clock(2 * hours * _HOUR)
        run.until(lambda: run.course().get("compared"), "rows to be compared")
        run.set_clock(3 * hours * _HOUR)
        run.until_told("postponing cut-over")
        time.sleep(1.5)  # signals are looked at each second, if not oftener
        run.flag.unlink()
        assert run.ended() == 0, run.told()


def _around_now() -> str:
    now = datetime.now(UTC)
    begin, end = now - timedelta(minutes=30), now + timedelta(minutes=30)
    return f"{begin:%H:%M}-{end:%H:%M} UTC"


@pytest.mark.parametrize(
    ("server", "hours"),
    [("mysql", -1), pytest.param("mysql", 1, marks=_soak), ("postgres", 1), pytest.param("postgres", -1, marks=_soak)],
    indirect=["server"],
)
def test_set_out_of_the_window(server: sandbox.Server, new_database: NewDatabase, tmp_path: Path, hours: int) -> None:
    """It rests, for a window is by the clock; and it goes on once the clock is right."""
    with _under_load(server, new_database(server), tmp_path) as run:
        run.begin(*_SLOWLY, f"--window={_around_now()}")
        run.until_copying()
        run.set_clock(hours * _HOUR)
        run.until_told("outside window, opens at")
        assert not run.course().get("copied")
        run.set_clock(0)
        assert run.ended() == 0, run.told()


@pytest.mark.parametrize("server", [pytest.param("mysql", marks=_soak), "postgres"], indirect=True)
def test_set_past_the_deadline(server: sandbox.Server, new_database: NewDatabase, tmp_path: Path) -> None:
    """A time is by the clock: the run stops, and the same command goes on."""
    with _under_load(server, new_database(server), tmp_path) as run:
        deadline = f"--deadline={(datetime.now(UTC) + timedelta(minutes=30)).isoformat()}"
        run.begin(*_SLOWLY, deadline)
        run.until_copying()
        run.set_clock(_HOUR)
        assert run.ended() == 14, run.told()
        assert "has come" in run.told()
        run.set_clock(0)
        run.begin(deadline)
        assert run.ended() == 0, run.told()
        assert "going on with the work of an earlier run" in run.told()
