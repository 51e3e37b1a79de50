"""The server dies, sessions are killed, signals come, somebody alters the table: at each phase of a run."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from holding_mysql import COPY, EXCHANGE, LOCK, PHASES, POSTPONED, PREPARE, ROWS, VERIFY, HeldRun, Holder, make_table
from migrating import assert_nothing_lost, cursor_of, differences, ghostpy
from waiting import until
from witness import Witness, assert_failed, assert_nothing_held, tables_of

from ghostpy import sandbox
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Load
from ghostpy.sandbox.shapes import SysbenchRows
from ghostpy.sandbox.writers import Writers

NewDatabase = Callable[[sandbox.Server], str]


@pytest.fixture(scope="module")
def mortal(mysql_with: Callable[[sandbox.Options], sandbox.MySQLServer]) -> sandbox.MySQLServer:
    """A server that may be killed."""
    return mysql_with({"innodb-buffer-pool-size": "64M"})


def run_again(server: sandbox.Server, database: str, *flags: str) -> None:
    """The same command once more, which now succeeds."""
    finished = ghostpy(
        "migrate",
        f"--url={server.url}/{database}",
        "--table=t",
        "--alter=ADD COLUMN extra INT NOT NULL DEFAULT 5",
        "--execute",
        *flags,
    )
    print(finished.output, finished.errors, sep="\n")  # shown where the test fails
    assert finished.status == 0
    assert_changed(server, database)


def assert_changed(server: sandbox.Server, database: str) -> None:
    with cursor_of(server, database) as cursor:
        cursor.execute("SELECT COUNT(*), SUM(k), MIN(extra), MAX(extra) FROM t")
        new = cursor.fetchone()
        cursor.execute("SELECT COUNT(*), SUM(k), 5, 5 FROM _t_del")
        assert new == cursor.fetchone()
        cursor.execute("SHOW TABLES")
        assert {row[0] for row in cursor.fetchall()} == {"t", "_t_del"}
    assert_nothing_held(server)


@pytest.mark.parametrize("phase", PHASES)
def test_server_killed(mortal: sandbox.MySQLServer, new_database: NewDatabase, tmp_path: Path, phase: str) -> None:
    database = new_database(mortal)
    make_table(mortal, database)
    witness = Witness(mortal, database)
    with HeldRun(mortal, database, tmp_path) as run:
        run.hold_at(phase)
        mortal.kill()
        mortal.start()
        finished = run.ended()
    assert_failed(finished, 4, f"{mortal.host}:{mortal.port}", f"{database}.t was not changed")
    witness.assert_as_before()
    run_again(mortal, database)


def test_killed_while_it_plans(mysql: sandbox.MySQLServer, database: str, tmp_path: Path) -> None:
    """Nothing tells yet whose the empty clone is: it must be in nobody's way, though the server made it after the kill."""
    make_table(mysql, database)
    with HeldRun(mysql, database, tmp_path) as run:
        run.hold_at(PREPARE)
        run.kill()
        run.release()
    until(lambda: len(tables_of(mysql, database)) == 2, "the server to carry out what it was told")
    run_again(mysql, database)


def _there(server: sandbox.MySQLServer, database: str, table: str) -> bool:
    named = f"TABLE_SCHEMA = '{database}' AND TABLE_NAME = '{table}'"
    return bool(server.execute(f"SELECT 1 FROM information_schema.TABLES WHERE {named}"))


@pytest.mark.parametrize("drop", [False, True])
def test_killed_at_the_exchange(mysql: sandbox.MySQLServer, database: str, tmp_path: Path, drop: bool) -> None:
    """The server carries it out for nobody, and there was no checkpoint until then: the next run ends the work."""
    make_table(mysql, database)
    flags = ("--ok-to-drop-table",) if drop else ()
    with HeldRun(mysql, database, tmp_path, *flags) as run:
        run.hold_at(EXCHANGE)
        run.kill()
        run.release()
    until(lambda: _there(mysql, database, "_t_del"), "the server to carry out what it was told")
    if drop:
        end_the_work(mysql, database, *flags)
    else:
        run_again(mysql, database)


def test_killed_between_its_last_drops(mysql: sandbox.MySQLServer, database: str, tmp_path: Path) -> None:
    """The old table is gone, the ledger is not: there is no table left to know the exchange by."""
    make_table(mysql, database)
    with HeldRun(mysql, database, tmp_path, "--ok-to-drop-table") as run:
        run.hold_at(LOCK)
        reader = Holder(mysql, database)
        reader.do("BEGIN", "SELECT * FROM _t_ghc LIMIT 1")
        run.release()
        until(lambda: run.alive() and run.waits("table metadata lock", "DROP TABLE"), "the ledger to be dropped")
        run.kill()
        for session in run.sessions() - {reader.identity}:
            run.kill_session(session)
        reader.close()
    assert tables_of(mysql, database).keys() == {"t", "_t_ghc"}
    end_the_work(mysql, database, "--ok-to-drop-table")


