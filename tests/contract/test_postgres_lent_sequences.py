"""Sequences of serial columns wait for nobody in the exchange, and are never left without an owner."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ghostpy import errors, sandbox
from ghostpy.dialects.postgres.clone.lent_sequences import Lent, give_back, let_go, promised
from ghostpy.dialects.postgres.session import Session, opened
from ghostpy.model.names import TableName
from ghostpy.settings import ConnectSettings

NewDatabase = Callable[[sandbox.Server], str]

SOURCE, LEDGER = TableName("public", "The T"), TableName("ours", "_ghostpy_ledger")
NEW = TableName("public", "new")
LENT = Lent(TableName("public", "The T_id_seq"), "id", "number", None)
_SETUP = """
CREATE TABLE "The T" (id serial PRIMARY KEY);
CREATE TABLE new (number int);
CREATE SCHEMA ours;
CREATE TABLE ours._ghostpy_ledger (id text PRIMARY KEY, value text);
INSERT INTO ours._ghostpy_ledger VALUES ('source', 'x');
"""
_OWNER = """
SELECT d.refobjid::regclass::text || '.' || a.attname FROM pg_depend d
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.objid = '"The T_id_seq"'::regclass AND d.deptype = 'a'
"""


def _tried(url: str, scenario: Callable[[Session], Awaitable[None]]) -> None:
    async def running() -> None:
        async with opened(ConnectSettings(dsn=url), purpose="test") as session:
            await scenario(session)

    asyncio.run(running())


@pytest.fixture
def url(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> str:
    """A database with a table, its sequence, a new table and a ledger."""
    url = postgres.url.removesuffix("postgres") + new_database(postgres)

    async def prepare(session: Session) -> None:
        await session.execute(_SETUP, doing="test")

    _tried(url, prepare)
    return url


async def _owner(session: Session) -> object:
    return await session.scalar(_OWNER, doing="test")


def test_back_to_the_source(url: str) -> None:
    async def scenario(session: Session) -> None:
        for _ in range(2):
            await let_go(session, [LENT], SOURCE, LEDGER)
            assert await _owner(session) is None
        for _ in range(2):
            await give_back(session, LEDGER)
            assert await _owner(session) == '"The T".id'
        assert await session.query("SELECT id FROM ours._ghostpy_ledger", doing="test") == [("source",)]

    _tried(url, scenario)


@pytest.mark.parametrize("kept", [True, False])
def test_the_exchange_decides_whose_it_is(url: str, kept: bool) -> None:
    async def scenario(session: Session) -> None:
        await let_go(session, [LENT], SOURCE, LEDGER)
        async with session.transaction(keep=kept):
            await session.execute("; ".join(promised([LENT], NEW, LEDGER)), doing="test")
        await give_back(session, LEDGER)
        assert await _owner(session) == ("new.number" if kept else '"The T".id')

    _tried(url, scenario)


def test_who_holds_the_sequence_is_waited_for_but_not_for_long(url: str) -> None:
    async def scenario(session: Session) -> None:
        async with opened(ConnectSettings(dsn=url), purpose="others") as others:
            await others.query("""BEGIN; SELECT nextval('"The T_id_seq"')""", doing="test")
            with pytest.raises(errors.LockTimeout):
                await let_go(session, [LENT], SOURCE, LEDGER)
            assert await _owner(session) == '"The T".id'
            assert await session.query("SELECT id FROM ours._ghostpy_ledger", doing="test") == [("source",)]
            await others.execute("COMMIT", doing="test")
            await let_go(session, [LENT], SOURCE, LEDGER)
            await others.query("""BEGIN; SELECT nextval('"The T_id_seq"')""", doing="test")
            giving = asyncio.create_task(give_back(session, LEDGER))
            await asyncio.sleep(1)
            await others.execute("COMMIT", doing="test")
            await giving
        assert await _owner(session) == '"The T".id'

    _tried(url, scenario)


@pytest.mark.parametrize(
    "gone",
    [
        'DROP TABLE "The T"',
        'ALTER TABLE "The T" RENAME TO other',
        'ALTER TABLE "The T" RENAME id TO other',
        'DROP TABLE "The T"; DROP SEQUENCE "The T_id_seq"',
    ],
)
def test_what_is_gone_holds_nothing_up(url: str, gone: str) -> None:
    async def scenario(session: Session) -> None:
        await let_go(session, [LENT], SOURCE, LEDGER)
        await session.execute(gone, doing="test")
        await give_back(session, LEDGER)
        await give_back(session, TableName("nowhere", "ledger"))

    _tried(url, scenario)


def test_a_ledger_that_somebody_made_up_moves_nothing(url: str) -> None:
    """Whoever may create a schema could write one for a superuser to find."""

    async def scenario(session: Session) -> None:
        await session.execute(
            "DO $$ BEGIN CREATE ROLE lent_stranger; EXCEPTION WHEN duplicate_object THEN NULL; END $$", doing="test"
        )
        await let_go(session, [LENT], SOURCE, LEDGER)
        await session.execute("ALTER TABLE ours._ghostpy_ledger OWNER TO lent_stranger", doing="test")
        await give_back(session, LEDGER)
        assert await _owner(session) is None
        await session.execute("ALTER TABLE ours._ghostpy_ledger OWNER TO CURRENT_USER", doing="test")
        await give_back(session, LEDGER)
        assert await _owner(session) == '"The T".id'

    _tried(url, scenario)
