"""A backfill that is killed at any moment, or whose answers are lost, and begun again by the same command: each row exactly once."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import pytest
from backfilling import ALONE, Application, Backfilled, Run, assert_each_once, make_backfilled, running
from migrating import Finished, ghostpy, url_of
from msgspec.structs import replace
from proxy import proxied
from silent import Silent
from waiting import until

from ghostpy import sandbox
from ghostpy.assembly.backfilling import backfill
from ghostpy.dialects.mysql import session as mysql_session
from ghostpy.dialects.postgres import session as postgres_session
from ghostpy.model.progress import RunReport
from ghostpy.settings import ConnectSettings, CopySettings, MigrateSettings, TargetSettings

NewDatabase = Callable[[sandbox.Server], str]
KINDS = ["mysql", "mariadb", "postgres"]
SLOWLY = ("--chunk-size=10", "--nice-ratio=3")
_ROWS = 6_000


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> sandbox.Server:
    found: sandbox.Server = request.getfixturevalue(request.param)
    return found


def _killed_until_done(place: Backfilled, folder: Path, *, kills: int, longest: float, seed: int) -> int:
    """Kill so many runs at random moments, then let one come to its end; how many of them went on with the work of another.

    Once a ledger has been seen, --resume keeps a run that was killed behind the end of the work from beginning anew.
    """
    choose, resumed, begun = random.Random(seed), 0, False
    for number in range(kills + 1):
        again = ("--resume",) if begun else ()
        with running(place, folder, *SLOWLY, *again, *(("--nice-ratio=0",) if number == kills else ())) as run:
            if number == kills:
                run.process.wait(300.0)
            else:
                _kill(place, run, choose, longest if number % 2 else None)
            told = run.told()
        resumed += "going on with the work of an earlier run" in told
        begun = begun or place.is_begun()
        if run.process.returncode == 17:
            assert "never begun, or it is done" in told
            break
        if run.process.returncode == 0:
            break
        assert run.process.returncode == -9, f"seed {seed}:\n{told}"
    return resumed


def _kill(place: Backfilled, run: Run, choose: random.Random, longest: float | None) -> None:
    """At any moment up to `longest` seconds; without it some time after the run has updated rows."""
    if longest is None:
        before = place.updated()
        until(lambda: run.process.poll() is not None or place.updated() > before, "rows")
    try:
        run.process.wait(choose.uniform(0.0, longest or 1.0))
    except subprocess.TimeoutExpired:
        run.kill()


def _killed(server: sandbox.Server, new_database: NewDatabase, folder: Path, *, kills: int, seed: int) -> None:
    place = make_backfilled(server, new_database, _ROWS)
    with Application(place, _ROWS, seed=seed) as application:
        resumed = _killed_until_done(place, folder, kills=kills, longest=2.5, seed=seed)
    print(f"{server.kind}: {resumed} runs resumed, {application.wrote.transactions} transactions beside them")
    assert resumed > 0
    assert place.tables() == ALONE[server.kind]
    assert_each_once(place, application.wrote, _ROWS)


def test_killed_again_and_again(server: sandbox.Server, new_database: NewDatabase, tmp_path: Path) -> None:
    _killed(server, new_database, tmp_path, kills=3, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_killed_many_times(server: sandbox.Server, new_database: NewDatabase, tmp_path: Path, seed: int) -> None:
    _killed(server, new_database, tmp_path, kills=20, seed=100 + seed)


# --- answers that are lost ----------------------------------------------------------------------------------------------


class Fates:
    """Which statements of the chunks lose their session: before they are carried out, or behind that."""

    def __init__(self, seed: int) -> None:
        self._choose = random.Random(seed)
        # Of the UPDATEs some are of the rows, and some of the ledger.
        self.left = [(word, done) for word in ("COMMIT", "UPDATE") for done in (True, False)] * 3
        self._choose.shuffle(self.left)
        self._pass_over = 5

    def of(self, sql: str) -> bool | None:
        """Whether a statement is carried out whose answer is lost; None: all goes well."""
        self._pass_over -= 1
        if self._pass_over > 0 or not self.left or not sql.startswith(self.left[-1][0]):
            return None
        self._pass_over = self._choose.randrange(6, 12)
        return self.left.pop()[1]


@pytest.fixture
def fates(monkeypatch: pytest.MonkeyPatch) -> Fates:
    """Hold for the sessions that update rows, of either kind."""
    fates = Fates(5)
    execute, run = mysql_session.Session.execute, postgres_session.Session._run

    async def execute_or_not(session: mysql_session.Session, sql: str, *, doing: str = "") -> int:
        if session.purpose != "rows" or (fate := fates.of(sql)) is None:
            return await execute(session, sql, doing=doing)
        if fate:
            await execute(session, sql, doing=doing)
        await asyncio.to_thread(mysql_session.kill, session.settings, session.connection_id)
        return await execute(session, "DO 1", doing=doing)

    async def run_or_not(
        session: postgres_session.Session, sql: str, params: Sequence[object] | None, doing: str
    ) -> psycopg.AsyncCursor[postgres_session.Row]:
        if session._purpose != "rows" or (fate := fates.of(sql)) is None:
            return await run(session, sql, params, doing)
        if fate:
            await run(session, sql, params, doing)
        assert session.backend is not None
        await asyncio.to_thread(_end, session.settings.dsn, session.backend.pid)
        return await run(session, "SELECT 1", None, doing)

    monkeypatch.setattr(mysql_session.Session, "execute", execute_or_not)
    monkeypatch.setattr(postgres_session.Session, "_run", run_or_not)
    return fates


def _end(dsn: str, process: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        assert connection.execute("SELECT pg_terminate_backend(%s, 10000)", [process]).fetchone() == (True,)


def _settings(place: Backfilled) -> MigrateSettings:
    server = place.server
    connect = ConnectSettings(host=server.host, port=server.port, user=server.user)
    if server.kind == "postgres":
        connect = replace(connect, dialect="postgres", dsn=url_of(server, place.database))
    return MigrateSettings(
        connect=connect,
        target=TargetSettings(database=place.database, table="t", assignments=(("n", "n + 1"),), where="wanted = 1"),
        copy=CopySettings(chunk_rows=100),
        execute=True,
    )


def test_lost_answers(server: sandbox.Server, new_database: NewDatabase, fates: Fates) -> None:
    """Nobody knows what became of the chunk, then: it is looked up, under the ledger's lock."""
    place = make_backfilled(server, new_database, 4000)
    report = asyncio.run(backfill(_settings(place), Silent()))
    assert isinstance(report, RunReport)
    assert fates.left == []
    assert place.tables() == ALONE[server.kind]
    assert_each_once(place, rows=4000)
    # What MySQL reports as updated, and what is counted, is the same.
    assert (report.rows_updated, report.rows_copied) == (2000, 4000)


