"""How full the disk of a server on this machine is: shown in the plan, a figure for load lists, and a reason to end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from migrating import Finished, cursor_of, ghostpy, url_of

from ghostpy import sandbox


@pytest.fixture(params=["mysql", "mariadb", "postgres"])
def run(
    request: pytest.FixtureRequest, new_database: Callable[[sandbox.Server], str]
) -> Callable[..., tuple[Finished, list[tuple[object, ...]]]]:
    """Changes a small table; gives the end of the run and the table's columns."""
    server: sandbox.Server = request.getfixturevalue(request.param)
    database = new_database(server)
    with cursor_of(server, database) as cursor:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
        cursor.execute("INSERT INTO t VALUES (1, 1), (2, 2)")
        cursor.execute("COMMIT")

    def changed(*flags: str) -> tuple[Finished, list[tuple[object, ...]]]:
        alter = "ALTER COLUMN v TYPE bigint" if server.kind == "postgres" else "MODIFY v BIGINT"
        done = ghostpy("migrate", f"--url={url_of(server, database)}", "--table=t", f"--alter={alter}", *flags)
        schema = "table_schema NOT IN ('pg_catalog', 'information_schema')"
        schema = schema if server.kind == "postgres" else "table_schema = DATABASE()"
        with cursor_of(server, database) as cursor:
            cursor.execute(f"SELECT table_name, column_name, data_type FROM information_schema.columns WHERE {schema}")
            return done, sorted(cursor.fetchall())

    return changed


def test_shown_in_the_plan(run: Callable[..., tuple[Finished, list[tuple[object, ...]]]]) -> None:
    done, _ = run()
    assert done.status == 0, done.errors
    assert "are free now" in " ".join(done.output.split())


def test_the_run_is_ended_and_leaves_the_room_that_it_took(
    run: Callable[..., tuple[Finished, list[tuple[object, ...]]]],
) -> None:
    _, before = run()
    # Nothing is ever free to the last byte.
    done, after = run("--execute", "--disk-reserve-percent=100", "--nice-ratio=100", "--chunk-size=1")
    assert done.status == 10, done.errors
    assert "the server's disk has" in done.errors
    assert "less than --disk-reserve-percent=100" in done.errors
    assert after == before


def test_a_figure_for_load_lists(run: Callable[..., tuple[Finished, list[tuple[object, ...]]]]) -> None:
    done, _ = run("--execute", "--critical-load=disk_used_percent=0.001")
    assert done.status == 12, done.errors
    assert "critical-load met: disk_used_percent=" in done.errors
