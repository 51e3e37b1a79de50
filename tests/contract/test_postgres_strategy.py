"""Every form of ALTER TABLE: what the plan says it takes, and what the server really does to a filled table."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

import pytest
from postgres_altering import (
    TABLES,
    carried_out,
    chosen,
    connected,
    differing,
    really_done,
    remains,
    settings,
)

from ghostpy import errors, sandbox
from ghostpy.dialects.postgres.in_place.steps import Choice
from ghostpy.dialects.postgres.in_place.table_state import table_state
from ghostpy.dialects.postgres.session import opened
from ghostpy.model.names import TableName
from ghostpy.model.plan import Strategy
from ghostpy.planning.postgres_alter import parse_alter
from ghostpy.settings import ConnectSettings

NOTHING, INSTANT, STAGED, SHADOW = Strategy.NOTHING, Strategy.INSTANT, Strategy.STAGED, Strategy.SHADOW

AX, SRX, SUX = "ACCESS EXCLUSIVE", "SHARE ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE"

ALTERS: Sequence[tuple[str, Strategy, str]] = [
    # Columns that come and go.
    ("ADD COLUMN z int", INSTANT, AX),
    ("ADD COLUMN z text", INSTANT, AX),
    ("ADD COLUMN z int DEFAULT 5", INSTANT, AX),
    ("ADD COLUMN z int NOT NULL DEFAULT 5", INSTANT, AX),
    ("ADD COLUMN z timestamptz DEFAULT now()", INSTANT, AX),
    ("ADD COLUMN z plain DEFAULT 1", INSTANT, AX),
    ("ADD COLUMN z timestamptz DEFAULT clock_timestamp()", SHADOW, AX),
    ("ADD COLUMN z uuid DEFAULT gen_random_uuid()", SHADOW, AX),
    ("ADD COLUMN z serial", SHADOW, AX),
    ("ADD COLUMN z int GENERATED ALWAYS AS IDENTITY (START 7)", SHADOW, AX),
    ("ADD COLUMN z int GENERATED ALWAYS AS (n * 2) STORED", SHADOW, AX),
    ("ADD COLUMN z positive DEFAULT 1", SHADOW, AX),
    ("ADD COLUMN z int CHECK (z > 0)", STAGED, AX),
    ("ADD COLUMN z int DEFAULT 1 CONSTRAINT zs CHECK (z > 0) CHECK (z <= n)", STAGED, AX),
    ("ADD COLUMN z int UNIQUE", STAGED, AX),
    ("ADD COLUMN z int REFERENCES p", INSTANT, AX),
    ("ADD COLUMN z int DEFAULT 1 REFERENCES p ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED", STAGED, AX),
    ("ADD COLUMN z int DEFAULT 1 NOT NULL REFERENCES p CHECK (z IN (1, 2)), DROP COLUMN a", STAGED, AX),
    ("ADD COLUMN IF NOT EXISTS a int", NOTHING, ""),
    ("DROP COLUMN a", INSTANT, AX),
    ("DROP COLUMN IF EXISTS zz", NOTHING, ""),
    ("RENAME COLUMN a TO z", INSTANT, AX),
    ("ADD COLUMN z int, RENAME COLUMN a TO y", INSTANT, AX),
    # A column's own.
    ("ALTER a SET DEFAULT 5", INSTANT, AX),
    ("ALTER a DROP DEFAULT", NOTHING, ""),
    ("ALTER n DROP NOT NULL", INSTANT, AX),
    ("ALTER a SET NOT NULL", STAGED, AX),
    ("ALTER n SET NOT NULL", NOTHING, ""),
    ("ALTER proven SET NOT NULL", INSTANT, AX),
    ("ALTER a SET NOT NULL, ALTER b SET NOT NULL, ADD COLUMN z int", STAGED, AX),
    ("ALTER b SET STORAGE EXTERNAL", INSTANT, AX),
    ("ALTER b SET COMPRESSION pglz", INSTANT, AX),
    ("ALTER b SET STATISTICS 500", INSTANT, SUX),
    ("ALTER b SET (n_distinct = 5)", INSTANT, SUX),
    ("ALTER n ADD GENERATED ALWAYS AS IDENTITY", INSTANT, AX),
    ("ALTER ident SET GENERATED ALWAYS", INSTANT, AX),
    ("ALTER ident DROP IDENTITY", INSTANT, AX),
    ("ALTER made DROP EXPRESSION", INSTANT, AX),
    # Types.
    ("ALTER c TYPE varchar(20)", INSTANT, AX),
    ("ALTER c TYPE text", INSTANT, AX),
    ("ALTER b TYPE varchar", INSTANT, AX),
    ("ALTER num TYPE numeric(12,2)", INSTANT, AX),
    ("ALTER num TYPE numeric", INSTANT, AX),
    ("ALTER bits TYPE varbit(9)", INSTANT, AX),
    ("ALTER span TYPE interval(6)", INSTANT, AX),
    ("ALTER ip TYPE inet", INSTANT, AX),
    ("ALTER x TYPE text", INSTANT, AX),
    ("ALTER o TYPE int4", INSTANT, AX),
    ("ALTER a TYPE plain", INSTANT, AX),
    ("ALTER a TYPE int", NOTHING, ""),
    ("ALTER proven TYPE int", NOTHING, ""),
    ("ALTER v TYPE varchar(20)", STAGED, AX),
    ("ALTER v TYPE varchar(20), ADD CHECK (n > a - 5)", STAGED, AX),
    ("ALTER v TYPE varchar(20) USING v || 'x'", SHADOW, AX),
    ("ALTER c TYPE varchar(5)", SHADOW, AX),
    ("ALTER b TYPE varchar(100)", SHADOW, AX),
    ("ALTER ch TYPE text", SHADOW, AX),
    ("ALTER a TYPE bigint", SHADOW, AX),
    ("ALTER id TYPE bigint", SHADOW, AX),
    ("ALTER num TYPE numeric(10,3)", SHADOW, AX),
    ("ALTER num TYPE numeric(9,2)", SHADOW, AX),
    ("ALTER tz TYPE timestamptz(3)", SHADOW, AX),
    ("ALTER j TYPE jsonb", SHADOW, AX),
    ("ALTER a TYPE positive", SHADOW, AX),
    ("ALTER a TYPE int USING a + 1", SHADOW, AX),
    ("ALTER seen TYPE varchar", SHADOW, ""),
    ("ALTER d TYPE text USING d::text, ADD CONSTRAINT ds CHECK (d <> '')", SHADOW, AX),
    ('ALTER b TYPE text COLLATE "POSIX"', SHADOW, AX),
    ('ALTER ch TYPE char(5) COLLATE "POSIX"', INSTANT, AX),
    # Constraints.
    ("ADD CONSTRAINT k CHECK (a > 0)", STAGED, AX),
    ("ADD CHECK (a > 0), ADD CHECK (a < 1000000)", STAGED, AX),
    ("ADD CONSTRAINT k CHECK (a > 0) NOT VALID", INSTANT, AX),
    ("VALIDATE CONSTRAINT open_check", STAGED, SUX),
    ("VALIDATE CONSTRAINT open_key", STAGED, SUX),
    ("VALIDATE CONSTRAINT valid_check", NOTHING, ""),
    ("ADD FOREIGN KEY (a) REFERENCES p", STAGED, SRX),
    ("ADD CONSTRAINT own FOREIGN KEY (a) REFERENCES t (id) ON DELETE CASCADE", STAGED, SRX),
    ("ADD FOREIGN KEY (a) REFERENCES p NOT VALID", INSTANT, SRX),
    ("DROP CONSTRAINT t_parent", INSTANT, AX),
    ("ALTER CONSTRAINT t_parent DEFERRABLE INITIALLY DEFERRED", INSTANT, AX),
    ("DROP CONSTRAINT valid_check", INSTANT, AX),
    ("DROP CONSTRAINT t_pkey", INSTANT, AX),
    ("DROP CONSTRAINT unique_n, ADD CONSTRAINT unique_n UNIQUE (n, a)", STAGED, AX),
    ("DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (n)", STAGED, AX),
    ("RENAME CONSTRAINT valid_check TO k", INSTANT, AX),
    ("ADD CONSTRAINT k UNIQUE (a)", STAGED, AX),
    ("ADD UNIQUE (a, n) INCLUDE (b) DEFERRABLE", STAGED, AX),
    ("ADD UNIQUE (a) WITH (fillfactor = 70) USING INDEX TABLESPACE pg_default", STAGED, AX),
    ("ADD CONSTRAINT k UNIQUE USING INDEX a_index", INSTANT, AX),
    ("DROP CONSTRAINT t_pkey; ADD CONSTRAINT k PRIMARY KEY USING INDEX a_index", STAGED, AX),
    ("ADD EXCLUDE USING btree (a WITH =)", SHADOW, AX),
    # Indexes.
    ("CREATE INDEX ON t (a, b)", STAGED, "SHARE"),
    ("CREATE UNIQUE INDEX CONCURRENTLY i ON public.t USING btree (lower(b)) INCLUDE (n) WHERE a > 5", STAGED, "SHARE"),
    ("CREATE INDEX IF NOT EXISTS b_index ON t (a)", NOTHING, ""),
    ("DROP INDEX b_index", STAGED, AX),
    (
        "DROP INDEX IF EXISTS b_index; CREATE INDEX longer ON t (b, a); ADD COLUMN z int; ADD CHECK (n < 1000)",
        STAGED,
        AX,
    ),
    ("DROP INDEX b_index; CREATE INDEX b_index ON t (b, a)", STAGED, AX),
    ("CREATE UNIQUE INDEX i ON t (n); REPLICA IDENTITY USING INDEX i; CLUSTER ON i", STAGED, AX),
    ("ADD CONSTRAINT k UNIQUE (n, a), RENAME CONSTRAINT k TO l", STAGED, AX),
    # The table as a whole.
    ("SET (fillfactor = 70, autovacuum_enabled = off, toast.autovacuum_enabled = off)", INSTANT, SUX),
    ("RESET (fillfactor)", INSTANT, SUX),
    ("SET (user_catalog_table = true)", INSTANT, AX),
    ("CLUSTER ON b_index", INSTANT, SUX),
    ("SET WITHOUT CLUSTER", INSTANT, SUX),
    ("REPLICA IDENTITY FULL", INSTANT, AX),
    ("ENABLE ROW LEVEL SECURITY", INSTANT, AX),
    ("DISABLE TRIGGER noted", INSTANT, SRX),
    ("OWNER TO pg_monitor", INSTANT, AX),
    ("SET UNLOGGED", SHADOW, AX),
    ("RENAME TO z", INSTANT, AX),
    ("ADD COLUMN z int, RENAME TO y, ADD COLUMN y int", INSTANT, AX),
]
FROM_15 = [("ADD UNIQUE NULLS NOT DISTINCT (parent, n)", STAGED, AX), ("SET ACCESS METHOD heap2", SHADOW, AX)]
FROM_17 = [("ALTER made SET EXPRESSION AS (n + 2)", SHADOW, AX)]
FROM_18 = [
    ("ADD COLUMN z int GENERATED ALWAYS AS (n * 2)", INSTANT, AX),
    ("ADD CONSTRAINT k NOT NULL a", STAGED, AX),
    ("ADD CONSTRAINT k NOT NULL a NOT VALID", INSTANT, AX),
    ("ADD CONSTRAINT k CHECK (a > 0) NOT ENFORCED", INSTANT, AX),
    ("ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES p NOT ENFORCED", INSTANT, SRX),
]


def alters(version: int) -> Sequence[tuple[str, Strategy, str]]:
    more = [
        case for since, cases in ((15, FROM_15), (17, FROM_17), (18, FROM_18)) if version >= since for case in cases
    ]
    return [*ALTERS, *more]


Where = Callable[[int, sandbox.Options], sandbox.PostgresServer]
NewDatabase = Callable[[sandbox.Server], str]

CASES = [(version, *case) for version in (18, 15) for case in alters(version)]
SOAK = [pytest.param(version, *case, marks=pytest.mark.soak) for version in (14, 16, 17) for case in alters(version)]


@pytest.fixture(scope="module")
def fresh(postgres_with: Where) -> Iterator[Callable[[int], ConnectSettings]]:
    """A database of each version's server, emptied each time it is asked for: that is quicker than a new one."""
    made: dict[int, sandbox.PostgresServer] = {}

    def get(version: int) -> ConnectSettings:
        if version not in made:
            made[version] = postgres_with(version, {})
            made[version].execute("CREATE DATABASE strategies")
        where = settings(made[version], "strategies")
        with connected(where, "DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP ACCESS METHOD IF EXISTS heap2"):
            return where

    yield get
    for server in made.values():
        server.execute("DROP DATABASE strategies WITH (FORCE)")


