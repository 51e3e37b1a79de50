"""The server dies, sessions are ended, signals come, the run itself is killed: at each phase of a run on PostgreSQL."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from holding_postgres import (
    CHANGE,
    CLEAN_UP,
    COPY,
    EXCHANGE,
    INDEXES,
    LOCK,
    PHASES,
    POSTPONED,
    PREPARE,
    ROWS,
    SLOT,
    VERIFY,
    HeldRun,
    execute,
    make_gates,
    make_table,
)
from migrating import cursor_of, differences, ghostpy, url_of
from postgres_witness import Witness, assert_nothing_held, contents_of, held
from under_load import PGBENCH, assert_followed
from waiting import until
from witness import assert_failed

from ghostpy import sandbox
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Load
from ghostpy.sandbox.writers import Writers

soak = partial(pytest.param, marks=pytest.mark.soak)
NewDatabase = Callable[[sandbox.Server], str]
PostgresWith = Callable[[int, sandbox.Options], sandbox.PostgresServer]


@pytest.fixture(params=[18, soak(15)])
def server(request: pytest.FixtureRequest, postgres_with: PostgresWith) -> sandbox.PostgresServer:
    return postgres_with(request.param, {})


@pytest.fixture
def database(server: sandbox.PostgresServer, new_database: NewDatabase) -> str:
    """With the table."""
    database = new_database(server)
    make_table(server, database)
    return database


@pytest.fixture(params=[18, soak(15)])
def mortal(request: pytest.FixtureRequest, postgres_with: PostgresWith) -> sandbox.PostgresServer:
    """A server that may be killed."""
    return postgres_with(request.param, {"shared_buffers": "64MB"})


@pytest.fixture
def mortal_database(mortal: sandbox.PostgresServer, new_database: NewDatabase) -> str:
    """With the table."""
    database = new_database(mortal)
    make_table(mortal, database)
    return database


def run_again(server: sandbox.Server, database: str) -> None:
    """The same command once more, which now succeeds."""
    finished = ghostpy("migrate", f"--url={url_of(server, database)}", *CHANGE, "--execute")
    assert finished.status == 0, finished.errors
    assert_changed(server, database)


def assert_changed(server: sandbox.Server, database: str) -> None:
    with cursor_of(server, database) as cursor:
        cursor.execute("SELECT count(*), sum(k), min(extra), max(extra) FROM t")
        new = cursor.fetchone()
        cursor.execute("SELECT count(*), sum(k), 5, 5 FROM _public_t_del.t")
        assert new == cursor.fetchone()
        cursor.execute("SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND tablename = 't' ORDER BY 1")
        assert cursor.fetchall() == [("t_k",), ("t_pkey",)]
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '^_public'")
        assert cursor.fetchall() == [("_public_t_del",)]
    assert_nothing_held(server, database)


# --- the server ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [PREPARE, SLOT, COPY, INDEXES, soak(VERIFY), POSTPONED, soak(LOCK), EXCHANGE])
def test_server_killed(mortal: sandbox.PostgresServer, mortal_database: str, tmp_path: Path, phase: str) -> None:
    witness = Witness(mortal, mortal_database)
    with HeldRun(mortal, mortal_database, tmp_path) as run:
        run.hold_at(phase)
        mortal.kill()
        mortal.start()
        finished = run.ended()
    assert_failed(finished, 4, f"{mortal.host}:{mortal.port}", "public.t was not changed")
    witness.assert_as_before()


def test_server_stays_away(mortal: sandbox.PostgresServer, mortal_database: str, tmp_path: Path) -> None:
    before = contents_of(mortal, mortal_database)
    with HeldRun(mortal, mortal_database, tmp_path) as run:
        run.hold_at(COPY)
        mortal.kill()
        until(lambda: "still trying to remove" in run.told(), "the clean-up to tell of its trouble")
        run.signal(signal.SIGTERM)  # nobody wants to wait any longer
        finished = run.ended()
        mortal.start()
    assert_failed(finished, 4, "public.t was not changed", "_public_t_gho", "left behind", "ghostpy cleanup")
    assert contents_of(mortal, mortal_database)["public.t"] == before["public.t"]
    assert set(held(mortal, mortal_database)) == {"slots", "publications", "schemas"}
    run_again(mortal, mortal_database)


def test_server_killed_under_load(mortal: sandbox.PostgresServer, new_database: NewDatabase, tmp_path: Path) -> None:
    database = _pgbench(mortal, new_database)
    with Writers(_load(mortal, database, rate=300)) as writers:
        with HeldRun(mortal, database, tmp_path, **_PGBENCH) as run:
            run.hold_at(POSTPONED)
            mortal.kill()
            mortal.start()
            finished = run.ended()
        committed = writers.stop()
    assert_failed(finished, 4, "public.accounts was not changed")
    with cursor_of(mortal, database) as cursor:
        # Each of the four writers may have lost one answer, to a transaction of three rows at most.
        assert len(differences(cursor, "accounts", committed, key="aid")) <= 4 * 3 * 3
        assert len(committed.touched) > 10
    assert set(contents_of(mortal, database)) == {"objects", "columns", "rest", "public.accounts"}
    assert_nothing_held(mortal, database)


_PGBENCH: Any = {"table": "accounts", "change": ("--table=public.accounts", f"--alter={PGBENCH.alter}")}


def _pgbench(server: sandbox.Server, new_database: NewDatabase) -> str:
    database = new_database(server)
    with cursor_of(server, database) as cursor:
        fill(cursor, PGBENCH.shape, PGBENCH.table, ROWS)
    make_gates(server, database)
    return database


def _load(server: sandbox.Server, database: str, *, rate: float) -> Load:
    return Load(
        server.host, server.port, database, PGBENCH.table, ROWS, user=server.user, rate=rate, shape=PGBENCH.shape
    )


# --- sessions -----------------------------------------------------------------------------------------------------------


def _end_sessions(run: HeldRun, phases: Sequence[str]) -> None:
    """At each phase, all sessions but the lock's: the walsender, the stream's own, workers, housekeeping, cut-over."""
    for phase in phases:
        run.hold_at(phase)
        until(run.reads_stream, "the walsender, which may have been ended a moment ago")
        run.end_sessions(run.sessions() - run.sessions("heartbeat"))


@pytest.mark.parametrize("server", [18, 15], indirect=True)
def test_sessions_replaced(server: sandbox.PostgresServer, database: str, tmp_path: Path) -> None:
    with HeldRun(server, database, tmp_path) as run:
        _end_sessions(run, (COPY, INDEXES, VERIFY, POSTPONED, LOCK, EXCHANGE))
        run.release()
        finished = run.ended()
    assert finished.status == 0, finished.errors
    assert "attempt 2 of" in finished.errors
    assert_changed(server, database)


def test_sessions_replaced_under_load(
    server: sandbox.PostgresServer, new_database: NewDatabase, tmp_path: Path
) -> None:
    database = _pgbench(server, new_database)
    load = _load(server, database, rate=200)
    with Writers(load) as writers, HeldRun(server, database, tmp_path, **_PGBENCH) as run:
        _end_sessions(run, (COPY, INDEXES, POSTPONED, LOCK, EXCHANGE))
        run.release()
        finished = run.ended()
        time.sleep(0.3)
        committed = writers.stop()
    assert finished.status == 0, finished.errors
    with cursor_of(server, database) as cursor:
        assert_followed(cursor, PGBENCH, committed, finished)
    assert_nothing_held(server, database)


@pytest.mark.parametrize("phase", [soak(PREPARE), SLOT, COPY, INDEXES, soak(VERIFY), POSTPONED, soak(LOCK), EXCHANGE])
def test_lock_lost(server: sandbox.PostgresServer, database: str, tmp_path: Path, phase: str) -> None:
    """Without its lock a run must not go on: another may begin."""
    witness = Witness(server, database)
    with HeldRun(server, database, tmp_path) as run:
        run.hold_at(phase)
        run.end_sessions(run.sessions("heartbeat"))
        if phase not in (PREPARE, SLOT):  # the heart begins to beat after these
            until(lambda: not run.waiting_for_us(), "the run's waiting statements to end")
        run.release()
        finished = run.ended()
    assert_failed(finished, 4, "the connection was lost", "public.t was not changed")
    witness.assert_as_before()


# --- signals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("number", [signal.SIGINT, soak(signal.SIGTERM)], ids=lambda number: number.name)
def test_signal(
    server: sandbox.PostgresServer, database: str, tmp_path: Path, phase: str, number: signal.Signals
) -> None:
    witness = Witness(server, database)
    with HeldRun(server, database, tmp_path) as run:
        run.hold_at(phase)
        run.signal(number)
        until(lambda: not run.waiting_for_us(), "the run's waiting statements to end")
        run.release()
        finished = run.ended()
    assert_failed(finished, 128 + number, f"{number.name} ended the run", "public.t was not changed")
    witness.assert_as_before()


def test_signal_twice(server: sandbox.PostgresServer, database: str, tmp_path: Path) -> None:
    before = contents_of(server, database)
    with HeldRun(server, database, tmp_path) as run:
        run.hold_at(COPY)
        run.signal(signal.SIGTERM)
        # The test's lock on the shadow keeps it from being dropped.
        run.until_waiting("housekeeping", "%DROP TABLE")
        run.signal(signal.SIGTERM)
        finished = run.ended()
    assert_failed(finished, 143, "without cleaning up", "the schema _public_t_gho")
    until(lambda: not held(server, database).get("sessions"), "the DROP that was under way")
    assert contents_of(server, database)["public.t"] == before["public.t"]
    run_again(server, database)


def test_run_stands_still(server: sandbox.PostgresServer, database: str, tmp_path: Path) -> None:
    """The server does not leave the table locked for want of a run that goes on."""
    with HeldRun(server, database, tmp_path) as run:
        run.lock_seconds = 1
        run.hold_at(EXCHANGE)
        run.signal(signal.SIGSTOP)
        run.release()
        # Waits for as long as the exchange's locks are held.
        execute(server, database, "SET lock_timeout = '60s'", "SELECT count(*) FROM t")
        assert "_public_t_del.t" not in contents_of(server, database)
        run.signal(signal.SIGCONT)
        finished = run.ended()
    assert finished.status == 0, finished.errors
    assert "attempt 1 of" in finished.errors
    assert_changed(server, database)


@pytest.mark.parametrize("phase", [SLOT, soak(COPY), EXCHANGE])
def test_run_killed(server: sandbox.PostgresServer, database: str, tmp_path: Path, phase: str) -> None:
    """What a killed run leaves is listed and removed by `ghostpy cleanup`."""
    witness = Witness(server, database)
    with HeldRun(server, database, tmp_path) as run:
        run.hold_at(phase)
        run.kill()
        run.release()
    until(lambda: not held(server, database).keys() & {"sessions", "locks"}, "the server to notice")
    # The session that makes the slot goes on doing so, for all that the server knows.
    kinds = {"slots", "publications", "schemas"}
    assert set(held(server, database)) == kinds
    cleanup = ("cleanup", f"--url={url_of(server, database)}")
    listed = ghostpy(*cleanup)
    assert (listed.status, set(held(server, database))) == (0, kinds), listed.errors
    assert "left by a dead run" in listed.output
    removed = ghostpy(*cleanup, "--execute")
    assert removed.status == 0, removed.errors
    witness.assert_as_before()


@pytest.mark.parametrize("phase", [INDEXES, soak(EXCHANGE)])
def test_run_killed_and_begun_again(server: sandbox.PostgresServer, database: str, tmp_path: Path, phase: str) -> None:
    """Nobody need clean up before the next run, which makes all anew."""
    with HeldRun(server, database, tmp_path) as run:
        run.hold_at(phase)
        run.kill()
        run.release()
    until(lambda: not held(server, database).get("locks"), "the server to notice")
    run_again(server, database)


@pytest.mark.parametrize("drop", [False, True])
def test_killed_behind_the_exchange(server: sandbox.PostgresServer, database: str, tmp_path: Path, drop: bool) -> None:
    """Before it has dropped anything, and though it had made no checkpoint until its exchange: the next run ends the work."""
    flags = ("--ok-to-drop-table",) if drop else ()
    with HeldRun(server, database, tmp_path, *flags) as run:
        run.hold_at(CLEAN_UP)
        run.kill()
        run.end_sessions(run.sessions())
    _end_the_work(server, database, *flags)


def test_killed_before_its_slot_was_dropped(server: sandbox.PostgresServer, database: str, tmp_path: Path) -> None:
    """It is called by the table that was the source then, and the next run's source is another one."""
    with HeldRun(server, database, tmp_path) as run:
        run.hold_at(CLEAN_UP)
        run.kill()
        run.end_sessions(run.sessions())
    # The moment between the exchange and the dropping is too short to be met: this is what it leaves.
    execute(
        server,
        database,
        "SELECT pg_create_logical_replication_slot('ghostpy_' || d.oid || '_' || l.value, 'pgoutput') "
        "FROM pg_database d, _public_t_gho._ghostpy_ledger l WHERE d.datname = current_database() AND l.id = 'oid'",
    )
    assert "slots" in held(server, database)
    _end_the_work(server, database)


