"""Killed at any moment, and started again with the same command: nothing is lost, nothing is left, and the table is always there."""

from __future__ import annotations

import random
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import program
import pytest
from migrating import cursor_of, ghostpy, url_of
from under_load import PGBENCH, SYSBENCH, Change

from ghostpy import sandbox
from ghostpy.sandbox.checking import differences
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Load
from ghostpy.sandbox.writers import Writers

NewDatabase = Callable[[sandbox.Server], str]
_RATE = 400
_TOO_SOON = 100
"""Runs between two that come through which may find the server with a killed one's session still: it has not noticed yet."""


class _Client:
    """Asks for a row of the table all the time, and notes what goes wrong."""

    def __init__(self, server: sandbox.Server, database: str, change: Change) -> None:
        self.errors: list[str] = []
        self.asked = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, args=(server, database, change))
        self._thread.start()

    def _ask(self, server: sandbox.Server, database: str, change: Change) -> None:
        with cursor_of(server, database) as cursor:
            while not self._over.is_set():
                try:
                    cursor.execute(f"SELECT 1 FROM {change.table} WHERE {change.shape.key} = 7")
                    cursor.fetchall()
                    cursor.execute("COMMIT")
                except Exception as error:
                    self.errors.append(str(error))
                    return
                self.asked += 1
                time.sleep(0.002)

    def stop(self) -> None:
        self._over.set()
        self._thread.join()


@dataclass(frozen=True)
class Case:
    """`longest`: seconds after which a run is killed, at most; where it is none, a little more than a whole run takes."""

    rows: int
    longest: float | None
    flags: tuple[str, ...] = ()


@dataclass
class _Story:
    """One table that is changed again and again, each run killed some time after it began."""

    server: sandbox.Server
    database: str
    change: Change
    case: Case
    seed: int

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self.finished = 0
        self.resumed = 0
        self.cleaned_up = 0
        self.kills = 0

    def run(self, kills: int) -> None:
        began = time.monotonic()
        self._once(300.0)
        longest = self.case.longest or 1.15 * (time.monotonic() - began)
        while self.kills < kills:
            self._once(self._random.uniform(0.05, longest))
        while self._pending and not self._once(300.0):
            pass

    _pending = False
    _too_soon = 0

    def _once(self, seconds: float) -> bool:
        """One run, killed after `seconds` if it is not done by then; whether it was done."""
        column = f"extra{self.finished}"
        with tempfile.TemporaryFile("w+") as told:
            process = program.start(
                "migrate",
                f"--url={url_of(self.server, self.database)}",
                f"--table={self.change.table}",
                f"--alter={self._alter(column)}",
                "--execute",
                "--ok-to-drop-table",
                "--checkpoint-seconds=1",
                "--display=lines",
                *self.case.flags,
                output=told,
                errors=told,
            )
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                self.kills += 1
                self._pending = True
            told.seek(0)
            output = told.read()
        self.resumed += "going on with the work of an earlier run" in output
        self.cleaned_up += "an earlier run has exchanged the names" in output
        if process.returncode == -9:
            return False
        if process.returncode == 75 and self._pending and self._too_soon < _TOO_SOON:
            self._too_soon += 1
            time.sleep(0.1)
            return False
        assert process.returncode == 0, f"seed {self.seed}, after {self.kills} kills:\n{output}"
        self.finished += 1
        self._pending = False
        self._too_soon = 0
        return True

    def _alter(self, column: str) -> str:
        if self.server.kind == "postgres":
            return f"ADD COLUMN {column} bigint NOT NULL DEFAULT 7, ALTER COLUMN abalance TYPE {('bigint', 'int')[self.finished % 2]}"
        return (
            f"ADD COLUMN {column} BIGINT NOT NULL DEFAULT 7, MODIFY k {('BIGINT', 'INT')[self.finished % 2]} NOT NULL"
        )


def _killed(server: sandbox.Server, database: str, change: Change, case: Case, *, kills: int, seed: int) -> _Story:
    with cursor_of(server, database) as cursor:
        fill(cursor, change.shape, change.table, case.rows)
    load = Load(
        server.host,
        server.port,
        database,
        change.table,
        case.rows,
        user=server.user,
        rate=_RATE,
        seed=seed,
        shape=change.shape,
    )
    story = _Story(server, database, change, case, seed)
    client = _Client(server, database, change)
    try:
        with Writers(load) as writers:
            story.run(kills)
            time.sleep(0.5)
            committed = writers.stop()
    finally:
        client.stop()
    assert client.errors == []
    assert client.asked > 100
    assert committed.errors == []
    print(
        f"{server.kind}: {story.kills} kills, {story.finished} changes done, {story.resumed} runs resumed, {story.cleaned_up} cleaned up after"
    )
    with cursor_of(server, database) as cursor:
        assert differences(cursor, change.table, committed, key=change.shape.key) == []
        cursor.execute(f"SELECT COUNT(*) FROM {change.table}")
        assert cursor.fetchone()[0] >= case.rows // 2
    return story


