"""`ghostpy cleanup` on MySQL and MariaDB: what a dead run left is listed and removed; what is in use or holds old rows is not."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from migrating import Finished, cursor_of, ghostpy, url_of
from watched import Place, make_place, started

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]
_SLOWLY = ("--chunk-size=20", "--workers=1", "--nice-ratio=15", "--checkpoint-seconds=1", "--execute")


@pytest.fixture(params=["mysql", "mariadb"])
def place(request: pytest.FixtureRequest, new_database: NewDatabase) -> Place:
    return make_place(request.getfixturevalue(request.param), new_database)


def _tables(place: Place) -> set[str]:
    with cursor_of(place.server, place.database) as cursor:
        cursor.execute("SHOW TABLES")
        return {str(row[0]) for row in cursor.fetchall()}


def _clean(place: Place, *flags: str) -> Finished:
    done = ghostpy("cleanup", f"--url={url_of(place.server, place.database)}", *flags)
    assert done.status == 0, done.errors
    return done


def _rows(place: Place, done: Finished) -> str:
    """The lines about this test's database."""
    return "\n".join(line for line in done.output.splitlines() if place.database in line or "goes on" in line)


def test_what_a_dead_run_left(place: Place, tmp_path: Path) -> None:
    with cursor_of(place.server, place.database) as cursor:
        cursor.execute("CREATE TABLE _t_ghp LIKE t")
        cursor.execute("CREATE TABLE _t_20260101000000_del LIKE t")
        cursor.execute("CREATE TABLE _other_gho LIKE t")
    with started(place, tmp_path, *_SLOWLY) as process:
        _until_there(place, "_t_ghc")  # what is called _t_gho before that is the plan's empty clone
        _until_there(place, "_t_gho")
        _until_saved(place)
        busy = _clean(place, "--execute")
        assert "in use by a run" in busy.output
        assert process.poll() is None
        assert {"_t_gho", "_t_ghc"} <= _tables(place)
        process.send_signal(signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + 30
    while "left by a dead run" not in (listed := _clean(place)).output:
        assert time.monotonic() < deadline, listed.output
    assert "_t_gho" in listed.output
    assert f"{socket.gethostname()}, process {process.pid}" in listed.output
    assert "last seen" in listed.output
    assert "Nothing was removed" in listed.output
    assert {"_t_gho", "_t_ghc"} <= _tables(place)
    assert "removed" in _clean(place, "--execute").output
    # Whose the shadow without a ledger is nobody knows.
    assert _tables(place) == {"t", "_t_20260101000000_del", "_other_gho"}
    assert "yours to drop" in _clean(place).output


def test_an_old_table_goes_only_where_it_is_named(place: Place, tmp_path: Path) -> None:
    with cursor_of(place.server, place.database) as cursor:
        cursor.execute("CREATE TABLE _t_del LIKE t")
        cursor.execute("INSERT INTO _t_del SELECT * FROM t")
        cursor.execute("CREATE TABLE _t_20260101000000_del LIKE t")
    name = f"{place.database}._t_del"
    call = ("cleanup", f"--url={url_of(place.server, place.database)}", "--execute")
    wrong = ghostpy(*call, f"--old-tables={name}x")
    assert (wrong.status, name in wrong.errors) == (2, True)
    assert "Nothing was removed" in _clean(place, f"--old-tables={name}").output
    with started(place, tmp_path, *_SLOWLY, "--timestamp-old-table") as process:
        _until_there(place, "_t_gho")
        busy = ghostpy(*call, f"--old-tables={name}")
        assert (busy.status, "begun meanwhile" in busy.errors) == (75, True), busy.output + busy.errors
        process.kill()
        process.wait()
    until = time.monotonic() + 30
    while "in use by a run" in _rows(place, _clean(place)):
        assert time.monotonic() < until
    assert "removed" in _clean(place, "--execute", f"--old-tables={name}").output
    assert _tables(place) == {"t", "_t_20260101000000_del"}


def _until_there(place: Place, table: str) -> None:
    until = time.monotonic() + 60
    while table not in _tables(place):
        assert time.monotonic() < until, f"no {table}"
        time.sleep(0.1)


def _until_saved(place: Place) -> None:
    """Until there is something to go on with."""
    until = time.monotonic() + 60
    with cursor_of(place.server, place.database) as cursor:
        while not cursor.execute("SELECT 1 FROM _t_ghc WHERE id = 'checkpoint'"):
            assert time.monotonic() < until, "no checkpoint"
            time.sleep(0.1)
