"""Definitions run under the search_path that they were read under, and leave the session as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from ghostpy import errors, sandbox
from ghostpy.dialects.postgres.replay import path_of, path_text, run_under
from ghostpy.dialects.postgres.session import opened
from ghostpy.model.names import TableName
from ghostpy.settings import ConnectSettings

NewDatabase = Callable[[sandbox.Server], str]

_OWN = "SELECT current_setting('search_path'), current_setting('default_tablespace')"


@pytest.fixture
def settings(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> ConnectSettings:
    """A database with the schemas a and b."""
    url = postgres.url.removesuffix("postgres") + new_database(postgres)

    async def prepared() -> None:
        async with opened(ConnectSettings(dsn=url), purpose="test") as session:
            await session.execute('CREATE SCHEMA a; CREATE SCHEMA "B ""b"""; CREATE TABLE a.t (x int)', doing="test")

    asyncio.run(prepared())
    return ConnectSettings(dsn=url)


def test_paths() -> None:
    source, clone = TableName("public", "t"), TableName('x "y"', "t")
    assert path_of(clone, source) == ('x "y"', "public")
    assert path_of(source, source) == ("public",)
    assert path_text(["public", 'x "y"', "public"]) == '"public", "x ""y""", "pg_catalog"'


@pytest.mark.parametrize("way", ["alone", "in a transaction"])
def test_the_session_is_left_as_it_was(settings: ConnectSettings, way: str) -> None:
    async def scenario() -> None:
        async with opened(settings, purpose="test") as session:
            before = await session.query(_OWN, doing="test")
            if way == "in a transaction":
                await session.execute("BEGIN", doing="test")
            statements = [
                "CREATE TABLE pg_class (x int) -- a name of pg_catalog's too",
                "INSERT INTO pg_class VALUES (7)",
            ]
            await run_under(session, ['B "b"', "a"], statements, doing="test")
            assert await session.query(_OWN, doing="test") == before
            if way == "in a transaction":
                await session.execute("COMMIT", doing="test")
            assert await session.query('SELECT x FROM "B ""b""".pg_class', doing="test") == [(7,)]
            assert await session.query(_OWN, doing="test") == before

    asyncio.run(scenario())


def test_all_or_nothing(settings: ConnectSettings) -> None:
    async def scenario() -> None:
        async with opened(settings, purpose="test") as session:
            before = await session.query(_OWN, doing="test")
            with pytest.raises(errors.ServerError, match="trying things"):
                await run_under(
                    session, ["a"], ["CREATE TABLE u (x int)", "ALTER TABLE none ADD y int"], doing="trying things"
                )
            assert await session.query("SELECT to_regclass('a.u')", doing="test") == [(None,)]
            assert await session.query(_OWN, doing="test") == before

    asyncio.run(scenario())


def test_no_other_table_takes_the_place_of_one_that_is_gone(settings: ConnectSettings) -> None:
    async def scenario() -> None:
        async with opened(settings, purpose="test") as session:
            gone = TableName('B "b"', "t")
            with pytest.raises(errors.SourceChanged, match="no table"):
                await run_under(session, path_of(gone, TableName("a", "t")), ["DROP TABLE t"], doing="test", on=gone)
            await run_under(session, ["a"], ["ALTER TABLE t ADD y int"], doing="test", on=TableName("a", "t"))
            assert await session.query("SELECT count(y) FROM a.t", doing="test") == [(0,)]

    asyncio.run(scenario())
