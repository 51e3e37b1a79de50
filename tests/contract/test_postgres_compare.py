"""The comparison of source and shadow sees what other checksums miss, and nothing that is not there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from compared import ALL, compared

from ghostpy import sandbox
from ghostpy.dialects.postgres.dialect import PostgresDialect
from ghostpy.model.keys import Key
from ghostpy.settings import ConnectSettings, CopySettings, MigrateSettings, TargetSettings

# column type, value in the source, value put into the shadow in its stead
_SUBTLE = [
    ("timestamptz", "'2020-01-01 00:00:00.000001'", "'2020-01-01 00:00:00.000002'"),
    ("timestamp", "'infinity'", "'-infinity'"),
    ("date", "'0001-01-01'", "'0001-01-01 BC'"),
    ("timetz", "'12:00:00+01'", "'11:00:00+00'"),
    ("interval", "'1 mon'", "'30 days'"),
    ("interval", "'1 day'", "'24 hours'"),
    ("double precision", "'0'", "'-0'"),
    ("double precision", "'0.1'", "'0.10000000000000002'"),
    ("real", "'16777216'", "'16777218'"),
    ("double precision", "'NaN'", "NULL"),
    ("numeric", "1.0", "1.00"),
    ("numeric", "'NaN'", "0"),
    ("money", "'0.01'", "'0.02'"),
    ("text", "''", "NULL"),
    ("text", "'a'", "'a '"),
    ("text", "E'\\u00e9'", "E'e\\u0301'"),
    ('text COLLATE "any_case"', "'a'", "'A'"),
    ("text", "'NULL'", "NULL"),
    ("text", "'a,b'", "'a\",\"b'"),
    ("varchar(5)", "'a'", "'a '"),
    ("char(3)", "'a'", "'b'"),
    ("bpchar", "'a'", "'a '"),
    ("bpchar[]", "'{a}'", "'{\"a \"}'"),
    ("boolean", "false", "NULL"),
    ("time(0)", "'00:00'", "'24:00'"),
    ("oid", "'4294967295'", "'1'"),
    ("bytea", r"'\x6100'", r"'\x61'"),
    ("bytea", r"'\x'", "NULL"),
    ("bit varying(8)", "B'1'", "B'10'"),
    ("json", """'{"a": 1, "a": 2}'""", """'{"a": 2}'"""),
    ("json", """'{"a":1}'""", """'{"a": 1}'"""),
    ("jsonb", "'1.0'", "'1.00'"),
    ("jsonb", "'null'", "NULL"),
    ("int[]", "'{1,NULL}'", "'{1}'"),
    ("int[]", "'[0:1]={1,2}'", "'{1,2}'"),
    ("text[]", "'{\"\"}'", "'{}'"),
    ("int4range", "'empty'", "NULL"),
    ("tsvector", "'a:1'", "'a:2'"),
    ("inet", "'10.0.0.1'", "'10.0.0.1/24'"),
    ("point", "'(0,0)'", "'(-0,0)'"),
    ("uuid", "'00000000-0000-0000-0000-000000000000'", "'00000000-0000-0000-0000-000000000001'"),
]


def _url(server: sandbox.Server, database: str) -> str:
    return f"postgresql://{server.user}@{server.host}:{server.port}/{database}"


def _compared(
    server: sandbox.Server, database: str, alter: str, *spoil: str
) -> tuple[bool, bool, list[Key], list[Key]]:
    settings = MigrateSettings(
        connect=ConnectSettings(dialect="postgres", dsn=_url(server, database)),
        target=TargetSettings(table="t", alter=alter, strategy="shadow"),
        copy=CopySettings(workers=1),
    )
    return asyncio.run(compared(PostgresDialect(settings), lambda: _execute(server, database, *spoil)))


def _execute(server: sandbox.Server, database: str, *statements: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(_url(server, database), autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def server(postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer]) -> sandbox.PostgresServer:
    """Not the wheel's 18, which has no ICU."""
    return postgres_with(15, {})


@pytest.fixture(scope="module")
def shared(server: sandbox.PostgresServer) -> Callable[[], str]:
    """One database for tests that leave nothing in it."""
    name = "compared"
    server.execute(f"DROP DATABASE IF EXISTS {name} (FORCE)", f"CREATE DATABASE {name}")
    _execute(
        server,
        name,
        "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
    )
    return lambda: name


@pytest.mark.parametrize(("kind", "value", "other"), _SUBTLE, ids=lambda text: text[:30])
def test_a_subtle_difference_is_seen(
    server: sandbox.PostgresServer, shared: Callable[[], str], kind: str, value: str, other: str
) -> None:
    database = shared()
    _execute(
        server,
        database,
        'DROP SCHEMA IF EXISTS "_public_t_gho" CASCADE',
        "DROP TABLE IF EXISTS t",
        f"CREATE TABLE t (id int PRIMARY KEY, v {kind})",
        f"INSERT INTO t VALUES (1, {value}), (2, {value}), (3, {value})",
    )
    spoil = f'UPDATE "_public_t_gho".t SET v = {other} WHERE id = 2'
    equal_before, equal_after, differing, still = _compared(server, database, "ADD COLUMN extra int", spoil)
    assert equal_before
    assert not equal_after
    assert differing == still == [2]