def test_killed_between_its_last_drops(server: sandbox.PostgresServer, database: str, tmp_path: Path) -> None:
    """The old table is gone, the ledger is not: there is no table left to know the exchange by."""
    with HeldRun(server, database, tmp_path, "--ok-to-drop-table") as run:
        run.hold_at(POSTPONED)
        reader = run.another()
        reader.do("BEGIN", "SELECT FROM _public_t_gho._ghostpy_ledger LIMIT 1")
        run.release()
        run.until_waiting("housekeeping", "BEGIN; DROP TABLE")
        run.kill()
        run.end_sessions(run.sessions())
        reader.close()
    assert "_public_t_del.t" not in contents_of(server, database)
    _end_the_work(server, database, "--ok-to-drop-table")


def _end_the_work(server: sandbox.Server, database: str, *flags: str) -> None:
    finished = ghostpy("migrate", f"--url={url_of(server, database)}", *CHANGE, "--execute", *flags)
    assert finished.status == 0, finished.errors
    assert "an earlier run has exchanged the names" in finished.errors
    if flags:
        found = execute(server, database, "SELECT count(*), min(extra), max(extra) FROM t")
        assert found == [(ROWS, 5, 5)]
        assert execute(server, database, "SELECT nspname FROM pg_namespace WHERE nspname ~ '^_public'") == []
        assert_nothing_held(server, database)
    else:
        assert_changed(server, database)


# --- others -------------------------------------------------------------------------------------------------------------


def test_second_run(server: sandbox.PostgresServer, database: str, tmp_path: Path) -> None:
    second = ("migrate", f"--url={url_of(server, database)}", *CHANGE)
    with HeldRun(server, database, tmp_path) as run:
        run.hold_at(POSTPONED)
        for flags in ((), ("--execute",)):
            where = f"public.t on {server.host}:{server.port}"
            assert_failed(ghostpy(*second, *flags), 75, "another run", where, "nothing was changed", "wait")
        cleanup = ghostpy("cleanup", f"--url={url_of(server, database)}", "--execute")
        assert (cleanup.status, "removed" in cleanup.output) == (0, False), cleanup.errors
        run.release()
        assert run.ended().status == 0
    assert_changed(server, database)
