"""However a run ends, no slot is left to hold WAL until the disk is full; nor a publication, a schema, a session or a lock."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from migrating import Finished, cursor_of, ghostpy, url_of
from postgres_witness import Witness, assert_nothing_held, held
from running import REWRITE, SLOW, make_table, running

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]
PostgresWith = Callable[[int, sandbox.Options], sandbox.PostgresServer]


@pytest.fixture
def table(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> Witness:
    """A database with a table `t`."""
    database = new_database(postgres)
    make_table(postgres, database)
    return Witness(postgres, database)


def cleanup(witness: Witness, *flags: str) -> Finished:
    finished = ghostpy("cleanup", f"--url={url_of(witness.server, witness.database)}", *flags)
    assert finished.status == 0, finished.errors
    return finished


def assert_registered(witness: Witness) -> None:
    """The run has a slot, a publication and a schema; else these tests would show nothing."""
    assert {"slots", "publications", "schemas"} <= set(held(witness.server, witness.database))


def killed(witness: Witness, folder: Path) -> None:
    """Leave what a run leaves that is killed in the middle of its copy."""
    with running(witness.server, witness.database, folder, *SLOW) as run:
        run.until_copying()
        assert_registered(witness)
        assert run.ended(signal.SIGKILL).status == -signal.SIGKILL
    assert_registered(witness)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_copying(table: Witness, tmp_path: Path, number: signal.Signals) -> None:
    with running(table.server, table.database, tmp_path, *SLOW) as run:
        run.until_copying()
        assert_registered(table)
        finished = run.ended(number)
    assert finished.status == 128 + number, finished.errors
    assert "public.t was not changed" in finished.errors
    table.assert_as_before()


def test_a_signal_while_the_exchange_is_held_back(table: Witness, tmp_path: Path) -> None:
    with running(
        table.server, table.database, tmp_path, f"--postpone-cut-over-flag-file={tmp_path / 'postponed'}"
    ) as run:
        run.until_told("cut-over postponed")
        assert_registered(table)
        finished = run.ended(signal.SIGINT)
    assert finished.status == 130, finished.errors
    table.assert_as_before()


def test_a_second_signal_ends_it_at_once(table: Witness, tmp_path: Path) -> None:
    with running(table.server, table.database, tmp_path, *SLOW) as run:
        run.until_copying()
        with cursor_of(table.server, table.database) as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT count(*) FROM _public_t_gho.t")  # which cannot be dropped now
            run.process.send_signal(signal.SIGINT)
            run.until_told("still trying to remove")
            finished = run.ended(signal.SIGINT)
    assert finished.status == 130, finished.errors
    assert "ended without cleaning up" in finished.errors
    assert "ghostpy cleanup" in finished.errors
    cleanup(table, "--execute")
    table.assert_as_before()


def test_a_change_by_somebody_else(table: Witness, tmp_path: Path) -> None:
    with running(table.server, table.database, tmp_path, *SLOW) as run:
        run.until_copying()
        with cursor_of(table.server, table.database) as cursor:
            cursor.execute("TRUNCATE t")
        finished = run.ended()
    assert finished.status == 6, finished.errors
    assert_nothing_held(table.server, table.database)


def test_success(table: Witness) -> None:
    url = url_of(table.server, table.database)
    finished = ghostpy("migrate", f"--url={url}", "--table=t", f"--alter={REWRITE}", "--execute", "--ok-to-drop-table")
    assert finished.status == 0, finished.errors
    assert_nothing_held(table.server, table.database)
    with cursor_of(table.server, table.database) as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'")
        assert cursor.fetchall() == [("public",)]


def test_killed_and_cleaned_up(table: Witness, tmp_path: Path) -> None:
    killed(table, tmp_path)
    told = cleanup(table).output
    assert "left by a dead run" in told
    assert "Nothing was removed" in told
    assert_registered(table)
    told = cleanup(table, "--execute").output
    assert "removed" in told
    assert "left by a dead run" not in told
    table.assert_as_before()
    assert "Nothing of ghostpy's is left" in cleanup(table).output


def test_killed_and_run_again(table: Witness, tmp_path: Path) -> None:
    killed(table, tmp_path)
    url = url_of(table.server, table.database)
    finished = ghostpy("migrate", f"--url={url}", "--table=t", f"--alter={REWRITE}", "--execute")
    assert finished.status == 0, finished.errors
    assert_nothing_held(table.server, table.database)
    told = cleanup(table, "--execute").output
    assert "yours to drop" in told
    with cursor_of(table.server, table.database) as cursor:
        cursor.execute("SELECT count(*) FROM _public_t_del.t")
        assert cursor.fetchone() == (20_000,)


def test_a_run_under_way_is_not_cleaned_up(table: Witness, tmp_path: Path) -> None:
    flag = tmp_path / "postponed"
    with running(table.server, table.database, tmp_path, f"--postpone-cut-over-flag-file={flag}") as run:
        run.until_told("cut-over postponed")
        told = cleanup(table, "--execute").output
        assert "in use by a run" in told
        assert "removed" not in told.replace("Nothing was removed", "")
        assert_registered(table)
        flag.unlink()
        finished = run.ended()
    assert finished.status == 0, finished.errors


def test_a_second_run_is_refused(table: Witness, tmp_path: Path) -> None:
    with running(table.server, table.database, tmp_path, *SLOW) as run:
        run.until_copying()
        url = url_of(table.server, table.database)
        second = ghostpy("migrate", f"--url={url}", "--table=t", f"--alter={REWRITE}", "--execute")
        assert second.status == 75, second.errors
        assert_registered(table)
        assert run.ended(signal.SIGINT).status == 130
    table.assert_as_before()


@pytest.mark.parametrize("version", [18, 15])
def test_the_server_goes_and_comes_back(
    postgres_with: PostgresWith, new_database: NewDatabase, tmp_path: Path, version: int
) -> None:
    server = postgres_with(version, {"cluster_name": "mortal"})
    database = new_database(server)
    make_table(server, database)
    witness = Witness(server, database)
    with running(server, database, tmp_path, *SLOW) as run:
        run.until_copying()
        assert_registered(witness)
        server.kill()
        server.start()
        finished = run.ended()
    assert finished.status in (0, 4), finished.errors
    if finished.status:
        witness.assert_as_before()
    else:
        assert_nothing_held(server, database)


def test_the_server_stays_away_and_is_cleaned_up(
    postgres_with: PostgresWith, new_database: NewDatabase, tmp_path: Path
) -> None:
    server = postgres_with(18, {"cluster_name": "mortal"})
    database = new_database(server)
    make_table(server, database)
    witness = Witness(server, database)
    with running(server, database, tmp_path, *SLOW) as run:
        run.until_copying()
        server.kill()
        finished = run.ended()
    assert finished.status == 4, finished.errors
    assert "_public_t_gho" in finished.errors
    server.start()
    cleanup(witness, "--execute")
    witness.assert_as_before()
