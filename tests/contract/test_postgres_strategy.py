"""Which way a change goes, and why; every form by itself is in test_postgres_forms.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from postgres_altering import (
    TABLES,
    carried_out,
    chosen,
    connected,
    really_done,
    remains,
    settings,
)

from ghostpy import errors, sandbox
from ghostpy.model.names import TableName
from ghostpy.model.plan import Strategy

NOTHING, INSTANT, STAGED, SHADOW = Strategy.NOTHING, Strategy.INSTANT, Strategy.STAGED, Strategy.SHADOW

Where = Callable[[int, sandbox.Options], sandbox.PostgresServer]
NewDatabase = Callable[[sandbox.Server], str]


@pytest.mark.parametrize(("zone", "strategy"), [("UTC", INSTANT), ("Europe/Berlin", SHADOW)])
def test_what_depends_on_the_time_zone(
    postgres: sandbox.PostgresServer, new_database: NewDatabase, zone: str, strategy: Strategy
) -> None:
    database = new_database(postgres)
    postgres.execute(f"ALTER DATABASE {database} SET timezone = '{zone}'")
    where = settings(postgres, database)
    with connected(where, TABLES) as connection:
        choice = asyncio.run(chosen(where, "ALTER ts TYPE timestamptz"))
        assert choice.strategy is strategy
        done = really_done(connection, ["ALTER TABLE t ALTER ts TYPE timestamptz"])
        assert done.work is (strategy is SHADOW)


def test_every_clause_has_its_reason(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> None:
    where = settings(postgres, new_database(postgres))
    with connected(where, TABLES):
        choice = asyncio.run(chosen(where, "ADD z int, ADD CHECK (a > 0), ALTER parent TYPE bigint"))
    assert [verdict.strategy for verdict in choice.verdicts] == [INSTANT, STAGED, SHADOW]
    assert choice.strategy is SHADOW
    assert "ALTER parent TYPE bigint" in choice.reason
    assert "write the whole table" in choice.reason
    assert "CHECK" not in choice.reason


@pytest.mark.parametrize(
    ("alter", "text"),
    [
        ("DROP COLUMN nope, ADD COLUMN new int", "nope"),
        ("ADD COLUMN a jsonb", "already exists"),
        ("ADD FOREIGN KEY (a) REFERENCES nope", "nope"),
        ("DROP INDEX nope; ADD COLUMN new int", "nope"),
        ("SPLIT THE TABLE", "syntax"),
    ],
)
def test_what_the_server_refuses(
    postgres: sandbox.PostgresServer, new_database: NewDatabase, alter: str, text: str
) -> None:
    where = settings(postgres, new_database(postgres))
    with connected(where, TABLES) as connection:
        with pytest.raises(errors.ServerError, match=text):
            asyncio.run(chosen(where, alter))
        assert connection.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE '%gh%'").fetchone() == (0,)


def test_planning_locks_no_other_table(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> None:
    where = settings(postgres, new_database(postgres))
    with connected(where, TABLES), connected(where, "BEGIN", "LOCK TABLE p IN ROW EXCLUSIVE MODE") as writer:
        writer.execute("LOCK TABLE t IN ROW EXCLUSIVE MODE")
        choice = asyncio.run(chosen(where, "ADD FOREIGN KEY (a) REFERENCES public.p; ADD z int DEFAULT 1 REFERENCES p"))
    assert choice.strategy is STAGED
    assert choice.parents == ("public.p",)
    assert ("public.p", "SHARE ROW EXCLUSIVE") in choice.steps[1].others


def test_names_that_are_taken(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> None:
    where = settings(postgres, new_database(postgres))
    with connected(where, TABLES, "CREATE TABLE t_a_key (x int)", "CREATE SEQUENCE t_a_key1") as connection:
        choice = asyncio.run(chosen(where, "ADD CONSTRAINT t_a_key UNIQUE (a)"))
        assert [finding.code for finding in choice.findings] == ["name-taken"]
        choice = asyncio.run(chosen(where, "ADD UNIQUE (a)"))
        assert choice.findings == ()
        asyncio.run(carried_out(where, choice))
        found = connection.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 't'::regclass AND conname LIKE 't_a_key%'"
        )
        assert found.fetchall() == [("t_a_key2",)]


def test_odd_names(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> None:
    """Names with quotes, dots, per cent signs, and of full length."""
    where = settings(postgres, new_database(postgres))
    source = TableName('A"%s.b', "T " + "é" * 30)
    table = '"A""%s.b"."T ' + "é" * 30 + '"'
    with connected(
        where,
        f'CREATE SCHEMA "A""%s.b"; CREATE TABLE {table} ("I%d" int PRIMARY KEY, "q""x" text)',
        f'INSERT INTO {table} SELECT g, g FROM generate_series(1, 50) g; CREATE VIEW v AS SELECT "I%d" FROM {table}',
    ) as connection:
        alter = f'ADD UNIQUE ("q""x"), ALTER "q""x" SET NOT NULL, ADD CHECK ("q""x" <> \'%\'), ADD FOREIGN KEY ("I%d") REFERENCES {table}'
        choice = asyncio.run(chosen(where, alter, source))
        assert choice.strategy is STAGED
        asyncio.run(carried_out(where, choice, source=source))
        assert remains(connection) == []
        sql = f"SELECT contype FROM pg_constraint WHERE conrelid = '{table}'::regclass AND convalidated AND contype <> 'n'"
        found = connection.execute(sql.encode()).fetchall()
    assert sorted(found) == [("c",), ("f",), ("p",), ("u",)]
