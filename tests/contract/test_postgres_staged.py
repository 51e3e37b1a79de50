"""Changes in steps: beside writers, behind long transactions, against rows that do not fit, interrupted, and begun again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from postgres_altering import SOURCE, TABLES, carried_out, chosen, connected, definition, remains, settings

from ghostpy import errors, sandbox
from ghostpy.dialects.postgres.in_place import staged
from ghostpy.dialects.postgres.in_place.marks import MARK
from ghostpy.dialects.postgres.session import Session, opened
from ghostpy.dialects.postgres.settled import settled
from ghostpy.model.finding import Severity
from ghostpy.model.plan import Strategy
from ghostpy.settings import ConnectSettings

Where = Callable[[int, sandbox.Options], sandbox.PostgresServer]
NewDatabase = Callable[[sandbox.Server], str]

ALTER = (
    "ADD UNIQUE (a), ADD CHECK (a > 0), ADD FOREIGN KEY (a) REFERENCES p, ALTER b SET NOT NULL, "
    "ADD COLUMN z int DEFAULT 1 CHECK (z < 5); CREATE INDEX several ON t (b, a)"
)


@pytest.fixture(params=[18, 15])
def where(request: pytest.FixtureRequest, postgres_with: Where, new_database: NewDatabase) -> ConnectSettings:
    """A database with the filled table, on each version."""
    server = postgres_with(request.param, {})
    found = settings(server, new_database(server))
    with connected(found, TABLES):
        return found


def plan_and_carry_out(where: ConnectSettings, alter: str, **how: Any) -> None:
    async def both() -> None:
        choice = await chosen(where, alter)
        assert choice.strategy is not Strategy.SHADOW
        assert not [finding for finding in choice.findings if finding.severity is Severity.REFUSE]
        await carried_out(where, choice, **how)

    asyncio.run(both())


def complete(connection: psycopg.Connection[Any]) -> bool:
    """Whether the table has all that `ALTER` adds."""
    found = {(name, proven) for name, proven, _ in definition(connection)}
    wanted = {"t_a_key", "t_a_check", "t_a_fkey", "t_z_check", "several", "b"}
    return {(name, "true") for name in wanted} <= found and ("z", "false") in found


def test_beside_writers(where: ConnectSettings) -> None:
    stop = threading.Event()
    failures: list[Exception] = []

    def write(first: int) -> None:
        try:
            with connected(where) as connection:
                for number in range(first, first + 100_000, 3):
                    connection.execute("INSERT INTO p VALUES (%s)", [number])
                    connection.execute("INSERT INTO t (id, a, n, proven, b) VALUES (%s, %s, %s, 1, 'x')", [number] * 3)
                    connection.execute("UPDATE t SET a = a WHERE id = %s", [number % 300 + 1])
                    if stop.is_set():
                        return
        except Exception as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=[1000 + number]) for number in range(3)]
    for writer in writers:
        writer.start()
    try:
        plan_and_carry_out(where, ALTER, attempts=60)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert failures == []
    with connected(where) as connection:
        assert complete(connection)
        assert remains(connection) == []


@pytest.mark.parametrize("lock", ["ACCESS SHARE", "ROW EXCLUSIVE"])
def test_behind_a_long_transaction(where: ConnectSettings, lock: str) -> None:
    """It waits shortly, tells who is in the way, tries again, and wins when that one is gone."""
    told: list[str] = []
    with connected(where, "BEGIN", f"LOCK TABLE t IN {lock} MODE") as other, connected(where) as connection:
        pid = other.info.backend_pid

        def tell(text: str) -> None:
            told.append(text)
            if "held by" in text:
                # A request that waits for its lock would hold this up.
                connection.execute("SET lock_timeout = '10s'; SELECT count(*) FROM t")
                other.execute("COMMIT")

        plan_and_carry_out(where, "ADD COLUMN z int", told=tell, attempts=30)
        assert any(f"held by {pid} " in text for text in told)
        assert ("z", "false", "integer") in definition(connection)


def test_gives_up_behind_a_long_transaction(where: ConnectSettings) -> None:
    with connected(where) as connection:
        before = definition(connection)
        with (
            connected(where, "BEGIN", "SELECT count(*) FROM t"),
            pytest.raises(errors.LockTimeout, match="2 attempts") as caught,
        ):
            plan_and_carry_out(where, "ADD CHECK (a > 0), ADD COLUMN z int", attempts=2)
        assert definition(connection) == before
        assert caught.value.__notes__ == ["public.t is as it was."]
        assert remains(connection) == []


ROWS = [
    ("ADD CONSTRAINT k UNIQUE (a)", "UPDATE t SET a = 5 WHERE id = 6", errors.DuplicateRows, r"\(a\)=\(5\)"),
    ("CREATE UNIQUE INDEX k ON t (a)", "UPDATE t SET a = 5 WHERE id = 6", errors.DuplicateRows, r"\(a\)=\(5\)"),
    ("ADD CHECK (a < 300)", "UPDATE t SET a = NULL WHERE id = 1", errors.DataDoesNotFit, r"row \(id\)=\(300\)"),
    ("ALTER a SET NOT NULL", "UPDATE t SET a = NULL WHERE id = 7", errors.DataDoesNotFit, r"row \(id\)=\(7\)"),
    ("ADD FOREIGN KEY (a) REFERENCES p", "UPDATE t SET a = 999 WHERE id = 7", errors.DataDoesNotFit, r"\(a\)=\(999\)"),
    ("DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (a)", "UPDATE t SET a = NULL WHERE id = 7", errors.DataDoesNotFit, r"row \(id\)=\(7\)"),
    ("ADD z int DEFAULT 7 CHECK (z < 5)", "SELECT 1", errors.DataDoesNotFit, r"row \(id\)=\("),
    ("ADD CHECK (a > 0); CREATE UNIQUE INDEX ON t ((a % 7)); DROP COLUMN num", "SELECT 1", errors.DuplicateRows, "is duplicated"),
    ("VALIDATE CONSTRAINT open_check", "ALTER TABLE t DROP CONSTRAINT open_check; UPDATE t SET a = -1 WHERE id = 4;"
     "ALTER TABLE t ADD CONSTRAINT open_check CHECK (a > 0) NOT VALID", errors.DataDoesNotFit, r"row \(id\)=\(4\)"),
]  # fmt: skip


@pytest.mark.parametrize(("alter", "first", "error", "text"), ROWS, ids=[row[0] for row in ROWS])
def test_rows_that_do_not_fit(
    where: ConnectSettings, alter: str, first: str, error: type[errors.DataDoesNotFit], text: str
) -> None:
    """The error names one of them, and nothing is left."""
    with connected(where, "DROP INDEX a_index", first) as connection:
        before = definition(connection)
        with pytest.raises(error, match=text) as caught:
            plan_and_carry_out(where, alter)
        assert type(caught.value) is error
        assert caught.value.__notes__ == ["public.t is as it was."]
        assert definition(connection) == before
        assert remains(connection) == []


@pytest.mark.parametrize("alter", ["ADD CONSTRAINT k UNIQUE (a)", "CREATE INDEX k ON t (a)"])
def test_an_index_that_somebody_else_did_not_finish(where: ConnectSettings, alter: str) -> None:
    with connected(where, "DROP INDEX a_index", "UPDATE t SET a = 5 WHERE id = 6") as connection:
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY k ON t (a)")
        connection.execute("UPDATE t SET a = 6 WHERE id = 6")
        assert remains(connection) != []
        plan_and_carry_out(where, alter)
        assert remains(connection) == []
        assert "k" in {row[0] for row in definition(connection)}


def test_an_index_that_somebody_else_is_building(where: ConnectSettings) -> None:
    """It is left alone, and the name is taken."""
    build = "import sys, psycopg; psycopg.connect(sys.argv[1], autocommit=True).execute(sys.argv[2])"
    with connected(where) as connection, _older(where):
        create = "CREATE INDEX CONCURRENTLY k ON t (a)"
        process = subprocess.Popen([sys.executable, "-c", build, where.dsn, create])
        while not connection.execute(
            "SELECT FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting%'"
        ).fetchall():
            assert process.poll() is None
        with pytest.raises(errors.ServerError, match="already exists"):
            asyncio.run(chosen(where, "CREATE INDEX k ON t (b, a)"))
    assert process.wait() == 0


async def _interrupted(
    where: ConnectSettings,
    alter: str,
    at: str,
    how: Callable[[asyncio.Task[None]], None],
    reached: Callable[[], object] = lambda: None,
) -> None:
    """Carry out until `at` is told (then `reached` is called) and a transaction holds it up, then do `how`."""
    choice = await chosen(where, alter)
    there = asyncio.Event()

    def told(text: str) -> None:
        if at in text:
            there.set()
            reached()

    task = asyncio.create_task(carried_out(where, choice, told=told))
    async with asyncio.timeout(60), opened(where, purpose="test") as session:
        await there.wait()
        while not await session.query(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'ghostpy alter' AND wait_event_type = 'Lock'",
            doing="test",
        ):
            await asyncio.sleep(0.02)
    how(task)
    await task


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


def _older(where: ConnectSettings) -> Any:
    """An old transaction that CREATE INDEX CONCURRENTLY waits for, and that has nothing to do with the table."""
    return connected(
        where,
        "BEGIN ISOLATION LEVEL REPEATABLE READ",
        "SELECT * FROM pg_class LIMIT 1",
    )


def test_cancelled(where: ConnectSettings) -> None:
    with connected(where) as connection, _older(where):
        before = definition(connection)
        with pytest.raises(asyncio.CancelledError) as caught:
            asyncio.run(_interrupted(where, ALTER, "building the index t_a_key", _cancel))
        assert caught.value.__notes__ == ["public.t is as it was."]
        assert definition(connection) == before
        assert remains(connection) == []


def test_cancelled_when_the_change_is_made(where: ConnectSettings) -> None:
    """Dropping the old index comes last: what is done stays."""
    with connected(where) as connection, connected(where, "BEGIN") as reader:
        with pytest.raises(asyncio.CancelledError) as caught:
            asyncio.run(
                _interrupted(
                    where,
                    "DROP INDEX b_index; ADD z int",
                    "dropping the index",
                    _cancel,
                    lambda: reader.execute("SELECT count(*) FROM t"),
                )
            )
        assert caught.value.__notes__ == ["public.t has its new schema, but for dropping the index b_index."]
        assert "z" in {row[0] for row in definition(connection)}


def test_a_lost_session(where: ConnectSettings) -> None:
    with connected(where) as connection, _older(where):
        before = definition(connection)
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ghostpy alter'"
        with pytest.raises(errors.ServerGone) as caught:
            asyncio.run(
                _interrupted(where, ALTER, "building the index t_a_key", lambda _: connection.execute(end) and None)
            )
        assert caught.value.__notes__ == ["public.t is as it was."]
        assert definition(connection) == before
        assert remains(connection) == []


_RUN = """
import asyncio, sys
from ghostpy.settings import ConnectSettings
from postgres_altering import carried_out, chosen

