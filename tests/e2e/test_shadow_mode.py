"""The cut-over held back until somebody lets it come, and the shadow compared and read meanwhile, beside writers: nothing is lost, and what is written
into the shadow is found."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import program
import psycopg
import pytest
from migrating import Finished, cursor_of, ghostpy, url_of
from under_load import PGBENCH, SYSBENCH, Change, assert_followed
from waiting import until

from ghostpy import sandbox
from ghostpy.control.client import asked
from ghostpy.control.places import is_alive
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Committed, Load
from ghostpy.sandbox.writers import Writers

NewDatabase = Callable[[sandbox.Server], str]
ROWS = 5000
BUDGET = 1
"""Seconds for the lock in one attempt."""
TAMPERED = 4711


@dataclass
class Place:
    """A table of an application at work, and the shadow of a run."""

    server: sandbox.Server
    database: str
    change: Change
    folder: Path

    @property
    def table(self) -> str:
        return self.change.table

    @property
    def shadow(self) -> str:
        return '"_public_accounts_gho".accounts' if self.postgres else "_sbtest1_gho"

    @property
    def postgres(self) -> bool:
        return self.server.kind == "postgres"

    @property
    def key(self) -> str:
        return self.change.shape.key

    @property
    def value(self) -> str:
        """A column that the shadow's strange writer writes."""
        return "filler" if self.postgres else "pad"

    @property
    def at(self) -> tuple[str, ...]:
        return (f"--url={url_of(self.server, self.database)}", f"--table={self.table}")

    @contextmanager
    def started(self, *flags: str) -> Iterator[program.Program]:
        """A run under way; it is killed at the end of the block, if it is still there."""
        with (self.folder / "output").open("a") as output, (self.folder / "errors").open("a") as errors:
            process = program.start(
                "migrate", *self.at, f"--alter={self.change.alter}", "--execute", "--verbose", "--postpone-cut-over",
                f"--serve-socket-file={self.socket}", f"--cut-over-lock-timeout-seconds={BUDGET}", *flags, output=output, errors=errors,
            )  # fmt: skip
        with process:
            yield process

    @property
    def socket(self) -> Path:
        return self.folder / "control"

    def told(self) -> str:
        return (self.folder / "errors").read_text()

    def say(self, line: str) -> str:
        return asked(self.socket, line)

    def figures(self) -> dict[str, Any]:
        return dict(json.loads(self.say("status json")))

    def passes(self) -> dict[str, Any]:
        return dict(self.figures()["passes"])

    def until_postponed(self, process: program.Program) -> None:
        def reached() -> bool:
            assert process.poll() is None, self.told()
            return is_alive(self.socket) and "postponing cut-over" in self.say("sup")

        until(reached, lambda: f"the cut-over to be held back: {self.told()}")

    def until_compared(self, more: int) -> None:
        """Return once so many more passes that began from now on have ended."""
        since = self.passes()["again"]
        until(lambda: self.passes()["again"] > since + more, lambda: f"{more} passes: {self.passes()}")

    def do(self, *statements: str) -> None:
        with cursor_of(self.server, self.database) as cursor:
            for statement in statements:
                cursor.execute(statement)
            cursor.execute("COMMIT")

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        with cursor_of(self.server, self.database) as cursor:
            cursor.execute(question)
            return list(cursor.fetchall())

    def tables(self) -> set[tuple[str, str]]:
        return set(self.ask(self.change.left))

    def load(self, rate: float = 200) -> Load:
        server = self.server
        return Load(
            server.host, server.port, self.database, self.table, ROWS, user=server.user, rate=rate, seed=3, shape=self.change.shape
        )  # fmt: skip

    def assert_done(self, status: int, committed: Committed, ended: float) -> None:
        """The run came through, and nothing is lost."""
        assert status == 0, self.told()
        finished = Finished(status, "", self.told(), 0.0, ended)
        with cursor_of(self.server, self.database) as cursor:
            assert_followed(cursor, self.change, committed, finished)
        assert self.tables() == self.change.expected


