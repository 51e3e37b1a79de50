"""The one place of each dialect that turns names and values into SQL, tried with whatever text there is on real servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pymysql
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from migrating import cursor_of

from ghostpy import sandbox
from ghostpy.dialects.mysql import quote as mysql_quote
from ghostpy.dialects.mysql.pair import split_name as mysql_split
from ghostpy.dialects.mysql.session import session_modes
from ghostpy.dialects.postgres import quote as postgres_quote
from ghostpy.dialects.postgres.target import split_name as postgres_split
from ghostpy.model.names import TableName

_SIGNS = [*"`'\"\\%;-#/*\n\r\t\x1a{}$:?@ é你🚀\u202e\xa0"]
_WORDS = ["--", "/*", "*/", "';", "`;", '";', "%s", "%(x)s", "\\'", "$$", "DROP TABLE t", "X'"]
_NASTY = [*_SIGNS, *_WORDS]
_TEXTS = st.lists(
    st.one_of(st.sampled_from(_NASTY), st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=20
).map("".join)
_NAMES = st.lists(
    st.one_of(st.sampled_from(_NASTY), st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    min_size=1,
    max_size=12,
).map("".join)
_MANY = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
_FEW = settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much]
)
REFUSED = (pymysql.MySQLError, psycopg.Error)


@pytest.fixture(scope="module")
def lines(
    mysql: sandbox.MySQLServer, mariadb: sandbox.MariaDBServer, postgres: sandbox.PostgresServer
) -> Iterator[dict[str, Any]]:
    """A cursor on each server, set up as our sessions are; and once with the modes that read quotes otherwise."""
    with cursor_of(mysql) as one, cursor_of(mariadb) as two, cursor_of(postgres) as three, cursor_of(mysql) as four:
        for cursor in (one, two):
            cursor.execute(f"SET NAMES utf8mb4, sql_mode = '{session_modes('')}'")
        four.execute(
            f"SET NAMES utf8mb4, sql_mode = '{session_modes('ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT')}'"
        )
        three.execute("SET standard_conforming_strings = on")
        yield {"mysql": one, "mariadb": two, "postgres": three, "mysql, other modes": four}


KINDS = ("mysql", "mariadb", "postgres", "mysql, other modes")


def _quote(kind: str) -> Any:
    return postgres_quote if kind == "postgres" else mysql_quote


@pytest.mark.parametrize("kind", KINDS)
@_MANY
@given(value=_TEXTS)
@example(value="")
@example(value="\\")
@example(value="%s' OR 1=1 -- ")
def test_a_value_comes_back_as_it_is(kind: str, value: str, lines: dict[str, Any]) -> None:
    cursor = lines[kind]
    cursor.execute(f"SELECT {_quote(kind).text(value)}")
    assert cursor.fetchone() == (value,)


@pytest.mark.parametrize("kind", KINDS)
@_MANY
@given(name=_NAMES)
@example(name="`; DROP TABLE t; --")
@example(name='"; DROP TABLE t; --')
@example(name="%s%(a)s%%")
def test_a_name_is_that_name_or_refused(kind: str, name: str, lines: dict[str, Any]) -> None:
    cursor = lines[kind]
    spelled, refused = _quote(kind).name(name), ""
    try:
        cursor.execute(f"SELECT 1 FROM (SELECT 1 AS {spelled}) AS d WHERE {spelled} = 1")
    except REFUSED as error:
        refused = str(error).lower()
    if refused:
        # What no identifier may hold ("Schema Object Names"): never a statement that was read otherwise.
        assert kind != "postgres" or len(name.encode()) > 63, refused
        assert "syntax" not in refused or any(ord(each) > 0xFFFF for each in name), refused
        return
    assert cursor.fetchone() == (1,)


@pytest.mark.parametrize("kind", ["mysql", "mariadb", "postgres"])
@_FEW
@given(names=st.tuples(_NAMES, _NAMES))
@example(names=("a.b", "c`d"))
@example(names=('a"b', "c.d"))
def test_a_table_and_its_column(
    kind: str, names: tuple[str, str], lines: dict[str, Any], places: dict[str, str]
) -> None:
    cursor, quote, schema = lines[kind], _quote(kind), places[kind]
    # MySQL itself puts a question mark in their place, or refuses them.
    assume(kind == "postgres" or all(ord(each) <= 0xFFFF for name in names for each in name))
    table = TableName(schema, names[0])
    try:
        cursor.execute(f"CREATE TABLE {quote.table(table)} ({quote.name(names[1])} INT)")
    except REFUSED:
        return
    try:
        cursor.execute(
            f"SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = {quote.text(schema)} "
            f"AND table_name = {quote.text(table.table)}"
        )
        found = [tuple(map(str, row)) for row in cursor.fetchall()]
        assert found == [names] or (kind == "postgres" and max(len(name.encode()) for name in names) > 63)
    finally:
        cursor.execute(f"DROP TABLE {quote.table(table)}")


@pytest.fixture(scope="module")
def places(lines: dict[str, Any]) -> Iterator[dict[str, str]]:
    for kind in ("mysql", "mariadb", "postgres"):
        lines[kind].execute("CREATE SCHEMA quoting")
    yield dict.fromkeys(("mysql", "mariadb", "postgres"), "quoting")
    for kind in ("mysql", "mariadb", "postgres"):
        lines[kind].execute("DROP SCHEMA quoting")


@given(schema=_NAMES, table=_NAMES)
def test_a_name_that_is_quoted_is_read_as_it_was(schema: str, table: str) -> None:
    whole = TableName(schema, table)
    assert mysql_split(mysql_quote.table(whole), "d") == whole
    assert postgres_split(postgres_quote.table(whole)) == (schema, table)


def test_the_split_of_a_plain_name() -> None:
    split: Callable[[str, str], TableName] = mysql_split
    assert split("t", "d") == TableName("d", "t")
    assert split("e.t", "d") == TableName("e", "t")
