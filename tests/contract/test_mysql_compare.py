"""The comparison of source and shadow sees what other checksums miss, and nothing that is not there."""

from __future__ import annotations

import asyncio
from typing import Any

import pymysql
import pytest
from compared import compared

from ghostpy import sandbox
from ghostpy.dialects.mysql.dialect import MySQLDialect
from ghostpy.model.keys import Key
from ghostpy.settings import ConnectSettings, CopySettings, MigrateSettings, TargetSettings

# column type, value in the source, value put into the shadow in its stead
_SUBTLE = [
    ("DATETIME(6)", "'2020-01-01 00:00:00.000001'", "'2020-01-01 00:00:00.000002'"),
    ("TIME(3)", "'-00:00:00.001'", "'00:00:00.001'"),
    ("TIMESTAMP(6) NULL", "'2020-01-01 00:00:00.5'", "'2020-01-01 00:00:00.500001'"),
    ("DATE", "'0000-00-00'", "NULL"),
    ("DOUBLE", "0e0", "-0e0"),
    ("DOUBLE", "0.1", "0.10000000000000002"),
    ("FLOAT", "16777216", "16777218"),
    ("DECIMAL(65,30)", "1e-30", "2e-30"),
    ("BIGINT UNSIGNED", "18446744073709551615", "18446744073709551614"),
    ("BIT(64)", "b'1'", "b'0'"),
    ("VARBINARY(8)", "X'6100'", "X'61'"),
    ("BINARY(3)", "X'610000'", "X'612000'"),
    ("BLOB", "X'00'", "X''"),
    ("VARCHAR(9) COLLATE utf8mb4_0900_ai_ci", "'a'", "'A'"),
    ("VARCHAR(9) COLLATE utf8mb4_0900_ai_ci", "'e'", "'é'"),
    ("VARCHAR(9) COLLATE utf8mb4_general_ci", "'a'", "'a '"),
    ("VARCHAR(9)", "''", "NULL"),
    ("VARCHAR(9)", "'N'", "NULL"),
    ("VARCHAR(9) CHARACTER SET latin1", "X'E9'", "X'E8'"),
    ("TEXT", "'🚀'", "'🚁'"),
    ("JSON", """'{"a": 1}'""", """'{"a": "1"}'"""),
    ("JSON", "'null'", "NULL"),
    ("JSON", """'{"a": [1, 2]}'""", """'{"a": [2, 1]}'"""),
    ("ENUM('a','b')", "'a'", "'b'"),
    ("SET('a','b')", "'a,b'", "'b'"),
    ("POINT SRID 0", "ST_GeomFromText('POINT(1 1)')", "ST_GeomFromText('POINT(1 1.0000001)')"),
    ("GEOMETRY", "ST_GeomFromText('POINT(1 1)', 0)", "ST_GeomFromText('POINT(1 1)', 4326)"),
    ("YEAR", "2024", "2025"),
]


def _compared(
    server: sandbox.Server, database: str, alter: str, *spoil: str
) -> tuple[bool, bool, list[Key], list[Key]]:
    """Copy `t`, compare, run `spoil`, compare again: (equal before, equal after, the differing keys twice)."""

    settings = MigrateSettings(
        connect=ConnectSettings(host=server.host, port=server.port, user=server.user),
        target=TargetSettings(database=database, table="t", alter=alter),
        copy=CopySettings(workers=1),
    )
    return asyncio.run(compared(MySQLDialect(settings), lambda: _execute(server, database, *spoil)))


def _execute(server: sandbox.Server, database: str, *statements: str) -> list[tuple[Any, ...]]:
    connection = pymysql.connect(
        ssl_disabled=True,
        host=server.host,
        port=server.port,
        user=server.user,
        database=database,
        autocommit=True,
        charset="utf8mb4",
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES'")
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())


@pytest.mark.parametrize(("kind", "value", "other"), _SUBTLE, ids=lambda text: text[:30])
def test_a_subtle_difference_is_seen(
    mysql: sandbox.MySQLServer, database: str, kind: str, value: str, other: str
) -> None:
    _execute(
        mysql,
        database,
        f"CREATE TABLE t (id INT PRIMARY KEY, v {kind})",
        f"INSERT INTO t VALUES (1, {value}), (2, {value}), (3, {value})",
    )
    spoil = f"UPDATE _t_gho SET v = {other} WHERE id = 2"
    equal_before, equal_after, differing, still = _compared(mysql, database, "ADD COLUMN extra INT", spoil)
    assert equal_before
    assert not equal_after
    assert differing == still == [2]


@pytest.mark.parametrize("alter", ["ADD COLUMN extra INT", "MODIFY id VARCHAR(20) COLLATE utf8mb4_bin NOT NULL"])
def test_missing_and_surplus_rows_are_seen(mysql: sandbox.MySQLServer, database: str, alter: str) -> None:
    _execute(
        mysql,
        database,
        "CREATE TABLE t (id VARCHAR(20) COLLATE utf8mb4_0900_ai_ci PRIMARY KEY, v INT)",
        "INSERT INTO t VALUES ('a', 1), ('B', 2), ('c', 3)",
    )
    equal_before, equal_after, differing, still = _compared(
        mysql, database, alter, "DELETE FROM _t_gho WHERE id = 'B'", "INSERT INTO _t_gho (id, v) VALUES ('d', 4)"
    )
    assert equal_before
    assert not equal_after
    assert sorted(differing) == sorted(still) == ["_utf8mb4 X'42'", "_utf8mb4 X'64'"]


def test_two_rows_that_swapped_their_values_are_seen(mysql: sandbox.MySQLServer, database: str) -> None:
    # The digests are XORed: equal sums must not come from equal values in other rows.
    _execute(mysql, database, "CREATE TABLE t (id INT PRIMARY KEY, v INT)", "INSERT INTO t VALUES (1, 10), (2, 20)")
    spoil = "UPDATE _t_gho SET v = 30 - v"
    assert _compared(mysql, database, "ADD COLUMN extra INT", spoil)[1:3] == (False, [1, 2])