@pytest.mark.parametrize("kind", ["mysql", pytest.param("mariadb", marks=pytest.mark.soak), "postgres"])
def test_cut_off_again_and_again(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path, kind: str
) -> None:
    """All connections at once, at any moment: the run goes on or ends, and the same command goes on then."""
    server: sandbox.Server = request.getfixturevalue(kind)
    place, choose = make_backfilled(server, new_database, 6000), random.Random(3)
    with proxied(server.host, server.port) as proxy, Application(place, 6000) as application:
        through = dataclasses.replace(place, port=proxy.port)
        for cuts in (3, 0):
            again = ("--resume",) if place.is_begun() else ()
            with running(through, tmp_path, *SLOWLY, *again, *(() if cuts else ("--nice-ratio=0",))) as run:
                until(lambda run=run: run.process.poll() is not None or place.is_begun(), "a ledger")  # type: ignore[misc]
                for _ in range(cuts):
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        run.process.wait(choose.uniform(0.05, 0.5))
                    proxy.cut()
                run.process.wait(120)
                status, told = run.process.returncode, run.told()
            assert status in (0, 4, 17), told
            if status != 4:
                break
    assert status in (0, 17)
    assert place.tables() == ALONE[server.kind]
    assert_each_once(place, application.wrote, 6000)


