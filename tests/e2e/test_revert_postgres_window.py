"""PostgreSQL: the window in which an exchange can be taken back, and a run that is stopped or killed in it or on its way back."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from going_back import told
from going_back_postgres import ALTER, LEDGER, NEW, OLD, Table, as_the_stream_told, in_step
from migrating import ghostpy
from waiting import WITHIN, until

from ghostpy import sandbox
from ghostpy.sandbox.writers import Writers

NewDatabase = Callable[[sandbox.Server], str]


@pytest.fixture(params=[18, *(pytest.param(version, marks=pytest.mark.soak) for version in (15, 14))])
def server(
    request: pytest.FixtureRequest, postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer]
) -> sandbox.PostgresServer:
    return postgres_with(request.param, {})


@pytest.fixture
def table(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> Table:
    return Table(postgres, new_database(postgres), 3_000)


def test_a_window_and_a_second_process(
    server: sandbox.PostgresServer, new_database: NewDatabase, tmp_path: Path
) -> None:
    table = Table(server, new_database(server), 3_000)
    with Writers(table.load(200)) as writers, table.window(tmp_path) as process:
        in_step(tmp_path)
        assert process.poll() is None
        assert table.schemas == {OLD, LEDGER}
        planned = table.revert()
        assert planned.status == 0, planned.errors
        time.sleep(1.0)
        # Nothing that is carried along ends the window.
        table.do("CREATE VIEW v AS SELECT aid, bid FROM t", "GRANT SELECT ON t TO PUBLIC")
        found = ghostpy("cleanup", table.at[0], "--execute")
        assert "in use by a run" in " ".join(found.output.split()), found.output
        time.sleep(1.0)
        done = table.revert("--execute")
        assert done.status == 0, done.errors
        assert "is reverted" in done.output
        assert process.wait(WITHIN) == 0, (tmp_path / "errors").read_text()
        time.sleep(0.5)
        committed = writers.stop()
    assert "note" in table.columns
    table.is_what_was_committed(committed)
    assert table.ask("SELECT COUNT(*) FROM t WHERE aid <= 3000 AND note <> 'n' || aid") == [(0,)]
    assert table.ask("SELECT COUNT(*) FROM v") == table.ask("SELECT COUNT(*) FROM t")
    assert table.ask("SELECT relacl::text LIKE '%,=r/%' FROM pg_class WHERE oid = 'public.t'::regclass") == [(True,)]


def test_a_window_ends(table: Table) -> None:
    done = table.migrate(ALTER, "--revert-window=2s")
    assert done.status == 0, done.errors
    assert table.schemas == {OLD}
    assert table.slots == 0
    done = table.revert("--execute")
    assert done.status == 17, done.errors


_CONFIRMED = "SELECT pg_wal_lsn_diff(confirmed_flush_lsn, '0/0')::bigint FROM pg_replication_slots WHERE database = current_database()"


@pytest.mark.parametrize("again", ["migrate", "revert"])
def test_killed_in_the_window(table: Table, tmp_path: Path, again: str) -> None:
    with Writers(table.load(200)) as writers:
        with table.window(tmp_path, "--checkpoint-seconds=1") as process:
            in_step(tmp_path)
            first = table.ask(_CONFIRMED)
            time.sleep(2.5)
            assert table.ask(_CONFIRMED) > first, "the slot holds all WAL since the exchange"
            process.kill()
            process.wait()
        time.sleep(0.5)
        if again == "migrate":
            with table.window(tmp_path) as process:
                in_step(tmp_path)
                process.send_signal(signal.SIGTERM)
                assert process.wait(WITHIN) == 128 + signal.SIGTERM
            assert told(tmp_path, "ghostpy revert")
        done = table.revert("--execute")
        assert done.status == 0, done.errors
        time.sleep(0.5)
        committed = writers.stop()
    assert "note" in table.columns
    table.is_what_was_committed(committed)


def test_stopped_by_command(table: Table, tmp_path: Path) -> None:
    with table.window(tmp_path) as process:
        in_step(tmp_path)
        said = ghostpy("control", "--table=public.t", "stop")
        assert said.status == 0, said.errors
        assert process.wait(WITHIN) == 14
    assert table.schemas == {OLD, LEDGER}
    assert table.slots == 2
    found = ghostpy("cleanup", table.at[0])
    output = " ".join(found.output.split())
    assert "for a revert" in output, found.output
    done = table.revert("--execute")
    assert done.status == 0, done.errors
    assert "note" in table.columns


@pytest.mark.parametrize(
    "moment", [pytest.param(0.2, marks=pytest.mark.soak), 0.5, pytest.param(0.8, marks=pytest.mark.soak), 1.1]
)
def test_killed_in_a_revert(table: Table, tmp_path: Path, moment: float) -> None:
    """Whatever it has done by then: said again with the table's name, it ends with the old table in its place."""
    with Writers(table.load(200)) as writers:
        assert table.migrate(ALTER, "--keep-revertible").status == 0
        with table.started(tmp_path, "revert", f"--old-table={OLD}") as process:
            until(lambda: told(tmp_path, "commands are taken") or process.poll() is not None, "the revert to begin")
            time.sleep(moment * 0.5)
            process.kill()
            process.wait()
        done = table.revert("--execute", f"--old-table={OLD}")
        # Where the first one came to its end before it was killed, the last change is the revert itself.
        assert done.status == 0 or (done.status == 17 and f"left {NEW}.t" in done.errors), done.errors
        time.sleep(0.3)
        committed = writers.stop()
    assert "note" in table.columns
    table.is_what_was_committed(committed)
    assert table.schemas == {NEW, LEDGER}


_VALIDATING = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'ALTER TABLE % VALIDATE CONSTRAINT %' AND state = 'active' AND wait_event = 'PgSleep'"


