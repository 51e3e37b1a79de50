"""What leads from any table to any other, on real servers: the server itself makes the one of the other by it, and nothing is left."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from postgres_schemas import Schema, schemas

from ghostpy import sandbox
from ghostpy.dialects import differ_for
from ghostpy.errors import PlanRefused
from ghostpy.model.schema_difference import SchemaDifference
from ghostpy.settings import ConnectSettings, MigrateSettings, TargetSettings

NewDatabase = Callable[[sandbox.Server], str]
Place = tuple[sandbox.Server, str]


@pytest.fixture(params=[18, 14])
def place(request: pytest.FixtureRequest, postgres_with: Any, new_database: NewDatabase) -> Place:
    server: sandbox.Server = postgres_with(request.param, {})
    found = server, new_database(server)
    _ask(found, "CREATE TABLE parent (id int PRIMARY KEY)")
    return found


def _dsn(place: Place) -> str:
    server, database = place
    return f"host={server.host} port={server.port} user={server.user} dbname={database}"


def _ask(place: Place, *statements: str) -> list[Any]:
    with psycopg.connect(_dsn(place)) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def _difference(place: Place, desired: str, *renames: tuple[str, str], table: str = "t") -> SchemaDifference:
    server, database = place
    wanted = MigrateSettings(
        connect=ConnectSettings(
            dialect="postgres", host=server.host, port=server.port, user=server.user, dsn=_dsn(place)
        ),
        target=TargetSettings(database=database, table=table, desired=desired, renames=renames),
    )
    return asyncio.run(differ_for(wanted).difference())


_OBJECTS = """
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'S', 'v')
UNION ALL SELECT nspname FROM pg_namespace ORDER BY 1
"""
_CATALOG = """
SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation::int8, a.attstorage::text,
       replace(coalesce(pg_get_expr(d.adbin, d.adrelid), ''), 'wanted.', ''), a.attgenerated::text, a.attidentity::text,
       col_description(a.attrelid, a.attnum)
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = '{0}.t'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1
""", """
SELECT conname::text, pg_get_constraintdef(oid), convalidated FROM pg_constraint
WHERE conrelid = '{0}.t'::regclass AND contype <> 'n' ORDER BY 1
""", """
SELECT replace(pg_get_indexdef(indexrelid), '{0}.', '') FROM pg_index WHERE indrelid = '{0}.t'::regclass ORDER BY 1
""", """
SELECT reloptions, relpersistence::text, obj_description(oid, 'pg_class') FROM pg_class WHERE oid = '{0}.t'::regclass
""", """
SELECT c.relname::text, seqincrement, seqmax, seqmin, seqcycle FROM pg_sequence s JOIN pg_class c ON c.oid = seqrelid JOIN pg_depend d ON d.objid = seqrelid
WHERE d.refobjid = '{0}.t'::regclass AND d.deptype = 'i'
"""  # fmt: skip


def _catalog(place: Place, schema: str) -> list[Any]:
    """All that the catalogs have of the shape of the schema's table t; asked by no code of ghostpy's."""
    return [_ask(place, question.format(schema)) for question in _CATALOG]


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
        drops = ("DROP TABLE IF EXISTS t", "DROP SCHEMA IF EXISTS wanted CASCADE", "CREATE SCHEMA wanted")
        try:
            _ask(place, *drops, *before.statements("t"), *after.statements("wanted.t"))
        except psycopg.Error:
            reject()  # no such table can be
        objects = _ask(place, _OBJECTS)
        found = _difference(place, after.text("t"))
        assert _ask(place, _OBJECTS) == objects
        if found.alter:
            _ask(place, found.alter)
        assert _catalog(place, "public") == _catalog(place, "wanted"), found.alter
        assert _difference(place, after.text("public.t")).equal

    check()


@pytest.mark.soak
def test_a_run_makes_any_other_of_it(postgres: sandbox.Server, new_database: NewDatabase, tmp_path: Path) -> None:
    @settings(
        max_examples=30,
        database=None,
        phases=(Phase.reuse, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        place = postgres, new_database(postgres)
        before: Schema = data.draw(schemas(keyed=True))
        after: Schema = data.draw(schemas(like=before, keyed=True))
        made = ("CREATE TABLE parent (id int PRIMARY KEY)", "CREATE SCHEMA wanted")
        try:
            _ask(place, *made, *before.statements("t"), *after.statements("wanted.t"))
        except psycopg.Error:
            reject()  # no such table can be
        file = tmp_path / "t.sql"
        file.write_text(after.text("t"))
        server, database = place
        url = f"--url=postgresql://{server.user}@{server.host}:{server.port}/{database}"
        command = [sys.executable, "-m", "ghostpy", "migrate", url, f"--desired={file}"]
        command += ["--execute", "--ok-to-drop-table"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert _catalog(place, "public") == _catalog(place, "wanted")
        assert _difference(place, after.text("t")).equal

    check()


def _made(place: Place, *statements: str) -> None:
    _ask(place, "DROP TABLE IF EXISTS t", *statements)


SAME = [
    ("id serial PRIMARY KEY", "id int4 DEFAULT nextval('public.t_id_seq'::regclass) NOT NULL, CONSTRAINT t_pkey PRIMARY KEY (id)"),
    ("id int, a varchar DEFAULT NULL", "id integer NULL, a character varying"),
    ("a float, b timestamp, c char, d decimal", "a float8, b timestamp without time zone, c character(1), d numeric"),
    ("a int CHECK (a IN (1, 2))", "a int, CONSTRAINT t_a_check CHECK (a = ANY (ARRAY[1, 2]))"),
    ("a text COLLATE \"default\"", "a text"),
    ("a int GENERATED ALWAYS AS IDENTITY (MAXVALUE 2147483647)", "a int GENERATED ALWAYS AS IDENTITY"),
    ("a int REFERENCES parent", "a int, CONSTRAINT t_a_fkey FOREIGN KEY (a) REFERENCES public.parent(id)"),
    ("a int PRIMARY KEY, b int REFERENCES t", "a int PRIMARY KEY, b int REFERENCES public.t (a)"),
    ("a kind, b positive", "a public.kind, b public.positive"),
    ("a int DEFAULT 1 + 1", "a int DEFAULT (1+1)"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_count_for_nothing(place: Place, one: str, other: str) -> None:
    _made(
        place,
        "CREATE TYPE kind AS ENUM ('x')",
        "CREATE DOMAIN positive AS int CHECK (value > 0)",
        f"CREATE TABLE t ({one})",
    )
    for text in (one, other):
        found = _difference(place, f"CREATE TABLE t ({text})")
        assert found.equal, found.alter


def test_an_expression_changes_beside_a_constraint_that_goes(place: Place) -> None:
    _made(
        place,
        "CREATE TABLE t (n int, id int, a bigint GENERATED ALWAYS AS (n + 1) STORED, CHECK (n <> 13), UNIQUE (n, id), UNIQUE (a, n))",
    )
    wanted = "CREATE TABLE t (n int, id int, a bigint GENERATED ALWAYS AS (n * 2) STORED, UNIQUE (id))"
    _ask(place, _difference(place, wanted).alter)
    assert _difference(place, wanted).equal


def test_an_expression_changes_beside_the_type_of_an_indexed_column(place: Place) -> None:
    _made(
        place,
        "CREATE TABLE t (id bigint PRIMARY KEY, i bigint DEFAULT 3, n int, a bigint GENERATED ALWAYS AS (n + 1) STORED, CHECK (i > 0))",
        "CREATE INDEX by_i ON t (i)",
    )
    wanted = (
        "CREATE TABLE t (id int PRIMARY KEY, i int NOT NULL DEFAULT 4, n int, a bigint GENERATED ALWAYS AS (n * 2) STORED, "
        "more int, CHECK (a > i)); CREATE INDEX by_i ON t (i)"
    )
    _ask(place, "INSERT INTO t (id, n) VALUES (1, 10)", _difference(place, wanted).alter)
    assert _ask(place, "SELECT id, i, n, a FROM t") == [(1, 3, 10, 20)]
    assert _difference(place, wanted).equal


def test_no_other_table_is_locked(place: Place) -> None:
    _made(place, "CREATE TABLE t (a int REFERENCES parent ON DELETE CASCADE, b int)")
    wanted = "CREATE TABLE t (a int, b int REFERENCES parent); ALTER TABLE t ADD CONSTRAINT more FOREIGN KEY (a) REFERENCES parent (id)"
    with psycopg.connect(_dsn(place)) as writer:
        # A foreign key to the table itself would wait for this one to end.
        writer.execute("INSERT INTO parent VALUES (1)")
        found = _difference(place, wanted)
    assert {change.name for change in found.changes} == {"t_a_fkey", "t_b_fkey", "more"}
    _ask(place, found.alter)
    assert _difference(place, wanted).equal


def test_renames_only_when_told(place: Place) -> None:
    _made(
        place,
        "CREATE TABLE t (id int PRIMARY KEY, a serial, CHECK (a > 0))",
        "CREATE INDEX i ON t (a)",
        "COMMENT ON COLUMN t.a IS 'x'",
    )
    wanted = (
        "CREATE TABLE t (id int PRIMARY KEY, z serial, CONSTRAINT t_a_check CHECK (z > 0)); CREATE INDEX i ON t (z); "
        "COMMENT ON COLUMN t.z IS 'x'"
    )
    untold = _difference(place, wanted)
    assert [change.name for change in untold.changes if change.loses] == ["a"]
    assert untold.alike == (("a", "z"),)
    told = _difference(place, wanted, ("a", "z"))
    assert [change.what for change in told.changes] == ["rename column"]
    _ask(place, told.alter)
    assert _difference(place, wanted, ("a", "z")).equal
    # A constraint's name alone is changed as such.
    named = _difference(place, wanted.replace("t_a_check", "positive"))
    assert [change.what for change in named.changes] == ["rename constraint"]


def test_the_order_of_columns_is_told_and_counts_for_nothing(place: Place) -> None:
    _made(place, "CREATE TABLE t (a int, b text)")
    found = _difference(place, "CREATE TABLE t (b text, a int)")
    assert found.equal
    assert "order" in found.notes[0]
    assert "order" in _difference(place, "CREATE TABLE t (c int, a int, b text)").notes[0]
    assert _difference(place, "CREATE TABLE t (a int, b text, c int)").notes == ()


def test_what_no_alter_does_is_refused(place: Place) -> None:
    _made(place, "CREATE TABLE t (a text, b int, g int GENERATED ALWAYS AS (b + 1) STORED)")
    rest = "g int GENERATED ALWAYS AS (b + 1) STORED"
    for text, says in (
        (f"a int, b int, {rest}", "no single ALTER.*cast automatically"),
        (f"a text, b serial, {rest}", "serial"),
        (f"a text, b bigint, {rest}", "no single ALTER.*generated"),
    ):
        with pytest.raises(PlanRefused, match=f"(?s){says}"):
            _difference(place, f"CREATE TABLE t ({text})")
    _made(place, "CREATE TABLE t (a int) PARTITION BY RANGE (a)")
    with pytest.raises(PlanRefused, match="partitions"):
        _difference(place, "CREATE TABLE t (a int)")
    _made(place, "CREATE TABLE t () INHERITS (parent)")
    with pytest.raises(PlanRefused, match="inherits"):
        _difference(place, "CREATE TABLE t (id int NOT NULL)")


def test_what_a_dead_run_left_on_the_table_is_no_part_of_it(place: Place) -> None:
    _made(place, "CREATE TABLE t (a int)")
    with psycopg.connect(_dsn(place), autocommit=True) as connection:
        connection.execute("INSERT INTO t VALUES (1), (1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY _i_gho ON t (a)")
    assert _difference(place, "CREATE TABLE t (a int)").equal
    with psycopg.connect(_dsn(place), autocommit=True) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY theirs ON t (a)")
    with pytest.raises(PlanRefused, match="theirs is not valid"):
        _difference(place, "CREATE TABLE t (a int)")


def test_comments_in_an_alter(postgres: sandbox.Server, new_database: NewDatabase) -> None:
    server, database = place = postgres, new_database(postgres)
    _made(place, "CREATE TABLE t (id int PRIMARY KEY, a int)", "INSERT INTO t VALUES (1, 2)")
    url = f"--url=postgresql://{server.user}@{server.host}:{server.port}/{database}"
    for alter, strategy in (
        ("COMMENT ON COLUMN t.a IS 'it''s; one'", "instant"),
        ("ALTER COLUMN a TYPE bigint; COMMENT ON TABLE public.t IS 'two'", "shadow"),
    ):
        command = [sys.executable, "-m", "ghostpy", "migrate", url, "--table=t", f"--alter={alter}"]
        command += ["--execute", "--ok-to-drop-table"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert strategy in done.stdout + done.stderr
    told = _ask(
        place, "SELECT obj_description('t'::regclass, 'pg_class'), col_description('t'::regclass, 2), (SELECT a FROM t)"
    )
    assert told == [("two", "it's; one", 2)]