def end_the_work(server: sandbox.Server, database: str, *flags: str) -> None:
    """The same command once more, which finds the names exchanged, and leaves nothing but the table."""
    alter = "--alter=ADD COLUMN extra INT NOT NULL DEFAULT 5"
    finished = ghostpy("migrate", f"--url={server.url}/{database}", "--table=t", alter, "--execute", *flags)
    assert finished.status == 0, finished.errors
    assert "an earlier run has exchanged the names" in finished.errors
    with cursor_of(server, database) as cursor:
        cursor.execute("SELECT COUNT(*), MIN(extra), MAX(extra) FROM t")
        assert cursor.fetchall() == ((ROWS, 5, 5),)
        cursor.execute("SHOW TABLES")
        assert cursor.fetchall() == (("t",),)
    assert_nothing_held(server)


def test_server_stays_away(mortal: sandbox.MySQLServer, new_database: NewDatabase, tmp_path: Path) -> None:
    database = new_database(mortal)
    make_table(mortal, database)
    before = tables_of(mortal, database)
    with HeldRun(mortal, database, tmp_path) as run:
        run.hold_at(COPY)
        mortal.kill()
        until(lambda: "still trying to remove" in run.told(), "the clean-up to tell of its trouble")
        run.signal(signal.SIGTERM)  # nobody wants to wait any longer
        finished = run.ended()
        mortal.start()
    assert_failed(
        finished, 4, f"{database}.t was not changed", f"{database}._t_gho", f"{database}._t_ghc", "left behind"
    )
    left = tables_of(mortal, database)
    assert set(left) == {"t", "_t_gho", "_t_ghc"}
    assert left["t"] == before["t"]
    assert ghostpy("migrate", f"--url={mortal.url}/{database}", "--table=t", "--alter=ADD a INT").status == 3
    run_again(mortal, database, "--initially-drop-ghost-table")


def test_server_killed_under_load(mortal: sandbox.MySQLServer, new_database: NewDatabase, tmp_path: Path) -> None:
    database = new_database(mortal)
    with cursor_of(mortal, database) as cursor:
        fill(cursor, SysbenchRows(), "t", ROWS)
    with Writers(Load(mortal.host, mortal.port, database, "t", ROWS, rate=300)) as writers:
        with HeldRun(mortal, database, tmp_path) as run:
            run.hold_at(POSTPONED)
            mortal.kill()
            mortal.start()
            finished = run.ended()
        committed = writers.stop()
    assert_failed(finished, 4, f"{database}.t was not changed")
    with cursor_of(mortal, database) as cursor:
        # Each of the four writers may have lost one answer, to a transaction of three rows at most.
        assert len(differences(cursor, "t", committed)) <= 4 * 3 * 3
        assert len(committed.touched) > 10
    assert set(tables_of(mortal, database)) == {"t"}


def _kill_sessions(run: HeldRun, phases: Sequence[str]) -> None:
    """At each phase, all sessions but the lock's."""
    for phase in phases:
        run.hold_at(phase)
        victims = run.sessions() - {run.heartbeat_session()}
        assert len(victims) >= 2  # the stream's two at least; workers' sessions are opened when they are needed
        for session in victims:
            run.kill_session(session)
        if phase is not POSTPONED:
            until(lambda gone=victims: not gone & run.sessions(), "the killed sessions to be gone")


def test_sessions_replaced(mysql: sandbox.MySQLServer, database: str, tmp_path: Path) -> None:
    make_table(mysql, database)
    with HeldRun(mysql, database, tmp_path) as run:
        _kill_sessions(run, (VERIFY, POSTPONED, LOCK, EXCHANGE))
        run.release()
        finished = run.ended()
    assert finished.status == 0, finished.errors
    assert "attempt 2 of" in finished.errors
    assert_changed(mysql, database)


def test_sessions_replaced_under_load(mysql: sandbox.MySQLServer, database: str, tmp_path: Path) -> None:
    with cursor_of(mysql, database) as cursor:
        fill(cursor, SysbenchRows(), "t", ROWS)
    load = Load(mysql.host, mysql.port, database, "t", ROWS, rate=200)
    with Writers(load) as writers, HeldRun(mysql, database, tmp_path) as run:
        _kill_sessions(run, (COPY, POSTPONED, LOCK, EXCHANGE))
        run.release()
        finished = run.ended()
        time.sleep(0.3)
        committed = writers.stop()
    assert finished.status == 0, finished.errors
    with cursor_of(mysql, database) as cursor:
        assert_nothing_lost(
            cursor, table="t", old="_t_del", columns=("k", "c", "pad"), committed=committed, finished=finished
        )
    assert set(tables_of(mysql, database)) == {"t", "_t_del"}
    assert_nothing_held(mysql)