async def run():
    where = ConnectSettings(dialect="postgres", dsn=sys.argv[1])
    choice = await chosen(where, sys.argv[2])
    await carried_out(where, choice, told=lambda text: print(text, flush=True))

asyncio.run(run())
"""


@pytest.mark.parametrize("strategy", [Strategy.STAGED, Strategy.SHADOW])
def test_killed_and_run_again(where: ConnectSettings, strategy: Strategy) -> None:
    """The next run knows what the dead one left, whatever it is asked for."""
    with connected(where) as connection:
        before = definition(connection)
        with _older(where):
            process = subprocess.Popen(
                [sys.executable, "-c", _RUN, where.dsn, ALTER],
                stdout=subprocess.PIPE,
                text=True,
                cwd=Path(__file__).parent,
            )
            assert process.stdout is not None
            with process.stdout as told:
                assert any("building the index t_a_key" in line for line in told)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            assert {"mark"} <= {row[0] for row in remains(connection)}
        _wait_for_end(connection)
        alter = ALTER if strategy is Strategy.STAGED else "ALTER a TYPE bigint"
        choice = asyncio.run(chosen(where, alter))
        assert choice.strategy is strategy
        (finding,) = choice.findings
        assert (finding.code, finding.severity) == ("leftover-steps", Severity.WARN)
        assert "the constraint t_a_check of public.t" in finding.text
        asyncio.run(carried_out(where, choice))
        assert remains(connection) == []
        assert complete(connection) if strategy is Strategy.STAGED else definition(connection) == before


def test_leftovers_before_a_plan(where: ConnectSettings) -> None:
    async def removed() -> bool:
        return await staged.remove_leftovers(where, SOURCE, lock_timeout=0.2, happened=lambda _: None)

    with connected(where) as connection:
        assert not asyncio.run(removed())
        before = definition(connection)
        for statement in (
            "ALTER TABLE t ADD z int CONSTRAINT zs CHECK (z > 0)",
            f"COMMENT ON COLUMN t.z IS '{MARK}'; COMMENT ON CONSTRAINT zs ON t IS '{MARK}'",
            "CREATE INDEX _several_gho ON t (z, a)",
        ):
            connection.execute(statement.encode())
        assert asyncio.run(removed())
        assert definition(connection) == before
        assert remains(connection) == []


def _wait_for_end(connection: psycopg.Connection[Any]) -> None:
    """Until the server has seen that the dead run's session has nobody any more."""
    sql = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name = 'ghostpy alter'"
    assert all(ended for (ended,) in connection.execute(sql).fetchall())


