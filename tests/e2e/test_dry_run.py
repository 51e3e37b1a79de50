"""Without --execute: everything is checked, the plan is printed, and nothing is left or touched."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from migrating import cursor_of, ghostpy, url_of
from postgres_witness import Witness

from ghostpy import sandbox


def _flags(server: sandbox.Server, database: str) -> list[str]:
    return [
        "migrate",
        f"--url={server.url}/{database}",
        "--table=t",
        "--alter=ADD COLUMN extra INT, RENAME COLUMN v TO w",
    ]


def test_the_plan_is_printed_and_nothing_is_left(mysql: sandbox.MySQLServer, database: str) -> None:
    with cursor_of(mysql, database) as cursor:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
        finished = ghostpy(*_flags(mysql, database))
        assert finished.status == 0, finished.errors
        assert "v → w" in finished.output
        assert "nothing was changed" in finished.output
        cursor.execute("SHOW TABLES")
        assert cursor.fetchall() == (("t",),)


def test_a_leftover_is_left_alone_even_where_a_run_would_drop_it(mysql: sandbox.MySQLServer, database: str) -> None:
    with cursor_of(mysql, database) as cursor:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
        cursor.execute("CREATE TABLE _t_gho (id INT PRIMARY KEY)")
        cursor.execute("INSERT INTO _t_gho VALUES (42)")
        finished = ghostpy(*_flags(mysql, database), "--initially-drop-ghost-table")
        assert finished.status == 0, finished.errors
        cursor.execute("SELECT * FROM _t_gho")
        assert cursor.fetchall() == ((42,),)
        # What a killed dry run left is in nobody's way.
        cursor.execute("CREATE TABLE _t_ghp (id INT PRIMARY KEY)")
        assert ghostpy(*_flags(mysql, database), "--initially-drop-ghost-table").status == 0
        cursor.execute("SHOW TABLES")
        assert cursor.fetchall() == (("_t_gho",), ("t",))


@pytest.mark.parametrize("version", [18, 15])
@pytest.mark.parametrize(
    ("alter", "told"),
    [
        ("ALTER COLUMN v TYPE bigint, RENAME COLUMN v TO w", ("v → w", "_public_t_gho.t (shadow)", "t_pkey (id)")),
        ("ADD COLUMN extra int", ("instant",)),
        ("ALTER COLUMN v SET NOT NULL; CREATE INDEX by_v ON t (v)", ("steps", "CONCURRENTLY")),
    ],
    ids=["shadow", "instant", "steps"],
)
def test_on_postgres_the_plan_is_printed_and_nothing_is_left(
    postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer],
    new_database: Callable[[sandbox.Server], str],
    version: int,
    alter: str,
    told: tuple[str, ...],
) -> None:
    server = postgres_with(version, {})
    database = new_database(server)
    with cursor_of(server, database) as cursor:
        cursor.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
        cursor.execute("INSERT INTO t SELECT i, i FROM generate_series(1, 100) AS i")
        # What a killed run left is in nobody's way, and is left alone.
        cursor.execute("CREATE SCHEMA _public_t_gho")
        cursor.execute("COMMENT ON SCHEMA _public_t_gho IS 'ghostpy: shadow of public.t'")
        cursor.execute("CREATE TABLE _public_t_gho.t AS SELECT 42 AS id")
    witness = Witness(server, database)
    finished = ghostpy("migrate", f"--url={url_of(server, database)}", "--table=t", f"--alter={alter}")
    assert finished.status == 0, finished.errors
    for phrase in (*told, "public.t", "nothing was changed"):
        assert phrase in finished.output, finished.output
    witness.assert_untouched()