@pytest.mark.parametrize("phase", [COPY, VERIFY, POSTPONED, LOCK, EXCHANGE])
def test_lock_lost(mysql: sandbox.MySQLServer, database: str, tmp_path: Path, phase: str) -> None:
    """Without its lock a run must not go on: another may begin."""
    make_table(mysql, database)
    witness = Witness(mysql, database)
    with HeldRun(mysql, database, tmp_path) as run:
        run.hold_at(phase)
        run.kill_session(run.heartbeat_session())
        until(lambda: not run.waiting_for_us(), "the run's waiting statements to end")
        run.release()
        finished = run.ended()
    assert_failed(finished, 4, "the connection was lost", f"{database}.t was not changed")
    witness.assert_as_before()


@pytest.mark.parametrize(
    ("number", "phase"),
    [(signal.SIGTERM, phase) for phase in PHASES] + [(signal.SIGINT, COPY), (signal.SIGINT, EXCHANGE)],
    ids=lambda value: value.name if isinstance(value, signal.Signals) else value,
)
def test_signal(mysql: sandbox.MySQLServer, database: str, tmp_path: Path, phase: str, number: signal.Signals) -> None:
    make_table(mysql, database)
    witness = Witness(mysql, database)
    with HeldRun(mysql, database, tmp_path) as run:
        run.hold_at(phase)
        run.signal(number)
        until(lambda: not run.waiting_for_us(), "the run's waiting statements to end")
        run.release()
        finished = run.ended()
    assert_failed(finished, 128 + number, f"{number.name} ended the run", f"{database}.t was not changed")
    witness.assert_as_before()


def test_signal_twice(mysql: sandbox.MySQLServer, database: str, tmp_path: Path) -> None:
    make_table(mysql, database)
    before = tables_of(mysql, database)
    with HeldRun(mysql, database, tmp_path) as run:
        run.hold_at(COPY)
        run.signal(signal.SIGTERM)
        # The test's lock on the shadow keeps it from being dropped.
        until(lambda: run.waits("table metadata lock", "DROP TABLE"), "the clean-up")
        run.signal(signal.SIGTERM)
        finished = run.ended()
    assert_failed(finished, 143, "without cleaning up", f"{database}._t_gho", f"{database}._t_ghc")
    until(lambda: not _there(mysql, database, "_t_gho"), "the DROP that was under way")
    assert tables_of(mysql, database)["t"] == before["t"]
    assert_nothing_held(mysql)
    run_again(mysql, database, "--initially-drop-ghost-table")


def test_second_run(mysql: sandbox.MySQLServer, database: str, tmp_path: Path) -> None:
    make_table(mysql, database)
    second = (
        "migrate",
        f"--url={mysql.url}/{database}",
        "--table=t",
        "--alter=ADD b INT",
        "--initially-drop-ghost-table",
    )
    with HeldRun(mysql, database, tmp_path) as run:
        run.hold_at(POSTPONED)
        for flags in ((), ("--execute",)):
            where = f"{database}.t on {mysql.host}:{mysql.port}"
            assert_failed(ghostpy(*second, *flags), 75, "another run", where, "nothing was changed", "wait")
        run.release()
        assert run.ended().status == 0
    assert_changed(mysql, database)


FOREIGN = {
    "alter": ("ALTER TABLE t ADD COLUMN b INT",),
    "truncate": ("TRUNCATE TABLE t",),
    "rename": ("RENAME TABLE t TO u",),
    "drop": ("DROP TABLE t",),
    "statement": ("SET SESSION binlog_format = STATEMENT", "UPDATE t SET k = k + 1 WHERE id = 1"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_source_changed(mysql: sandbox.MySQLServer, database: str, tmp_path: Path, kind: str) -> None:
    make_table(mysql, database)
    with HeldRun(mysql, database, tmp_path) as run:
        run.hold_at(POSTPONED)
        other = Holder(mysql, database)
        other.do(*FOREIGN[kind])
        other.close()
        finished = run.ended()
    assert_failed(finished, 6, f"{database}.t")
    after = tables_of(mysql, database)
    assert set(after) == {"drop": set(), "rename": {"u"}}.get(kind, {"t"})
    assert_nothing_held(mysql)


def test_source_altered_during_the_copy(mysql: sandbox.MySQLServer, database: str, tmp_path: Path) -> None:
    make_table(mysql, database)
    with HeldRun(mysql, database, tmp_path) as run:
        run.hold_at(COPY)
        other = Holder(mysql, database)
        other.ask_for("ALTER TABLE t CHANGE k kk INT NOT NULL DEFAULT 0")
        until(lambda: run.waits("table metadata lock", "ALTER TABLE t", ours=False), "the ALTER to wait for the copy")
        run.release()
        other.got_it()
        other.close()
        finished = run.ended()
    assert_failed(finished, 6, f"{database}.t")
    assert set(tables_of(mysql, database)) == {"t"}
    assert_nothing_held(mysql)