def test_what_became_of_a_transaction(where: ConnectSettings) -> None:
    with connected(where) as connection:
        for end, done in (("COMMIT", True), ("ROLLBACK", False)):
            connection.execute("BEGIN")
            row = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
            assert row is not None
            connection.execute(end.encode())

            async def look(xid: str = row[0]) -> bool:
                async with opened(where, purpose="test") as session:
                    backend = session.backend
                return await settled(where, backend, xid, "testing")

            assert asyncio.run(look()) is done


Losing = Callable[..., None]


@pytest.fixture
def lose(monkeypatch: pytest.MonkeyPatch) -> Losing:
    """Have the answer to a COMMIT lost, or the COMMIT itself: of the step that says so in `doing`."""
    execute = Session.execute

    def losing(doing_what: str, *, done: bool, error: type[BaseException] = errors.ServerGone) -> None:
        left = [True]

        async def instead(session: Session, sql: str, params: Any = None, *, doing: str) -> int:
            if not (left and sql == "COMMIT" and doing_what in doing):
                return await execute(session, sql, params, doing=doing)
            left.clear()
            if done:
                await execute(session, sql, params, doing=doing)
            await session.connection.close()
            raise error("lost by the test")

        monkeypatch.setattr(Session, "execute", instead)

    return losing


