"""The server does what it was asked to do, and the answer is lost: nothing is done twice, and nothing left out."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

import psycopg
import pytest
from holding_postgres import Holder, execute, hold_exchange, make_gates
from migrating import url_of
from postgres_witness import Witness, assert_nothing_held
from silent import Silent
from waiting import until

from ghostpy import errors, sandbox
from ghostpy.assembly import migrate
from ghostpy.dialects.postgres.dialect import PostgresDialect
from ghostpy.dialects.postgres.session import Row, Session
from ghostpy.engine.retry import retried
from ghostpy.model.keys import KeyRange
from ghostpy.model.progress import RunReport
from ghostpy.protocols import Parts
from ghostpy.settings import ConnectSettings, CopySettings, CutOverSettings, MigrateSettings, TargetSettings

NewDatabase = Callable[[sandbox.Server], str]
PostgresWith = Callable[[int, sandbox.Options], sandbox.PostgresServer]

DONE = pytest.mark.parametrize("done", [True, False], ids=["done", "not-done"])
EVERYTHING = KeyRange(None, None)
_TABLE = (
    "CREATE TABLE parent (id int PRIMARY KEY)",
    "INSERT INTO parent SELECT i * 7 FROM generate_series(0, 100) AS i",
    "CREATE TABLE t (id int PRIMARY KEY, k int NOT NULL DEFAULT 0 REFERENCES parent, c text NOT NULL DEFAULT '')",
    "CREATE INDEX t_k ON t (k)",
    "INSERT INTO t SELECT i, i * 7, md5(i::text) FROM generate_series(1, 100) AS i",
)
_SHADOW = "_public_t_gho.t"


@pytest.fixture(params=[18, pytest.param(15, marks=pytest.mark.soak)])
def table(request: pytest.FixtureRequest, postgres_with: PostgresWith, new_database: NewDatabase) -> Witness:
    """A database with a table `t`."""
    server = postgres_with(request.param, {})
    database = new_database(server)
    execute(server, database, *_TABLE)
    return Witness(server, database)


def settings_for(
    table: Witness, alter: str = "ADD COLUMN extra int NOT NULL DEFAULT 5", strategy: str = "shadow"
) -> MigrateSettings:
    server = table.server
    return MigrateSettings(
        connect=ConnectSettings(
            dialect="postgres", host=server.host, port=server.port, dsn=url_of(server, table.database)
        ),
        target=TargetSettings(table="public.t", alter=alter, strategy=strategy),
        copy=CopySettings(workers=1),
        cut_over=CutOverSettings(attempts=5),
        execute=True,
    )


@asynccontextmanager
async def prepared(table: Witness) -> AsyncIterator[tuple[Parts, PostgresDialect]]:
    """The shadow is made; nothing is copied yet."""
    dialect = PostgresDialect(settings_for(table))
    try:
        await dialect.open()
        parts = dialect.parts(await dialect.plan())
        await dialect.housekeeping.create_ledger()
        await dialect.housekeeping.create_shadow()
        yield parts, dialect
    finally:
        await dialect.close()


class Lose(Protocol):
    def __call__(
        self, begins: str, *, done: bool, purpose: str = "", doing: str = "", then: Callable[[], object] | None = None
    ) -> list[bool]: ...


@pytest.fixture
def lose(monkeypatch: pytest.MonkeyPatch) -> Lose:
    """Have the answer to the first statement that begins so lost, or the statement itself; what is returned is empty then."""
    run = Session._run

    def losing(
        begins: str, *, done: bool, purpose: str = "", doing: str = "", then: Callable[[], object] | None = None
    ) -> list[bool]:
        left = [True]

        async def instead(
            session: Session, sql: str, params: Sequence[object] | None, what: str
        ) -> psycopg.AsyncCursor[Row]:
            if left and sql.startswith(begins) and session._purpose.startswith(purpose) and what.startswith(doing):
                left.clear()
                if done:
                    await run(session, sql, params, what)
                if then is not None:
                    then()
                    await asyncio.sleep(60)
                assert session.backend is not None
                await asyncio.to_thread(_end, session.settings.dsn, session.backend.pid)
                return await run(session, "SELECT 1", None, what)
            return await run(session, sql, params, what)

        monkeypatch.setattr(Session, "_run", instead)
        return left

    return losing


def _end(dsn: str, process: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        ended = connection.execute("SELECT pg_terminate_backend(%s, 10000)", [process]).fetchone()
    assert ended == (True,)


def rows_of(table: Witness, name: str, condition: str = "true") -> list[tuple[Any, ...]]:
    return execute(table.server, table.database, f"SELECT id, k, c FROM {name} WHERE {condition} ORDER BY id, k, c")


def assert_changed(table: Witness) -> None:
    """The new table has all that the old one has, and nothing is left of the run."""
    assert rows_of(table, "t") == rows_of(table, "_public_t_del.t")
    found = execute(
        table.server,
        table.database,
        "SELECT string_agg(c.relname, ' ' ORDER BY c.relname), (SELECT count(*) FROM pg_constraint k WHERE k.conrelid = 't'::regclass "
        "AND k.contype IN ('p', 'f') AND k.convalidated) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE i.indrelid = 't'::regclass AND i.indisvalid",
    )
    assert found == [("t_k t_pkey", 2)]
    assert_nothing_held(table.server, table.database)


def outcome_of(table: Witness, settings: MigrateSettings | None = None) -> object:
    """How the whole run ends."""

    async def ended() -> object:
        work = asyncio.ensure_future(migrate(settings or settings_for(table), Silent()))
        await asyncio.wait([work])
        return "cancelled" if work.cancelled() else work.exception() or work.result()

    return asyncio.run(ended())


# --- rows ---------------------------------------------------------------------------------------------------------------


@DONE
@pytest.mark.parametrize("table", [18, 15], indirect=True)
@pytest.mark.parametrize("begins", ["COMMIT", "INSERT"])
def test_copy(table: Witness, lose: Lose, begins: str, done: bool) -> None:
    """The shadow has no key that would keep a row from being copied twice."""
    before = rows_of(table, "t", "id <= 60")

    async def scenario() -> int:
        async with prepared(table) as (parts, _):
            lose(begins, done=done, purpose="rows")
            with pytest.raises(errors.TransientError):
                await parts.copying.copy(KeyRange(None, ("60",)))
            # Meanwhile the application goes on.
            execute(
                table.server, table.database, "UPDATE t SET k = 0 WHERE id = 3", "INSERT INTO t (id, k) VALUES (-4, 7)"
            )
            return (await retried(5, parts.copying.copy, KeyRange(None, ("60",)))).rows

    committed = begins == "COMMIT" and done
    assert asyncio.run(scenario()) == (60 if committed else 61)
    # What changed since then is in the stream.
    assert rows_of(table, _SHADOW) == (before if committed else rows_of(table, "t", "id <= 60"))


@DONE
def test_copy_twice_in_doubt(table: Witness, lose: Lose, done: bool) -> None:
    """The session that asks what became of the chunk is lost, too."""

    async def scenario() -> None:
        async with prepared(table) as (parts, _):
            lose("COMMIT", done=done, purpose="rows")
            with pytest.raises(errors.TransientError):
                await parts.copying.copy(EVERYTHING)
            asked = lose("SELECT pg_xact_status", done=True, purpose="rows")
            with pytest.raises(errors.TransientError):
                await parts.copying.copy(EVERYTHING)
            assert not asked
            assert (await retried(5, parts.copying.copy, EVERYTHING)).rows == 100

    asyncio.run(scenario())
    assert rows_of(table, _SHADOW) == rows_of(table, "t")


@DONE
def test_resync(table: Witness, lose: Lose, done: bool) -> None:
    async def scenario() -> None:
        async with prepared(table) as (parts, dialect):
            await parts.copying.copy(EVERYTHING)
            await dialect.housekeeping.build_key()
            execute(table.server, table.database, "UPDATE t SET k = 0 WHERE id < 9", "DELETE FROM t WHERE id = 4")
            lost = lose("BEGIN; DELETE", done=done, purpose="rows")
            keys = dict.fromkeys(range(1, 12), 0)
            with pytest.raises(errors.TransientError):
                await parts.resyncing.resync(keys, EVERYTHING)
            assert not lost
            await retried(5, parts.resyncing.resync, keys, EVERYTHING)

    asyncio.run(scenario())
    assert rows_of(table, _SHADOW) == rows_of(table, "t")


# --- the exchange -------------------------------------------------------------------------------------------------------


@DONE
@pytest.mark.parametrize("table", [18, 15], indirect=True)
def test_exchange(table: Witness, lose: Lose, done: bool) -> None:
    """Who owns the name is looked up: the run ends well at once, or in its second attempt."""
    lost = lose("COMMIT", done=done, purpose="cut-over")
    report = outcome_of(table)
    assert not lost
    assert isinstance(report, RunReport)
    assert report.cut_over_attempts == (1 if done else 2)
    assert_changed(table)


@DONE
@pytest.mark.parametrize("begins", ["BEGIN; SET LOCAL lock_timeout", "ALTER TABLE"], ids=["lock", "move"])
def test_before_the_exchange_is_committed(table: Witness, lose: Lose, begins: str, done: bool) -> None:
    lost = lose(begins, done=done, purpose="cut-over")
    report = outcome_of(table)
    assert not lost
    assert isinstance(report, RunReport)
    assert report.cut_over_attempts == 2
    assert_changed(table)


@DONE
def test_ended_at_the_exchange(table: Witness, lose: Lose, done: bool) -> None:
    """A signal that comes between the exchange and its answer must not make anybody believe that nothing was exchanged."""

    async def scenario() -> list[str]:
        work = asyncio.ensure_future(migrate(settings_for(table), Silent()))
        lose("COMMIT", done=done, purpose="cut-over", then=work.cancel)
        with pytest.raises(asyncio.CancelledError) as ended:
            await work
        return getattr(ended.value, "__notes__", [])

    notes = asyncio.run(scenario())
    if done:
        assert notes == ["The names are exchanged already: public.t has its new schema."]
        assert rows_of(table, "t") == rows_of(table, "_public_t_del.t")
        assert_nothing_held(table.server, table.database)
    else:
        assert notes == []
        table.assert_as_before()


# --- housekeeping -------------------------------------------------------------------------------------------------------


@DONE
@pytest.mark.parametrize(
    ("begins", "doing"),
    [
        ("COMMIT", "building the index t_pkey"),
        pytest.param("SELECT pg_catalog.set_config", "building the index t_pkey", marks=pytest.mark.soak),
        ("COMMIT", "building the index t_k "),
        pytest.param("COMMIT", "completing", marks=pytest.mark.soak),
        ("VACUUM", "analyzing"),
        ("ALTER TABLE", "finishing"),
        pytest.param("RESET", "finishing", marks=pytest.mark.soak),
        ("BEGIN; DROP TABLE", "dropping"),
    ],
)
def test_beside_the_copy(table: Witness, lose: Lose, begins: str, doing: str, done: bool) -> None:
    """It idles for long, so its loss must not end the run."""
    lost = lose(begins, done=done, purpose="housekeeping", doing=doing)
    report = outcome_of(table)
    assert not lost
    assert isinstance(report, RunReport)
    assert_changed(table)


@DONE
@pytest.mark.parametrize(
    ("begins", "purpose", "doing"),
    [
        pytest.param("CREATE SCHEMA", "housekeeping", "creating the ledger", marks=pytest.mark.soak),
        ("COMMIT", "housekeeping", "creating the shadow"),
        ("COMMIT", "stream control", "publishing"),
        ("SELECT lsn::text FROM pg_create_logical_replication_slot", "slot", ""),
        pytest.param("SELECT pg_logical_emit_message", "heartbeat", "", marks=pytest.mark.soak),
    ],
)
def test_at_the_beginning(table: Witness, lose: Lose, begins: str, purpose: str, doing: str, done: bool) -> None:
    """Not much is lost: the run ends, and takes back what was done."""
    lost = lose(begins, done=done, purpose=purpose, doing=doing)
    ended = outcome_of(table)
    assert not lost
    assert isinstance(ended, errors.ServerGone)
    table.assert_as_before()


# --- changes in place ---------------------------------------------------------------------------------------------------


@DONE
@pytest.mark.parametrize("cancelled", [True, False], ids=["cancelled", "lost"])
def test_change_in_one_step(table: Witness, lose: Lose, done: bool, cancelled: bool) -> None:
    settings = settings_for(table, "ADD COLUMN extra int NOT NULL DEFAULT 5", "auto")

    async def scenario() -> object:
        work = asyncio.ensure_future(migrate(settings, Silent()))
        lose("COMMIT", done=done, purpose="alter", then=work.cancel if cancelled else None)
        await asyncio.wait([work])
        return "cancelled" if work.cancelled() else work.exception() or work.result()

    ended = asyncio.run(scenario())
    if cancelled:
        assert ended == "cancelled"
    else:
        assert isinstance(ended, RunReport if done else errors.ServerGone)
    if done:
        execute(table.server, table.database, "SELECT extra FROM t")
        assert_nothing_held(table.server, table.database)
    else:
        table.assert_as_before()


@DONE
@pytest.mark.parametrize(
    ("alter", "begins"),
    [
        ("ADD CONSTRAINT c CHECK (k >= 0)", "ALTER TABLE"),
        pytest.param("ADD CONSTRAINT c CHECK (k >= 0)", "COMMIT", marks=pytest.mark.soak),
        ("CREATE INDEX i ON t (c)", "CREATE INDEX CONCURRENTLY"),
    ],
)
def test_change_in_several_steps(table: Witness, lose: Lose, alter: str, begins: str, done: bool) -> None:
    """What was done of it is undone, or it is whole."""
    lost = lose(begins, done=done, purpose="alter")
    ended = outcome_of(table, settings_for(table, alter, "auto"))
    assert not lost
    if isinstance(ended, RunReport):
        assert begins == "COMMIT"
        assert_nothing_held(table.server, table.database)
    else:
        assert isinstance(ended, errors.ServerGone)
        table.assert_as_before()


# --- the connection is cut, and the server goes on ----------------------------------------------------------------------


class CutOff(Protocol):
    def __call__(self, begins: str, *, purpose: str, then: Callable[[int], None]) -> None: ...


@pytest.fixture
def cut_off(monkeypatch: pytest.MonkeyPatch, table: Witness) -> CutOff:
    """Cut the connection while the server waits in the first statement that begins so; `then` gets the process that waits."""
    run = Session._run

    def cutting(begins: str, *, purpose: str, then: Callable[[int], None]) -> None:
        left = [True]

        async def instead(
            session: Session, sql: str, params: Sequence[object] | None, what: str
        ) -> psycopg.AsyncCursor[Row]:
            answer = asyncio.ensure_future(run(session, sql, params, what))
            if left and sql.startswith(begins) and session._purpose.startswith(purpose):
                left.clear()
                assert session.backend is not None
                process = session.backend.pid
                await asyncio.to_thread(until, lambda: _waits(table, process), f"{begins} to wait")
                with socket.socket(fileno=os.dup(session.connection.fileno())) as connection:
                    connection.shutdown(socket.SHUT_RDWR)
                threading.Thread(target=then, args=(process,)).start()
            return await answer

        monkeypatch.setattr(Session, "_run", instead)

    return cutting


def _waits(table: Witness, process: int) -> bool:
    question = f"SELECT pid FROM pg_stat_activity WHERE pid = {process} AND wait_event_type = 'Lock'"
    return bool(execute(table.server, table.database, question))


def test_resync_that_goes_on(table: Witness, cut_off: CutOff) -> None:
    """A script that ends with COMMIT could undo, later, what was done since."""

    async def scenario() -> None:
        async with prepared(table) as (parts, dialect):
            await parts.copying.copy(EVERYTHING)
            await dialect.housekeeping.build_key()
            other = Holder(table.server, table.database)
            other.do("BEGIN", f"SELECT FROM {_SHADOW} WHERE id = 5 FOR UPDATE")
            execute(table.server, table.database, "UPDATE t SET k = 0 WHERE id = 5")
            cut_off(
                "BEGIN; DELETE", purpose="rows", then=lambda process: until(lambda: not _waits(table, process), "it")
            )
            with pytest.raises(errors.TransientError):
                await parts.resyncing.resync({5: 0}, EVERYTHING)
            other.close()
            execute(table.server, table.database, "UPDATE t SET k = 7 WHERE id = 5")
            await retried(5, parts.resyncing.resync, {5: 0}, EVERYTHING)

    asyncio.run(scenario())
    assert rows_of(table, _SHADOW) == rows_of(table, "t")


def test_exchange_that_goes_on(table: Witness, cut_off: CutOff) -> None:
    """Its locks must not outlive its end."""
    make_gates(table.server, table.database)
    gate = Holder(table.server, table.database)
    gate.do(hold_exchange())

    ended: list[int] = []

    def open_gate(process: int) -> None:
        try:
            until(lambda: not _waits(table, process), "the lost session to be ended")
            ended.append(process)
        finally:
            gate.close()

    cut_off('ALTER TABLE "public"', purpose="cut-over", then=open_gate)
    report = outcome_of(table)
    assert isinstance(report, RunReport)
    assert report.cut_over_attempts > 1
    assert ended
    assert_changed(table)
