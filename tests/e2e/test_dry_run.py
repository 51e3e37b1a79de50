"""Without --execute: everything is checked, the plan is printed, and nothing is left or touched."""

from __future__ import annotations

from migrating import cursor_of, ghostpy

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
