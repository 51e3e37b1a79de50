"""What leads from any table to any other, on real servers: the server itself makes the one of the other by it, and nothing is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from postgres_schemas import Schema, schemas

from ghostpy import sandbox
from ghostpy.dialects import differ_for
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


@settings(max_examples=100, phases=(Phase.reuse, Phase.generate), suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_table_becomes_any_other(place: Place, data: st.DataObject) -> None:
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
