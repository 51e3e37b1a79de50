"""The server does what it was asked to do, and the answer is lost: nothing is done twice, and nothing left out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from holding_mysql import make_table
from migrating import cursor_of
from msgspec.structs import replace
from silent import Silent
from witness import assert_nothing_held, tables_of

from ghostpy import errors, sandbox
from ghostpy.assembly import migrate
from ghostpy.dialects.mysql import exchange
from ghostpy.dialects.mysql.dialect import MySQLDialect
from ghostpy.dialects.mysql.session import Session, kill
from ghostpy.engine.ending import Ending
from ghostpy.engine.retry import retried
from ghostpy.model.keys import KeyRange
from ghostpy.model.progress import RunReport
from ghostpy.protocols import Parts
from ghostpy.settings import ConnectSettings, CopySettings, MigrateSettings, TargetSettings

ROWS = 100


_ALTER = "ADD COLUMN extra INT NOT NULL DEFAULT 5"


def settings_for(server: sandbox.Server, database: str, alter: str = _ALTER) -> MigrateSettings:
    return MigrateSettings(
        connect=ConnectSettings(host=server.host, port=server.port, user=server.user),
        target=TargetSettings(database=database, table="t", alter=alter),
        copy=CopySettings(workers=1),
        execute=True,
    )


@asynccontextmanager
async def prepared(server: sandbox.Server, database: str, alter: str = _ALTER) -> AsyncIterator[Parts]:
    """The shadow is made; nothing is copied yet."""
    dialect = MySQLDialect(settings_for(server, database, alter))
    try:
        await dialect.open()
        parts = dialect.parts(await dialect.plan())
        await dialect.housekeeping.create_ledger()
        await dialect.housekeeping.create_shadow()
        yield parts
    finally:
        await dialect.close()


Lose = Callable[..., None]


@pytest.fixture
def lose(monkeypatch: pytest.MonkeyPatch) -> Lose:
    """Have the answer to the first statement that begins so lost, or the statement itself."""
    run = Session._run

    def losing(begins: str, *, done: bool = True, then: Callable[[], None] | None = None, purpose: str = "") -> None:
        left = [True]

        async def instead(session: Session, fetch: Any, sql: str, doing: str, **more: Any) -> Any:
            if left and sql.startswith(begins) and session.purpose.startswith(purpose):
                left.clear()
                if done:
                    await run(session, fetch, sql, doing, **more)
                if then is not None:
                    then()
                    await asyncio.sleep(60)
                await asyncio.to_thread(kill, session.settings, session.connection_id)
                return await run(session, fetch, "DO 1", doing, **more)
            return await run(session, fetch, sql, doing, **more)

        monkeypatch.setattr(Session, "_run", instead)

    return losing


def rows_of(server: sandbox.Server, database: str, table: str) -> Any:
    with cursor_of(server, database) as cursor:
        cursor.execute(f"SELECT id, k, c FROM {table} ORDER BY id")
        return cursor.fetchall()


@pytest.mark.parametrize(("begins", "done"), [("COMMIT", True), ("COMMIT", False), ("INSERT", True), ("INSERT", False)])
def test_copy(mysql: sandbox.MySQLServer, database: str, lose: Lose, begins: str, done: bool) -> None:
    make_table(mysql, database, ROWS)

    async def scenario() -> int:
        async with prepared(mysql, database) as parts:
            lose(begins, done=done, purpose="rows")
            with pytest.raises(errors.TransientError):
                await parts.copying.copy(KeyRange(None, ("60",)))
            # Meanwhile the application goes on.
            mysql.execute(f"UPDATE {database}.t SET k = -1 WHERE id = 3", f"INSERT INTO {database}.t (id) VALUES (-4)")
            return (await retried(5, parts.copying.copy, KeyRange(None, ("60",)))).rows

    assert asyncio.run(scenario()) == 61
    assert rows_of(mysql, database, "_t_gho") == rows_of(mysql, database, "t WHERE id <= 60")


@pytest.mark.parametrize(("begins", "done"), [("COMMIT", True), ("COMMIT", False), ("DELETE", True), ("INSERT", True)])
@pytest.mark.parametrize("also", ["", ", ADD UNIQUE (id, extra)"], ids=["written over", "deleted and inserted"])
def test_resync(mysql: sandbox.MySQLServer, database: str, lose: Lose, begins: str, done: bool, also: str) -> None:
    make_table(mysql, database, ROWS)

    async def scenario() -> None:
        async with prepared(mysql, database, _ALTER + also) as parts:
            everything = KeyRange(None, None)
            await parts.copying.copy(everything)
            mysql.execute(f"UPDATE {database}.t SET k = -1 WHERE id < 9", f"DELETE FROM {database}.t WHERE id = 4")
            lose(begins, done=done, purpose="rows")
            keys = dict.fromkeys(range(1, 12), 0)
            with pytest.raises(errors.TransientError):
                await parts.resyncing.resync(keys, everything)
            await retried(5, parts.resyncing.resync, keys, everything)

    asyncio.run(scenario())
    assert rows_of(mysql, database, "_t_gho") == rows_of(mysql, database, "t")


@pytest.mark.parametrize("done", [True, False])
def test_exchange(mysql: sandbox.MySQLServer, database: str, lose: Lose, done: bool) -> None:
    """Who owns the name is looked up: the run ends well at once, or in its second attempt."""
    make_table(mysql, database, ROWS)
    before = rows_of(mysql, database, "t")
    lose("RENAME TABLE", done=done)
    report = asyncio.run(migrate(settings_for(mysql, database), Silent()))
    assert isinstance(report, RunReport)
    assert report.cut_over_attempts == (1 if done else 2)
    assert set(tables_of(mysql, database)) == {"t", "_t_del"}
    assert rows_of(mysql, database, "t") == before == rows_of(mysql, database, "_t_del")
    assert_nothing_held(mysql)


@pytest.mark.parametrize("done", [True, False])
def test_ended_at_the_exchange(mysql: sandbox.MySQLServer, database: str, lose: Lose, done: bool) -> None:
    """A signal that comes between the exchange and its answer must not make anybody believe that nothing was exchanged."""
    make_table(mysql, database, ROWS)

    async def scenario() -> list[str]:
        work = asyncio.ensure_future(_migration(mysql, database))
        lose("RENAME TABLE", done=done, then=work.cancel)
        with pytest.raises(asyncio.CancelledError) as ended:
            await work
        return getattr(ended.value, "__notes__", [])

    notes = asyncio.run(scenario())
    if done:
        assert notes == [f"The names are exchanged already: {database}.t has its new schema."]
    else:
        assert notes == []
    assert set(tables_of(mysql, database)) == ({"t", "_t_del"} if done else {"t"})
    assert_nothing_held(mysql)


@pytest.mark.parametrize("done", [True, False])
def test_stopped_at_the_exchange(
    mysql: sandbox.MySQLServer, database: str, lose: Lose, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    """A deadline that comes when the names are exchanged comes too late: the run has done its work, and says so."""
    make_table(mysql, database, ROWS)
    endings: list[Ending] = []
    made = Ending.__init__

    def seen(ending: Ending) -> None:
        endings.append(ending)
        made(ending)

    monkeypatch.setattr(Ending, "__init__", seen)
    lose("RENAME TABLE", done=done, then=lambda: endings[0].ask(errors.Stopped("the deadline has come")))
    if done:
        assert isinstance(asyncio.run(migrate(settings_for(mysql, database), Silent())), RunReport)
        assert set(tables_of(mysql, database)) == {"t", "_t_del"}
    else:
        with pytest.raises(errors.Stopped):
            asyncio.run(migrate(settings_for(mysql, database), Silent()))
        assert set(tables_of(mysql, database)) == {"t", "_t_gho", "_t_ghc"}
    assert_nothing_held(mysql)


@pytest.mark.parametrize("bad", [3, 1000])
def test_a_bad_moment_is_let_pass(
    mysql: sandbox.MySQLServer, database: str, monkeypatch: pytest.MonkeyPatch, bad: int
) -> None:
    """Writers are let go each time, and no attempt is spent; where there is never a good moment, the exchange comes all the same."""
    make_table(mysql, database, ROWS)
    looked, let_go, calm = 0, 0, exchange.calm_under_lock

    async def looking(session: Session) -> bool:
        nonlocal looked
        looked += 1
        return await calm(session) if looked > bad else False

    class Told(Silent):
        def happened(self, text: str, *, warning: bool = False) -> None:
            nonlocal let_go
            if "tried again in a moment" in text:
                let_go += 1
                mysql.execute("SET lock_wait_timeout = 5", f"UPDATE {database}.t SET k = {-let_go} WHERE id = 3")

    monkeypatch.setattr(exchange, "calm_under_lock", looking)
    settings = settings_for(mysql, database)
    settings = replace(settings, cut_over=replace(settings.cut_over, attempts=1))
    report = asyncio.run(migrate(settings, Told()))
    assert isinstance(report, RunReport)
    assert report.cut_over_attempts == 1
    assert let_go == min(bad, 8)
    assert rows_of(mysql, database, "t WHERE id = 3")[0][1] == -let_go
    assert rows_of(mysql, database, "t") == rows_of(mysql, database, "_t_del")
    assert_nothing_held(mysql)


def test_the_cut_over_can_be_held_back_between_two_moments(
    mysql: sandbox.MySQLServer, database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make_table(mysql, database, ROWS)
    flag, calm, happened = tmp_path / "postponed", exchange.calm_under_lock, list[str]()

    async def looking(session: Session) -> bool:
        assert not flag.exists(), "the lock was taken although the cut-over is held back"
        return await calm(session) if "let go" in happened else False

    class Told(Silent):
        def happened(self, text: str, *, warning: bool = False) -> None:
            if "tried again in a moment" in text:
                happened.append("let go")
                flag.touch()
            elif text.startswith("cut-over postponed"):
                happened.append("postponed")
                flag.unlink()

    monkeypatch.setattr(exchange, "calm_under_lock", looking)
    settings = settings_for(mysql, database)
    settings = replace(settings, cut_over=replace(settings.cut_over, postpone_flag_file=flag))
    assert isinstance(asyncio.run(migrate(settings, Told())), RunReport)
    assert happened == ["postponed", "let go", "postponed"]
    assert_nothing_held(mysql)


def _migration(server: sandbox.Server, database: str) -> Awaitable[object]:
    return migrate(settings_for(server, database), Silent())


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("cancelled", [True, False])
@pytest.mark.parametrize(
    "asked",
    [{"attempt_instant_ddl": True}, {"strategy": "auto", "alter": "ADD INDEX extra (k)"}],
    ids=["column", "index"],
)
def test_change_in_one_step(
    mysql: sandbox.MySQLServer, database: str, lose: Lose, done: bool, cancelled: bool, asked: dict[str, Any]
) -> None:
    make_table(mysql, database, ROWS)
    settings = settings_for(mysql, database)
    settings = replace(settings, target=replace(settings.target, **asked))

    async def scenario() -> object:
        work = asyncio.ensure_future(migrate(settings, Silent()))
        lose(f"ALTER TABLE `{database}`.`t` ALGORITHM", done=done, then=work.cancel if cancelled else None)
        await asyncio.wait([work])
        return "cancelled" if work.cancelled() else work.exception() or work.result()

    outcome = asyncio.run(scenario())
    if cancelled:
        assert outcome == "cancelled"
    elif done:
        assert isinstance(outcome, RunReport)
    else:
        assert isinstance(outcome, errors.ServerGone)
    (table,) = tables_of(mysql, database).values()
    assert ("extra" in table[1]) is done
    assert_nothing_held(mysql)
