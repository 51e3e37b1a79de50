"""What leads from any table to any other, on real servers: the server itself makes the one of the other by it, and nothing is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pymysql
import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from mysql_schemas import Schema, quoted, schemas

from ghostpy import sandbox
from ghostpy.dialects import differ_for
from ghostpy.errors import PlanRefused, UsageError
from ghostpy.model.schema_difference import SchemaDifference
from ghostpy.settings import ConnectSettings, MigrateSettings, TargetSettings

NewDatabase = Callable[[sandbox.Server], str]
Place = tuple[sandbox.Server, str]


@pytest.fixture(params=["mysql", "mariadb"])
def place(request: pytest.FixtureRequest, new_database: NewDatabase) -> Place:
    server: sandbox.Server = request.getfixturevalue(request.param)
    return server, new_database(server)


def _ask(place: Place, *statements: str) -> list[Any]:
    server, database = place
    connection = pymysql.connect(
        host=server.host, port=server.port, user=server.user, database=database, autocommit=True, charset="utf8mb4"
    )
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())
    finally:
        connection.close()


def _difference(place: Place, desired: str, *renames: tuple[str, str], table: str = "t") -> SchemaDifference:
    server, database = place
    wanted = MigrateSettings(
        connect=ConnectSettings(host=server.host, port=server.port, user=server.user),
        target=TargetSettings(database=database, table=table, desired=desired, renames=renames),
    )
    return asyncio.run(differ_for(wanted).difference())


def _tables(place: Place) -> list[str]:
    return sorted(str(row[0]) for row in _ask(place, "SHOW TABLES"))


def _catalog(place: Place, table: str) -> tuple[Any, ...]:
    """All that information_schema has of a table's shape, but for names of CHECK constraints; asked by no code of ghostpy's."""
    where = f"TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '{table}'"
    columns = _ask(
        place,
        "SELECT COLUMN_NAME, ORDINAL_POSITION, COLUMN_DEFAULT, IS_NULLABLE, COLUMN_TYPE, CHARACTER_SET_NAME, COLLATION_NAME, EXTRA, "
        f"COLUMN_COMMENT, GENERATION_EXPRESSION FROM information_schema.COLUMNS WHERE {where} ORDER BY 2",
    )
    indexes = _ask(
        place,
        "SELECT INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME, SUB_PART, NON_UNIQUE, COLLATION, INDEX_TYPE, INDEX_COMMENT "
        f"FROM information_schema.STATISTICS WHERE {where} ORDER BY 1, 2",
    )
    checks = _ask(
        place,
        "SELECT c.CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS c JOIN information_schema.TABLE_CONSTRAINTS t "
        "ON t.CONSTRAINT_SCHEMA = c.CONSTRAINT_SCHEMA AND t.CONSTRAINT_NAME = c.CONSTRAINT_NAME "
        f"WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = '{table}' ORDER BY 1"
        if place[0].kind == "mysql"
        else f"SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE() AND TABLE_NAME = '{table}' ORDER BY 1",
    )
    table_row = _ask(
        place,
        f"SELECT ENGINE, ROW_FORMAT, TABLE_COLLATION, TABLE_COMMENT, CREATE_OPTIONS FROM information_schema.TABLES WHERE {where}",
    )
    return columns, indexes, checks, table_row


@settings(max_examples=100, phases=(Phase.reuse, Phase.generate), suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_table_becomes_any_other(place: Place, data: st.DataObject) -> None:
    before: Schema = data.draw(schemas())
    after: Schema = data.draw(schemas(like=before))
    try:
        _ask(place, "DROP TABLE IF EXISTS t, wanted", after.create("t"), "DROP TABLE t", before.create("t"))
    except pymysql.MySQLError:
        reject()  # no such table can be
    found = _difference(place, after.create("t"))
    assert _tables(place) == ["t"]
    if found.alter:
        _ask(place, found.alter)
    # Names of CHECK constraints are a database's own: the other table comes when the first has its final ones.
    unnamed = after.create("wanted").replace("CONSTRAINT check_0 ", "").replace("CONSTRAINT check_1 ", "")
    _ask(place, unnamed)
    assert _catalog(place, "t") == _catalog(place, "wanted"), found.alter
    assert _difference(place, after.create("t")).equal


def test_scaffolding() -> None:
    assert quoted("a`b") == "`a``b`"
    assert UsageError
    assert PlanRefused