# --- what a dead run has left -------------------------------------------------------------------------------------------


def _dead(place: Backfilled, folder: Path) -> int:
    """Kill a run in the middle; the rows that it has updated, once nothing of it is under way on the server."""
    with running(place, folder, *SLOWLY) as run:
        run.until(place.updated, "rows")
        run.kill()
    deadline = time.monotonic() + 60
    while "in use by a run" in _cleaned(place).output:
        assert time.monotonic() < deadline
    return place.updated()


def _cleaned(place: Backfilled, *flags: str) -> Finished:
    done = ghostpy("cleanup", f"--url={url_of(place.server, place.database)}", *flags)
    assert done.status == 0, done.errors
    return done


@pytest.mark.parametrize("kind", ["mysql", "postgres"])
def test_another_backfill_instead(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path, kind: str
) -> None:
    """It is refused; --restart begins it, but not before it is found good."""
    place = make_backfilled(request.getfixturevalue(kind), new_database)
    done = _dead(place, tmp_path)
    other = dataclasses.replace(place, sets=("n = n + 2",))
    refused = other.run("--execute")
    assert refused.status == 17, refused.errors
    assert "it differs in --set" in refused.errors
    assert "--restart" in refused.errors
    elsewhere = dataclasses.replace(place, where="wanted = 0").run("--execute")
    assert (elsewhere.status, "it differs in --where" in elsewhere.errors) == (17, True), elsewhere.errors
    place.do("CREATE TABLE u (id INT PRIMARY KEY, n INT NOT NULL, wanted INT NOT NULL)")
    same_ledger = ("--table=u", f"--force-table-names={'public_t' if kind == 'postgres' else 't'}")
    of_another = place.run("--execute", *same_ledger)
    assert (of_another.status, "it differs in the table" in of_another.errors) == (17, True), of_another.errors
    place.do("DROP TABLE u")
    bad = dataclasses.replace(place, sets=("n = nobody",)).run("--execute", "--restart")
    assert bad.status == 3, bad.errors
    assert place.updated() == done
    assert place.is_begun()
    anew = other.run("--execute", "--restart")
    assert anew.status == 0, anew.errors
    assert "going on with" not in anew.errors
    assert place.tables() == ALONE[kind]
    assert sorted(place.ask("SELECT n, COUNT(*) FROM t GROUP BY n")) == [(0, 5000), (2, 5000 - done), (3, done)]


@pytest.mark.parametrize("kind", ["mysql", "postgres"])
def test_cleaned_up(request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path, kind: str) -> None:
    place = make_backfilled(request.getfixturevalue(kind), new_database)
    with running(place, tmp_path, *SLOWLY, "--nice-ratio=10") as run:
        run.until(place.updated, "rows")
        busy = _cleaned(place, "--execute")
        assert "in use by a run" in busy.output
        assert run.process.poll() is None
        run.process.send_signal(signal.SIGKILL)
        run.process.wait()
    done = place.updated()
    assert place.is_begun()
    until(lambda: "left by a dead run" in _cleaned(place).output, "the dead run to be seen as that")
    listed = _cleaned(place)
    assert "ledger of a backfill" in listed.output
    assert "Nothing was removed" in listed.output
    assert place.is_begun()
    assert "removed" in _cleaned(place, "--execute").output
    assert place.tables() == ALONE[kind]
    assert place.updated() >= done
    gone = place.run("--execute", "--resume")
    assert gone.status == 17, gone.errors