@pytest.mark.parametrize(("version", "alter", "strategy", "lock"), [*CASES, *SOAK])
def test_the_server_does_what_the_plan_says(
    fresh: Callable[[int], ConnectSettings], version: int, alter: str, strategy: Strategy, lock: str
) -> None:
    where = fresh(version)
    heap2 = "CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler"
    statements = parse_alter(alter).statements('"public"."t"')
    with connected(where, TABLES, heap2) as connection:
        choice = asyncio.run(chosen(where, alter))
        assert (choice.strategy, choice.findings) == (strategy, ()), choice
        assert connection.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE '%gh%'").fetchone() == (0,)
        if not lock:
            return
        if "RENAME TO" in alter:
            statements = choice.steps[0].sql
        done = really_done(connection, statements)
        assert done.lock == lock
        if strategy is INSTANT:
            assert not done.work
            assert len(choice.steps) == 1
            assert choice.steps[0].lock.startswith(f"{lock} on public.t")
        elif strategy is SHADOW:
            assert done.work or "DROP CONSTRAINT" in alter
        elif "DROP INDEX" not in alter:
            assert done.messages
            assert not done.moved
        if strategy is not SHADOW:
            assert asyncio.run(_carried_out_and_as_written(where, statements, choice)) == ()
            assert remains(connection) == []


async def _carried_out_and_as_written(where: ConnectSettings, statements: Sequence[str], choice: Choice) -> object:
    """What differs between the table as the steps make it, and as the ALTER as written makes it."""
    async with opened(where, purpose="test") as session:
        oid = await session.scalar("SELECT 't'::regclass::oid::int8", doing="test")
        async with session.transaction(keep=False):
            for statement in statements:
                await session.execute(statement, doing="test")
            wanted = await table_state(session, oid)
        await carried_out(where, choice)
        async with session.transaction(keep=False):
            found = await table_state(session, oid)
    return () if found.same_definition(wanted) else differing(found, wanted)


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
    assert "public.p" in choice.steps[1].lock


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