@pytest.mark.parametrize("again", ["revert", "migrate"])
def test_killed_right_after_the_exchange_back(table: Table, tmp_path: Path, again: str) -> None:
    """What was left to do is done by whoever comes next."""
    table.do(
        "CREATE TABLE parent (bid int PRIMARY KEY)",
        "INSERT INTO parent SELECT generate_series(0, 999)",
        "ALTER TABLE t ADD CONSTRAINT t_bid FOREIGN KEY (bid) REFERENCES parent",
    )
    with Writers(table.load(200)) as writers:
        assert table.migrate(ALTER, "--keep-revertible").status == 0
        table.do(
            "CREATE FUNCTION wait_there() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF current_query() LIKE 'ALTER TABLE % VALIDATE CONSTRAINT %' THEN PERFORM pg_sleep(60); END IF; END $$",
            "CREATE EVENT TRIGGER slow ON ddl_command_start EXECUTE FUNCTION wait_there()",
        )
        with table.started(tmp_path, "revert") as process:
            until(lambda: table.ask(_VALIDATING), "what follows the exchange")
            process.kill()
            process.wait()
        table.do("DROP EVENT TRIGGER slow")
        if again == "revert":
            assert "extra" not in table.columns
            assert table.ask(
                "SELECT convalidated FROM pg_constraint WHERE conrelid = 'public.t'::regclass AND contype = 'f'"
            ) == [(False,)]
            done = table.revert("--execute")
            assert done.status == 0, done.errors
            assert "is reverted; what is left of that run is cleaned up" in " ".join(done.errors.split())
        else:
            # Another change is in nobody's way, and finishes what it finds.
            done = table.migrate("ADD COLUMN other int")
            assert done.status == 0, done.errors
        time.sleep(0.3)
        committed = writers.stop()
    assert "note" in table.columns
    table.is_what_was_committed(committed)
    assert table.ask(
        "SELECT convalidated FROM pg_constraint WHERE conname = 't_bid' AND conrelid = 'public.t'::regclass"
    ) == [(True,)]
    if again == "revert":
        assert table.schemas == {NEW, LEDGER}
        assert table.slots == 2
    else:
        assert table.schemas == {NEW}
        assert table.slots == 0


def test_a_window_bears_what_the_old_table_cannot_have_until_it_is_reverted(table: Table, tmp_path: Path) -> None:
    table.do("CREATE VIEW kept_in_mind AS SELECT aid, bid FROM t")
    with Writers(table.load(200)) as writers:
        with table.window(tmp_path) as process:
            in_step(tmp_path)
            table.do("CREATE VIEW of_the_new AS SELECT aid, extra FROM t")
            refused = table.revert("--execute")
            assert refused.status != 0
            assert process.wait(WITHIN) == 3, (tmp_path / "errors").read_text()
            assert told(tmp_path, "view public.of_the_new uses")
        assert "extra" in table.columns
        assert table.slots == 2
        table.do("DROP VIEW of_the_new")
        done = table.revert("--execute")
        assert done.status == 0, done.errors
        assert as_the_stream_told(done)
        time.sleep(0.3)
        committed = writers.stop()
    table.is_what_was_committed(committed)
    assert table.ask("SELECT count(*) FROM kept_in_mind") == table.ask("SELECT count(*) FROM t")


def test_after_a_restart_of_the_server(
    postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer], new_database: NewDatabase
) -> None:
    server = postgres_with(18, {"max-connections": 90})
    table = Table(server, new_database(server), 2_000)
    with Writers(table.load(200)) as writers:
        assert table.migrate(ALTER, "--keep-revertible").status == 0
        time.sleep(0.5)
        committed = writers.stop()
    server.kill()
    server.start()
    table.do("UPDATE t SET filler = 'later' WHERE aid % 2 = 0")
    done = table.revert("--execute", "--verify=off")
    assert done.status == 0, done.errors
    assert "note" in table.columns
    for row in committed.rows.values():
        if row is not None:
            row.pop("filler", None)
    table.is_what_was_committed(committed)
    assert table.ask("SELECT COUNT(*) FROM t WHERE (aid % 2 = 0) <> (filler = 'later')") == [(0,)]


_NOTING = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%ALTER PUBLICATION%SET TABLE%' AND state = 'active' AND wait_event = 'PgSleep'"


@pytest.mark.parametrize("turn", [1, 2])
def test_killed_within_the_exchange(table: Table, tmp_path: Path, turn: int) -> None:
    """All of it is undone, and done again."""
    with Writers(table.load(100)) as writers:
        if turn == 2:
            assert table.migrate(ALTER, "--keep-revertible").status == 0
        table.do(
            "CREATE FUNCTION wait_there() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF current_query() LIKE '%ALTER PUBLICATION%SET TABLE%' THEN PERFORM pg_sleep(1); END IF; END $$",
            "CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('ALTER PUBLICATION') EXECUTE FUNCTION wait_there()",
        )
        call = ("migrate", f"--alter={ALTER}", "--keep-revertible") if turn == 1 else ("revert",)
        with table.started(tmp_path, *call, "--checkpoint-seconds=1") as process:
            until(lambda: table.ask(_NOTING), "the exchange")
            process.kill()
            process.wait()
        table.do("DROP EVENT TRIGGER slow")
        assert ("extra" in table.columns) == (turn == 2)
        if turn == 1:
            done = table.migrate(ALTER, "--keep-revertible")
            assert done.status == 0, done.errors
        done = table.revert("--execute", "--verify=off")
        assert done.status == 0, done.errors
        time.sleep(0.3)
        committed = writers.stop()
    assert "note" in table.columns
    table.is_what_was_committed(committed)
    assert table.schemas == {NEW, LEDGER}
    assert table.slots == 2
