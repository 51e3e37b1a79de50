"""What leads from any table to any other, on real servers: the server itself makes the one of the other by it, and nothing is left."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymysql
import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from mysql_schemas import Schema, schemas

from ghostpy import sandbox
from ghostpy.dialects import differ_for
from ghostpy.errors import PlanRefused
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
        ssl_disabled=True,
        host=server.host,
        port=server.port,
        user=server.user,
        database=database,
        autocommit=True,
        charset="utf8mb4",
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


@pytest.mark.parametrize("examples", [4, pytest.param(100, marks=[pytest.mark.soak, pytest.mark.limit(900)])])
def test_any_table_becomes_any_other(place: Place, examples: int) -> None:
    # The few of the normal run are the same each time, so that it fails for what was changed and nothing else.
    @settings(
        max_examples=examples,
        derandomize=examples == 4,
        database=None,
        phases=(Phase.reuse, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
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

    check()


@pytest.mark.soak
def test_a_run_makes_any_other_of_it(place: Place, tmp_path: Path) -> None:
    @settings(
        max_examples=30,
        database=None,
        phases=(Phase.reuse, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        before: Schema = data.draw(schemas(copied=True))
        after: Schema = data.draw(schemas(like=before, copied=True))
        old = [f"`{name}`" for name in _tables(place)]
        try:
            _ask(place, *(f"DROP TABLE {name}" for name in old), before.create("t"), after.create("wanted"))
        except pymysql.MySQLError:
            reject()  # no such table can be
        file = tmp_path / "t.sql"
        file.write_text(after.create("t"))
        server, database = place
        url = f"--url=mysql://{server.user}@{server.host}:{server.port}/{database}"
        command = [sys.executable, "-m", "ghostpy", "migrate", url, f"--desired={file}"]
        command += ["--execute", "--ok-to-drop-table"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode == PlanRefused.exit_code:
            reject()  # as it would be with this ALTER given: a new DATE that is NOT NULL and has no default, say
        assert done.returncode == 0, done.stderr
        assert _catalog(place, "t") == _catalog(place, "wanted")
        assert _tables(place) == ["t", "wanted"]
        assert _difference(place, after.create("t")).equal

    check()


def _made(place: Place, *statements: str) -> None:
    _ask(place, "DROP TABLE IF EXISTS t", *statements)


def test_who_wrote_a_table_and_how_counts_for_nothing(place: Place) -> None:
    _made(
        place,
        "SET NAMES latin1",
        "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9) DEFAULT 'x', g VARCHAR(20) AS (CONCAT(a, 'y')) STORED, CHECK (a <> 'z')) "
        "DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci",
        # The columns keep what they had, which from now on is not their table's.
        "ALTER TABLE t DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    )
    same = (
        "CREATE TABLE t (id INTEGER NOT NULL, a CHARACTER VARYING(9) CHARACTER SET latin1 NULL DEFAULT 'x', "
        "g VARCHAR(20) CHARACTER SET latin1 GENERATED ALWAYS AS (concat(`a`, 'y')) STORED, PRIMARY KEY (id), "
        "CONSTRAINT named CHECK ((a <> 'z'))) ENGINE=InnoDB COLLATE utf8mb4_bin"
    )
    found = _difference(place, same)
    assert found.equal, found.alter
    assert "named" in found.notes[0]
    # Without the word of its own, a column follows the table.
    other = _difference(place, same.replace(" CHARACTER SET latin1", "", 1))
    assert [change.name for change in other.changes] == ["a"]


def test_under_other_quotes(mysql_with: Callable[[sandbox.Options], sandbox.Server], new_database: NewDatabase) -> None:
    server = mysql_with({"sql-mode": "ANSI,STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES"})
    place = server, new_database(server)
    _made(place, 'CREATE TABLE t ("id" INT PRIMARY KEY, "a b" VARCHAR(9) DEFAULT \'x\')')
    found = _difference(place, 'CREATE TABLE t ("id" INT PRIMARY KEY, "a b" VARCHAR(12) DEFAULT \'y\', c INT)')
    _ask(place, found.alter)
    assert _difference(place, 'CREATE TABLE t ("id" INT PRIMARY KEY, "a b" VARCHAR(12) DEFAULT \'y\', c INT)').equal
    with pytest.raises(PlanRefused, match="backslash"):
        _difference(place, "CREATE TABLE t (id INT PRIMARY KEY, `a b` VARCHAR(12) DEFAULT 'a\\\\b')")


def test_renames_only_when_told(place: Place) -> None:
    _made(place, "CREATE TABLE t (id INT PRIMARY KEY, a INT, B INT, KEY k (a))")
    wanted = "CREATE TABLE t (id INT PRIMARY KEY, z INT, b INT, KEY k (z))"
    untold = _difference(place, wanted)
    assert [change.name for change in untold.changes if change.loses] == ["a"]
    assert untold.alike == (("a", "z"),)
    told = _difference(place, wanted, ("a", "z"))
    assert not any(change.loses for change in told.changes)
    assert not any("index" in change.what for change in told.changes)
    _ask(place, told.alter)
    assert _difference(place, wanted, ("a", "z")).equal
    if place[0].kind == "mysql":
        _made(place, "CREATE TABLE t (id INT PRIMARY KEY, a INT, CHECK (a > 0))")
        with pytest.raises(PlanRefused, match="refuses --rename-column"):
            _difference(place, "CREATE TABLE t (id INT PRIMARY KEY, z INT, CHECK (z > 0))", ("a", "z"))
    assert _tables(place) == ["t"]


def test_what_no_alter_does_is_refused(place: Place) -> None:
    _made(place, "CREATE TABLE t (id INT PRIMARY KEY, v INT AS (id + 1) VIRTUAL, p INT)")
    with pytest.raises(PlanRefused, match="VIRTUAL"):
        _difference(place, "CREATE TABLE t (id INT PRIMARY KEY, v INT, p INT)")
    # A plain column loses what it holds, and the ALTER says so.
    found = _difference(
        place, "CREATE TABLE t (id INT PRIMARY KEY, v INT AS (id + 1) VIRTUAL, p INT AS (id + 2) STORED)"
    )
    assert [change.name for change in found.changes if change.loses] == ["p"]
    _made(place, "DROP TABLE IF EXISTS parent", "CREATE TABLE parent (id INT PRIMARY KEY)")
    _ask(place, "CREATE TABLE t (id INT PRIMARY KEY, CONSTRAINT f FOREIGN KEY (id) REFERENCES parent (id))")
    with pytest.raises(PlanRefused, match="foreign keys"):
        _difference(place, "CREATE TABLE t (id BIGINT PRIMARY KEY)")
    assert _tables(place) == ["parent", "t"]


def test_partitions(place: Place) -> None:
    _made(place, "CREATE TABLE t (id INT PRIMARY KEY)")
    wanted = "CREATE TABLE t (id BIGINT PRIMARY KEY) /*!50100 PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE) */"
    for text in (wanted, "CREATE TABLE t (id BIGINT PRIMARY KEY)"):
        found = _difference(place, text)
        _ask(place, found.alter)
        assert _difference(place, text).equal