@pytest.mark.parametrize("collation", ['"C"', '"any_case"', '"en-x-icu"'])
def test_missing_and_surplus_rows_are_seen(
    server: sandbox.PostgresServer, shared: Callable[[], str], collation: str
) -> None:
    database = shared()
    _execute(
        server,
        database,
        'DROP SCHEMA IF EXISTS "_public_t_gho" CASCADE',
        "DROP TABLE IF EXISTS t",
        f"CREATE TABLE t (id varchar(20) COLLATE {collation} PRIMARY KEY, v int)",
        "INSERT INTO t VALUES ('a', 1), ('B''', 2), ('c', 3)",
    )
    spoil = (
        """DELETE FROM "_public_t_gho".t WHERE id = 'B'''""",
        """INSERT INTO "_public_t_gho".t (id, v) VALUES ('d', 4)""",
    )
    equal_before, equal_after, differing, still = _compared(
        server, database, "ALTER COLUMN id TYPE text COLLATE " + collation, *spoil
    )
    assert equal_before
    assert not equal_after
    assert sorted(map(str, differing)) == sorted(map(str, still)) == ["'B'''", "'d'"]


def test_two_rows_that_swapped_their_values_are_seen(server: sandbox.PostgresServer, shared: Callable[[], str]) -> None:
    # Equal sums must not come from equal values in other rows.
    _execute(
        server,
        shared(),
        'DROP SCHEMA IF EXISTS "_public_t_gho" CASCADE',
        "DROP TABLE IF EXISTS t",
        "CREATE TABLE t (id int PRIMARY KEY, v int)",
        "INSERT INTO t VALUES (1, 10), (2, 20)",
    )
    spoil = 'UPDATE "_public_t_gho".t SET v = 30 - v'
    _, equal, differing, _ = _compared(server, shared(), "ADD COLUMN extra int", spoil)
    assert (equal, sorted(map(int, differing))) == (False, [1, 2])


@pytest.mark.parametrize("kind", ["int", "numeric"])
def test_a_difference_in_the_last_of_very_many_columns_is_seen(
    server: sandbox.PostgresServer, shared: Callable[[], str], kind: str
) -> None:
    # More than a join of both tables could have.
    columns = [f"v{i} {kind}" for i in range(1000)]
    _execute(
        server,
        shared(),
        'DROP SCHEMA IF EXISTS "_public_t_gho" CASCADE',
        "DROP TABLE IF EXISTS t",
        f"CREATE TABLE t (id int PRIMARY KEY, {', '.join(columns)})",
        "INSERT INTO t (id, v999) VALUES (1, 10), (2, 20)",
    )
    spoil = 'UPDATE "_public_t_gho".t SET v999 = 21 WHERE id = 2'
    before, after, differing, _ = _compared(server, shared(), "ALTER COLUMN id TYPE bigint", spoil)
    assert (before, after, differing) == (True, False, [2])


def test_two_spellings_of_one_key_are_one_row(server: sandbox.PostgresServer, shared: Callable[[], str]) -> None:
    # Both are dirty: an update of the key's spelling tells of both.
    database = shared()
    _execute(
        server,
        database,
        'DROP SCHEMA IF EXISTS "_public_t_gho" CASCADE',
        "DROP TABLE IF EXISTS t",
        "CREATE TABLE t (id text COLLATE any_case PRIMARY KEY, v int)",
        "INSERT INTO t SELECT 'key ' || i, i FROM generate_series(1, 300) AS i",
        "ANALYZE t",
    )
    settings = MigrateSettings(
        connect=ConnectSettings(dialect="postgres", dsn=_url(server, database)),
        target=TargetSettings(table="t", alter="ADD COLUMN extra int", strategy="shadow"),
    )

    async def scenario() -> None:
        dialect = PostgresDialect(settings)
        await dialect.open()
        try:
            parts = dialect.parts(await dialect.plan())
            await dialect.housekeeping.create_ledger()
            await dialect.housekeeping.create_shadow()
            await parts.copying.copy(ALL)
            await dialect.housekeeping.build_key()
            _execute(server, database, "UPDATE t SET id = upper(id), v = -v WHERE v > 100")
            for several in (2, 20, 150):
                spellings = (f"'{word} {i}'" for i in range(101, 101 + several) for word in ("key", "KEY"))
                await parts.resyncing.resync(dict.fromkeys(spellings, 0), ALL)
            await parts.resyncing.resync(dict.fromkeys((f"'KEY {i}'" for i in range(101, 301)), 0), ALL)
        finally:
            await dialect.close()

    asyncio.run(scenario())
    rows = _execute(server, database, 'SELECT id, v FROM "_public_t_gho".t ORDER BY abs(v)')
    assert rows == _execute(server, database, "SELECT id, v FROM t ORDER BY abs(v)")
    assert rows[100] == ("KEY 101", -101)
