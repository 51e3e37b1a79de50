"""A resync writes over the rows that are there, where no two rows of the source can meet in one of the shadow; else it deletes and inserts."""

from __future__ import annotations

import asyncio
from math import inf
from typing import Any

import pymysql
import pytest
from under_way import COPY, running

from ghostpy import sandbox
from ghostpy.dialects.mysql.dialect import MySQLDialect
from ghostpy.model.keys import KeyRange
from ghostpy.settings import ConnectSettings, MigrateSettings, TargetSettings

_EVERYTHING = KeyRange(None, None)
_INT = "id INT NOT NULL, v INT NOT NULL, w INT NOT NULL, INDEX (v), PRIMARY KEY (id)"
_TEXT = "id VARCHAR(10) COLLATE utf8mb4_bin NOT NULL, v INT NOT NULL, w INT NOT NULL, PRIMARY KEY (id)"

# definition, ALTER, --where, whether rows are written over
_CHANGES = {
    "a wider whole number": (_INT, "MODIFY id BIGINT NOT NULL", None, True),
    "text": (_TEXT, "ADD x INT", None, True),
    "a filter": (_INT, "ADD x INT", "v < 100", True),
    "a unique key alone": (_INT.replace("PRIMARY KEY", "UNIQUE"), "ADD x INT", None, True),
    "another unique key": (_INT, "ADD UNIQUE (v)", None, False),
    "a key that compares otherwise": (_TEXT, "MODIFY id VARCHAR(10) COLLATE utf8mb4_0900_ai_ci NOT NULL", None, False),
    "a longer key": (_INT, "DROP PRIMARY KEY, ADD PRIMARY KEY (id, v)", None, False),
    "only a part of a text": (_TEXT, "DROP PRIMARY KEY, ADD PRIMARY KEY (id(9)), ADD INDEX (id)", None, False),
}


def _connection(server: sandbox.Server, database: str) -> Any:
    return pymysql.connect(
        host=server.host, port=server.port, user=server.user, database=database, autocommit=True, ssl_disabled=True
    )


def _dialect(server: sandbox.Server, database: str, alter: str) -> MySQLDialect:
    return MySQLDialect(
        MigrateSettings(
            connect=ConnectSettings(host=server.host, port=server.port, user=server.user),
            target=TargetSettings(database=database, table="t", alter=alter),
            copy=COPY,
        )
    )


@pytest.mark.parametrize("change", _CHANGES)
def test_rows_are_written_over_or_replaced(change: str, mysql: sandbox.MySQLServer, database: str) -> None:
    definition, alter, where, over = _CHANGES[change]
    with _connection(mysql, database) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE t ({definition})")
        cursor.execute(f"INSERT INTO t VALUES {', '.join(f'({i}, {i}, 0)' for i in range(1, 9))}")

        async def scenario() -> int:
            async with running(_dialect(mysql, database, alter), where=where) as run:
                await run.copier.slice(0, at_most=inf)
                cursor.execute("UPDATE t SET w = 5 WHERE id IN ('1', '2')")
                cursor.execute("UPDATE t SET v = 70 WHERE id = '3'")
                cursor.execute("UPDATE t SET v = 700 WHERE id = '4'")
                cursor.execute("UPDATE t SET id = '50' WHERE id = '5'")
                cursor.execute("INSERT INTO t VALUES (9, 9, 9)")
                await run.worker.up_to(await run.parts.stream.end(), _EVERYTHING)
                assert not run.backlog
                before = _deleted(cursor)
                cursor.execute("UPDATE t SET w = w + 1 WHERE id IN ('1', '2')")
                await run.worker.up_to(await run.parts.stream.end(), _EVERYTHING)
                replaced = _deleted(cursor) - before
                cursor.execute("DELETE FROM t WHERE id IN ('1', '6')")
                await run.worker.up_to(await run.parts.stream.end(), _EVERYTHING)
                return replaced

        assert asyncio.run(scenario()) == (0 if over else 2)
        assert _rows(cursor, "_t_gho") == _rows(cursor, "t", where)


def _deleted(cursor: Any) -> int:
    cursor.execute(
        "SELECT COUNT_DELETE FROM performance_schema.table_io_waits_summary_by_table "
        "WHERE OBJECT_SCHEMA = DATABASE() AND OBJECT_NAME = '_t_gho'"
    )
    return int(cursor.fetchone()[0])


def _rows(cursor: Any, table: str, where: str | None = None) -> list[tuple[Any, ...]]:
    cursor.execute(f"SELECT id, v, w FROM {table} WHERE {where or 'TRUE'} ORDER BY v, id")
    return list(cursor.fetchall())


def test_a_row_that_did_not_change_is_not_written(mysql: sandbox.MySQLServer, database: str) -> None:
    with _connection(mysql, database) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE t ({_INT})")
        cursor.execute("INSERT INTO t VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3)")

        async def scenario() -> None:
            async with running(_dialect(mysql, database, "ADD x INT NOT NULL DEFAULT 7")) as run:
                await run.copier.slice(0, at_most=inf)
                cursor.execute("UPDATE t SET w = 9 WHERE id = 2")
                run.backlog.add_unmarked([1, 3])
                await run.worker.up_to(await run.parts.stream.end(), _EVERYTHING)

        asyncio.run(scenario())
        cursor.execute(
            "SELECT COUNT_UPDATE + COUNT_DELETE FROM performance_schema.table_io_waits_summary_by_table "
            "WHERE OBJECT_SCHEMA = DATABASE() AND OBJECT_NAME = '_t_gho'"
        )
        assert int(cursor.fetchone()[0]) == 1
        cursor.execute("SELECT * FROM _t_gho ORDER BY id")
        assert list(cursor.fetchall()) == [(1, 1, 1, 7), (2, 2, 9, 7), (3, 3, 3, 7)]