def on(*usual: str) -> pytest.MarkDecorator:
    """On each kind of server; on others than the usual ones where there is time."""
    kinds = [
        kind if kind in usual else pytest.param(kind, marks=pytest.mark.soak)
        for kind in ("mysql", "mariadb", "postgres")
    ]
    return pytest.mark.parametrize("place", kinds, indirect=True)


@pytest.fixture
def place(request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path) -> Place:
    server: sandbox.Server = request.getfixturevalue(request.param)
    found = Place(server, new_database(server), PGBENCH if server.kind == "postgres" else SYSBENCH, tmp_path)
    with cursor_of(server, found.database) as cursor:
        fill(cursor, found.change.shape, found.table, ROWS)
    return found


@on("mysql", "postgres")
def test_what_is_written_into_the_shadow_is_found_and_repaired_before_the_exchange(place: Place) -> None:
    with Writers(place.load()) as writers, place.started("--verify-every=1s") as run:
        place.until_postponed(run)
        place.until_compared(1)
        before = place.passes()
        assert (before["last_repaired"], before["every"], before["last_rows"] > ROWS / 2) == (0, 1.0, True)
        # A row that is another one, one that is not there, and one too many.
        place.do(f"UPDATE {place.shadow} SET {place.value} = 'tampered' WHERE {place.key} BETWEEN 2000 AND 2009")
        place.do(f"DELETE FROM {place.shadow} WHERE {place.key} BETWEEN 3000 AND 3009")
        columns = f"{place.key}, {', '.join(place.change.columns)}"
        others = ", ".join(place.change.columns)
        place.do(f"INSERT INTO {place.shadow} ({columns}) SELECT {place.key} + 900000000, {others} FROM {place.shadow} WHERE {place.key} < 10")  # fmt: skip
        until(lambda: int(place.figures()["differences_repaired"]) > 15, lambda: f"repairs: {place.figures()}")
        place.until_compared(1)
        assert place.passes()["last_repaired"] == 0, place.told()
        assert place.ask(f"SELECT count(*) FROM {place.shadow} WHERE {place.value} = 'tampered' OR {place.key} > 900000000") == [(0,)]  # fmt: skip
        assert "differed, and were resynced" in place.told()
        assert "All rows were compared last" in place.say("explain")
        assert "no differences" in place.say("explain")
        assert "# postpone-cut-over: until somebody says `unpostpone`" in place.say("status")
        assert place.say("cut-over").startswith("Unpostponed")
        status = run.wait(60)
        ended = time.monotonic()
        time.sleep(0.5)
        committed = writers.stop()
    place.assert_done(status, committed, ended)
    told = " ".join((place.folder / "output").read_text().split())
    assert re.search(r"all compared again \d+ times while the cut-over was postponed, last at 20\d\d-", told)


@on("postgres")
def test_a_shadow_that_is_written_again_and_again_ends_the_run(place: Place) -> None:
    over = threading.Event()

    def tamper() -> None:
        with cursor_of(place.server, place.database) as cursor:
            while not over.wait(0.02):
                try:
                    cursor.execute(f"UPDATE {place.shadow} SET {place.value} = 'again' WHERE {place.key} = {TAMPERED}")
                    cursor.execute("COMMIT")
                except Exception:  # it is gone, which is what is waited for
                    return

    definition = _shape(place)
    with place.started("--verify-every=1s") as run:
        place.until_postponed(run)
        tampering = threading.Thread(target=tamper)
        tampering.start()
        try:
            status = run.wait(120)
        finally:
            over.set()
            tampering.join()
    assert status == 8, place.told()
    assert f"{TAMPERED}" in place.told()
    assert "source is untouched" in place.told()
    assert _shape(place) == definition
    assert place.ask(f"SELECT count(*) FROM {place.table} WHERE {place.value} = 'again'") == [(0,)]
    assert {name for name in place.tables() if name not in place.change.expected} == set()


def _shape(place: Place) -> list[tuple[Any, ...]]:
    return sorted(
        place.ask(f"SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '{place.table}' AND column_name <> ''")
    )  # fmt: skip


