"""Verification in whole runs: what the stream cannot show is found and repaired; what does not stay repaired ends the run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from migrating import Finished, cursor_of, ghostpy, url_of

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]
_ROWS = 2000


# Where the shadow is, and the flags by which the copy takes its time.
_SHADOW = {"mysql": ("{database}", "_t_gho"), "postgres": ("_public_t_gho", "t")}
_SLOWLY = {
    "mysql": ("--chunk-size=10", "--workers=1"),
    "postgres": ("--chunk-size=10", "--workers=1", "--nice-ratio=3", "--strategy=shadow"),
}


def _migrate_and(server: sandbox.Server, database: str, *while_copying: str) -> Finished:
    """Change `t` slowly; once its first rows are copied, run the statements beside it."""
    schema, shadow = _SHADOW[server.kind]
    schema = schema.format(database=database)
    call = (
        "migrate",
        f"--url={url_of(server, database)}",
        "--table=t",
        "--alter=ADD COLUMN extra INT NOT NULL DEFAULT 3",
    )
    with cursor_of(server, database) as cursor:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, v INT NOT NULL)")
        cursor.execute(f"INSERT INTO t VALUES {', '.join(f'({i}, 1)' for i in range(1, _ROWS + 1))}")
        finished: list[Finished] = []
        running = threading.Thread(target=lambda: finished.append(ghostpy(*call, *_SLOWLY[server.kind], "--execute")))
        running.start()
        while running.is_alive():
            cursor.execute(
                f"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '{schema}' AND table_name = '{shadow}'"
            )
            if cursor.fetchone() == (1,):
                cursor.execute(f"SELECT COUNT(*) FROM {schema}.{shadow} WHERE id <= 20")
                if cursor.fetchone() == (20,):
                    break
            time.sleep(0.002)
        for statement in while_copying:
            cursor.execute(statement)
        running.join()
    return finished[0]


def test_a_change_that_the_stream_does_not_show_is_repaired(mysql: sandbox.MySQLServer, database: str) -> None:
    finished = _migrate_and(
        mysql,
        database,
        "SET sql_log_bin = 0",
        "UPDATE t SET v = 2 WHERE id = 5",
        "DELETE FROM t WHERE id = 7",
        "INSERT INTO t VALUES (-1, 9)",
    )
    assert finished.status == 0, finished.errors
    assert "3 rows differed for no known reason" in finished.errors
    with cursor_of(mysql, database) as cursor:
        cursor.execute("SELECT id, v, extra FROM t WHERE id <= 8")
        assert cursor.fetchall() == ((-1, 9, 3), *((i, 2 if i == 5 else 1, 3) for i in (1, 2, 3, 4, 5, 6, 8)))


def test_a_difference_that_comes_back_ends_the_run(mysql: sandbox.MySQLServer, database: str) -> None:
    finished = _migrate_and(
        mysql,
        database,
        "CREATE TRIGGER spoils BEFORE INSERT ON _t_gho FOR EACH ROW SET NEW.v = NEW.v + (NEW.id = 11)",
        "UPDATE t SET v = 4 WHERE id = 11",
    )
    assert finished.status == 8, finished.output + finished.errors
    assert "differ from the source again" in finished.errors
    with cursor_of(mysql, database) as cursor:
        cursor.execute("SHOW TABLES")
        assert cursor.fetchall() == (("t",),)
        cursor.execute("SELECT COUNT(*), SUM(v) FROM t")
        assert cursor.fetchone() == (_ROWS, _ROWS + 3)


# There is no change of a row that PostgreSQL's stream does not show: the statements are on the shadow.


def test_rows_that_differ_on_postgres_are_repaired(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> None:
    database = new_database(postgres)
    finished = _migrate_and(
        postgres,
        database,
        "UPDATE _public_t_gho.t SET v = 99 WHERE id = 5",
        "DELETE FROM _public_t_gho.t WHERE id = 7",
        "INSERT INTO _public_t_gho.t VALUES (-1, 9)",
    )
    assert finished.status == 0, finished.errors
    assert "3 rows differed for no known reason" in finished.errors
    with cursor_of(postgres, database) as cursor:
        cursor.execute("SELECT count(*), sum(v), min(id), min(extra), max(extra) FROM t")
        assert cursor.fetchone() == (_ROWS, _ROWS, 1, 3, 3)


def test_a_difference_that_comes_back_on_postgres_ends_the_run(
    postgres: sandbox.PostgresServer, new_database: NewDatabase
) -> None:
    database = new_database(postgres)
    finished = _migrate_and(
        postgres,
        database,
        "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.v := NEW.v + 1; RETURN NEW; END'",
        "CREATE TRIGGER spoils BEFORE INSERT ON _public_t_gho.t FOR EACH ROW WHEN (NEW.id = 11) EXECUTE FUNCTION spoil()",
        "UPDATE t SET v = 4 WHERE id = 11",
    )
    assert finished.status == 8, finished.output + finished.errors
    assert "differ from the source again" in finished.errors
    with cursor_of(postgres, database) as cursor:
        cursor.execute("SELECT count(*), sum(v), to_regnamespace('_public_t_gho') IS NULL FROM t")
        assert cursor.fetchone() == (_ROWS, _ROWS + 3, True)