def _nothing_is_left(server: sandbox.Server, database: str, change: Change) -> None:
    with cursor_of(server, database) as cursor:
        cursor.execute(change.left)
        assert set(cursor.fetchall()) == {
            name for name in change.expected if name[1] == change.table and "_del" not in name[0]
        }
        if server.kind == "postgres":
            cursor.execute("SELECT slot_name FROM pg_replication_slots WHERE database = current_database()")
            assert cursor.fetchall() == []


CASES = {
    # Short runs, so that many kills come at the beginning, in the exchange, and behind it.
    "short": Case(rows=3_000, longest=None),
    # Long ones, so that there is work to go on with.
    "long": Case(rows=20_000, longest=6.0, flags=("--chunk-size=100", "--workers=1", "--nice-ratio=6")),
}


def _change(server: sandbox.Server) -> Change:
    return PGBENCH if server.kind == "postgres" else SYSBENCH


_KILLS = {"short": 10, "long": 3}


@pytest.mark.limit(600)
@pytest.mark.parametrize("length", CASES)
@pytest.mark.parametrize("kind", ["mysql", "postgres"])
def test_killed_again_and_again(
    request: pytest.FixtureRequest, new_database: NewDatabase, kind: str, length: str
) -> None:
    server = request.getfixturevalue(kind)
    database, case = new_database(server), CASES[length]
    story = _killed(server, database, _change(server), case, kills=_KILLS[length], seed=1)
    assert story.finished > 0
    if length == "long":
        assert story.resumed > 0
    _nothing_is_left(server, database, _change(server))


@pytest.mark.soak
@pytest.mark.parametrize("length", CASES)
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["mysql", "postgres", "mariadb"])
def test_killed_five_hundred_times(
    request: pytest.FixtureRequest, new_database: NewDatabase, kind: str, seed: int, length: str
) -> None:
    server = request.getfixturevalue(kind)
    database, case = new_database(server), CASES[length]
    _killed(server, database, _change(server), case, kills=50, seed=100 + seed)
    _nothing_is_left(server, database, _change(server))


@pytest.mark.parametrize("kind", ["mysql", "postgres"])
def test_what_a_killed_run_has_left_can_be_given_up(
    request: pytest.FixtureRequest, new_database: NewDatabase, kind: str
) -> None:
    """--restart begins anew, whatever was left; another ALTER without it is refused, and changes nothing."""
    server = request.getfixturevalue(kind)
    database, change = new_database(server), _change(server)
    with cursor_of(server, database) as cursor:
        fill(cursor, change.shape, change.table, 80_000)
    url = url_of(server, database)
    slowly = ["--chunk-size=100", "--workers=1", "--nice-ratio=30", "--checkpoint-seconds=1", "--display=lines"]
    call = ["migrate", f"--url={url}", f"--table={change.table}", "--execute"]
    call += ["--strategy=shadow"] if kind == "postgres" else []
    kind_of_text = "ALTER COLUMN abalance TYPE bigint" if kind == "postgres" else "MODIFY k BIGINT NOT NULL"
    with tempfile.TemporaryFile() as told:
        process = program.start(*call, f"--alter={kind_of_text}", *slowly, output=told, errors=told)
        time.sleep(5.0)
        process.kill()
        process.wait()
    other = ghostpy(*call, "--alter=ADD COLUMN other INT")
    assert other.status == 17, other.errors
    assert "it differs in the ALTER" in other.errors
    assert "--restart" in other.errors
    unasked = ghostpy(*call, f"--alter={kind_of_text}", "--where=TRUE")
    assert unasked.status == 17, unasked.errors
    anew = ghostpy(*call, "--alter=ADD COLUMN other INT", "--restart", "--ok-to-drop-table")
    assert anew.status == 0, anew.errors
    assert "going on with" not in anew.errors + anew.output
    _nothing_is_left(server, database, change)