@on("mysql", "mariadb", "postgres")
def test_the_application_reads_the_shadow_and_may_hold_up_the_exchange_within_its_budget(place: Place) -> None:
    """Its writers may wait for as long as the lock may, and a little for the server's own sake; longer is an error to them, by the server's limit."""
    reader_url = _reader(place)
    with place.started("--verify-every=off", "--checkpoint-seconds=1") as run, reader_url as reader:
        place.until_postponed(run)
        if place.postgres:
            place.do('GRANT USAGE ON SCHEMA "_public_accounts_gho" TO shadow_reader')
        reader.execute("BEGIN")
        reader.execute(f"SELECT count(*) FROM {place.shadow}")
        assert reader.fetchone() == (ROWS,)
        over, errors = threading.Event(), list[str]()
        writing = threading.Thread(target=_write_with_little_patience, args=(place, over, errors))
        writing.start()
        try:
            assert place.say("cut-over").startswith("Unpostponed")
            until(lambda: "cut-over attempt 2 of" in place.told() or run.poll() is not None, "two attempts")
            assert run.poll() is None, place.told()
            # The source has its name, and whoever writes it goes on.
            assert "extra" not in {str(name).lower() for name, _ in _shape_of_source(place)}
            reader.execute("COMMIT")
            assert run.wait(60) == 0, place.told()
        finally:
            over.set()
            writing.join()
    assert errors == []
    assert "cut-over attempt 1 of" in place.told()
    assert place.tables() == place.change.expected
    assert "extra" in {str(name).lower() for name, _ in _shape_of_source(place)}


@on("postgres")
def test_a_reader_who_does_not_go_leaves_the_source_in_place(place: Place) -> None:
    with place.started("--default-retries=2", "--checkpoint-seconds=1") as run, _reader(place) as reader:
        place.until_postponed(run)
        if place.postgres:
            place.do('GRANT USAGE ON SCHEMA "_public_accounts_gho" TO shadow_reader')
        reader.execute("BEGIN")
        reader.execute(f"SELECT count(*) FROM {place.shadow}")
        reader.fetchall()
        # Work that took long enough to be kept has a checkpoint.
        until(lambda: _checkpointed(place), "a checkpoint")
        place.say("cut-over")
        assert run.wait(60) == 9, place.told()
    assert "in 2 attempts" in place.told()
    assert "extra" not in {str(name).lower() for name, _ in _shape_of_source(place)}
    # The same command goes on, and waits again.
    with place.started() as run:
        place.until_postponed(run)
        assert "going on with the work of an earlier run" in place.told()
        place.say("cut-over")
        assert run.wait(60) == 0, place.told()
    assert place.tables() == place.change.expected


def _checkpointed(place: Place) -> bool:
    ledger = '"_public_accounts_gho"._ghostpy_ledger' if place.postgres else "_sbtest1_ghc"
    return bool(place.ask(f"SELECT id FROM {ledger} WHERE id = 'checkpoint'"))


def _shape_of_source(place: Place) -> list[tuple[Any, ...]]:
    schema = "'public'" if place.postgres else "DATABASE()"
    return place.ask(
        f"SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '{place.table}' AND table_schema = {schema}"
    )


@contextmanager
def _reader(place: Place) -> Iterator[Any]:
    """A cursor of an application's that may read, and no more."""
    with cursor_of(place.server, place.database) as cursor:
        if place.postgres:
            with contextlib.suppress(psycopg.errors.DuplicateObject):  # of another test
                cursor.execute("CREATE ROLE shadow_reader")
            cursor.execute(f"GRANT SELECT ON {place.table} TO shadow_reader")
            cursor.execute("SET ROLE shadow_reader")
        yield cursor


