"""Rows that were copied behind the last checkpoint go, before they are copied again; no row of the source is locked meanwhile."""

from __future__ import annotations

import asyncio
from math import inf
from typing import Any

import pymysql
import pytest
from under_way import COPY, running

from ghostpy import sandbox
from ghostpy.dialects.mysql.dialect import MySQLDialect
from ghostpy.settings import ConnectSettings, MigrateSettings, TargetSettings

_ORDERS = {
    "alike": ("INT", "ADD COLUMN extra INT NOT NULL DEFAULT 1", "1", "2", "10", "30"),
    # Upper case sorts before lower case in one of the two tables only.
    "otherwise": (
        "VARCHAR(10) CHARACTER SET latin1 COLLATE latin1_bin",
        "MODIFY id VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci NOT NULL",
        "'B'",
        "'a'",
        "'c'",
        "'Z'",
    ),
}


@pytest.mark.parametrize("order", _ORDERS)
def test_what_lies_behind_goes(order: str, mysql: sandbox.MySQLServer, database: str) -> None:
    kind, alter, *keys = _ORDERS[order]
    connection: Any = pymysql.connect(
        ssl_disabled=True, host=mysql.host, port=mysql.port, user=mysql.user, database=database, charset="utf8mb4"
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE t (id {kind} PRIMARY KEY, v INT)")
        cursor.execute(f"INSERT INTO t VALUES {', '.join(f'({key}, 1)' for key in keys)}")
        connection.commit()
        dialect = MySQLDialect(
            MigrateSettings(
                connect=ConnectSettings(host=mysql.host, port=mysql.port, user=mysql.user),
                target=TargetSettings(database=database, table="t", alter=alter),
                copy=COPY,
            )
        )

        async def scenario() -> None:
            async with running(dialect) as run:
                await run.copier.slice(0, at_most=inf)
                low = await run.parts.copying.next_bound(None, 2)
                assert low is not None
                cursor.execute("UPDATE t SET v = 2")
                async with asyncio.timeout(20):
                    await run.parts.copying.cut(low)

        asyncio.run(scenario())
        connection.rollback()
        cursor.execute("SELECT id FROM t ORDER BY id LIMIT 2")
        kept = {row[0] for row in cursor.fetchall()}
        cursor.execute("SELECT id FROM _t_gho")
        assert {row[0] for row in cursor.fetchall()} == kept