ADDED = "ADD CHECK (a > 0), ADD UNIQUE (a), ADD COLUMN z int"


@pytest.mark.parametrize("doing", ["adding the constraint", "checking the rows", "completing the change"])
def test_a_lost_answer(where: ConnectSettings, lose: Losing, doing: str) -> None:
    """What was done is not done again."""
    lose(doing, done=True)
    with connected(where) as connection:
        plan_and_carry_out(where, ADDED)
        assert {"t_a_check", "t_a_key", "z"} <= {row[0] for row in definition(connection)}
        assert remains(connection) == []


@pytest.mark.parametrize("doing", ["adding the constraint", "checking the rows", "completing the change"])
def test_a_lost_commit(where: ConnectSettings, lose: Losing, doing: str) -> None:
    lose(doing, done=False)
    with connected(where) as connection:
        before = definition(connection)
        with pytest.raises(errors.ServerGone) as caught:
            plan_and_carry_out(where, ADDED)
        assert caught.value.__notes__ == ["public.t is as it was."]
        assert definition(connection) == before
        assert remains(connection) == []


@pytest.mark.parametrize("done", [True, False])
def test_cancelled_in_the_last_commit(where: ConnectSettings, lose: Losing, done: bool) -> None:
    """The server is asked what became of it, before anything is undone."""
    lose("completing the change", done=done, error=asyncio.CancelledError)
    with connected(where) as connection:
        with pytest.raises(asyncio.CancelledError) as caught:
            plan_and_carry_out(where, ADDED)
        outcome = "has its new schema" if done else "is as it was"
        assert caught.value.__notes__ == [f"public.t {outcome}."]
        assert ("t_a_key" in {row[0] for row in definition(connection)}) is done
        assert remains(connection) == []


def test_what_cannot_be_undone_is_named(where: ConnectSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A foreign key is dropped under a lock of its parent too, and that one is held."""
    monkeypatch.setattr(staged, "_CLEAN_UP_LIMIT", 3.0)
    with connected(where, "UPDATE t SET a = 999 WHERE id = 7") as connection, connected(where, "BEGIN") as reader:

        def told(text: str) -> None:
            if "checking the rows" in text:
                reader.execute("SELECT count(*) FROM p")

        with pytest.raises(errors.DataDoesNotFit) as caught:
            plan_and_carry_out(where, "ADD FOREIGN KEY (a) REFERENCES p", told=told)
        (note,) = caught.value.__notes__
        assert note.startswith("public.t is not as it was: ")
        assert note.endswith("Left behind: the constraint t_a_fkey of public.t; the next run removes it.")
        assert [what for what, _ in remains(connection)] == ["mark"]
        reader.execute("ROLLBACK")
        choice = asyncio.run(chosen(where, "ALTER a TYPE bigint"))
        assert len(choice.steps) == 1
        asyncio.run(carried_out(where, choice))
        assert remains(connection) == []