def _write_with_little_patience(place: Place, over: threading.Event, errors: list[str]) -> None:
    patience = (
        f"SET lock_timeout = '{BUDGET + 2}s'" if place.postgres else f"SET SESSION lock_wait_timeout = {BUDGET + 2}"
    )
    with cursor_of(place.server, place.database) as cursor:
        cursor.execute(patience)
        while not over.wait(0.01):
            try:
                cursor.execute(f"UPDATE {place.table} SET {place.value} = 'w' WHERE {place.key} = 77")
                cursor.execute("COMMIT")
            except Exception as error:
                errors.append(str(error))
                return


@on("mysql")
def test_killed_while_it_compares_again(place: Place) -> None:
    """In the middle of a pass; the next run waits again, compares again, and exchanges."""
    slow = ("--verify-every=1s", "--nice-ratio=20", "--workers=1", "--chunk-time=0.005", "--checkpoint-seconds=1")
    with Writers(place.load(100)) as writers:
        with place.started(*slow) as run:
            place.until_postponed(run)
            until(lambda: _checkpointed(place), "a checkpoint")
            until(lambda: place.passes()["under_way"], "a pass under way")
            run.kill()
            run.wait()
        assert place.ask(f"SELECT count(*) FROM {place.shadow}")[0][0] > ROWS / 2
        # Nobody looks after the shadow now.
        place.do(f"UPDATE {place.shadow} SET {place.value} = 'meanwhile' WHERE {place.key} BETWEEN 2000 AND 2009")
        with place.started("--verify-every=1s") as run:
            place.until_postponed(run)
            place.until_compared(1)
            assert int(place.figures()["differences_repaired"]) > 0
            place.say("cut-over")
            status = run.wait(60)
            ended = time.monotonic()
        time.sleep(0.5)
        committed = writers.stop()
    assert "going on with the work of an earlier run" in place.told()
    place.assert_done(status, committed, ended)


@on("mysql", "postgres")
def test_a_pass_on_demand_and_verify_by_its_own_command(place: Place) -> None:
    with place.started("--verify-every=off") as run:
        place.until_postponed(run)
        assert (place.passes()["again"], place.passes()["last_rows"]) == (0, ROWS)
        place.do(f"UPDATE {place.shadow} SET {place.value} = 'x' WHERE {place.key} = {TAMPERED}")
        seen = ghostpy("verify", *place.at, f"--other={place.shadow.replace(chr(34), '')}")
        assert seen.status == 19, seen.output + seen.errors
        assert str(TAMPERED) in seen.output + seen.errors
        assert place.say("verify").startswith("Comparing all rows again")
        until(lambda: place.passes()["again"] == 1, "the pass")
        assert place.passes()["last_repaired"] == 1
        assert ghostpy("verify", *place.at, f"--other={place.shadow.replace(chr(34), '')}").status == 0
        assert place.say("unpostpone").startswith("Unpostponed")
        assert run.wait(60) == 0, place.told()


@on("postgres")
def test_held_back_changes_go_by_a_shadow(place: Place) -> None:
    """Else there would be nothing to read, and no cut-over to hold back."""
    call = ["plan", *place.at, "--alter=ADD COLUMN x int", "--postpone-cut-over"]
    planned = ghostpy(*call, "--format=json")
    assert planned.status == 0, planned.errors
    document = json.loads(planned.output)
    assert document["strategy"] == "shadow"
    waiting = [step for step in document["steps"] if "wait until somebody says `cut-over`" in step["does"]]
    assert "compared again every 1h0m0s" in waiting[0]["does"]
    assert ghostpy(*call, "--strategy=auto").status == 2
    assert ghostpy(*call, "--attempt-instant-ddl").status == 2
    assert ghostpy(*call, "--verify=off", "--verify-every=1h").status == 2


@on("mysql")
def test_a_revert_within_the_window_does_not_wait(place: Place) -> None:
    with place.started("--revert-window=1h") as run:
        place.until_postponed(run)
        place.say("cut-over")
        until(lambda: "the old table is kept in step" in place.told(), lambda: f"the window: {place.told()}")
        done = ghostpy("revert", *place.at, "--execute")
        assert done.status == 0, done.errors
        assert run.wait(60) == 0
    assert "extra" not in {str(name).lower() for name, _ in _shape_of_source(place)}
