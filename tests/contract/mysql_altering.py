"""A filled table for changes in place, and what a server of MySQL's kind really does to it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pymysql

from ghostpy import sandbox

TABLES = """
CREATE TABLE parent (id INT PRIMARY KEY);
INSERT INTO parent SELECT n FROM (WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 60) SELECT n FROM c) x;
CREATE TABLE t (
    id INT NOT NULL AUTO_INCREMENT, a INT, n INT NOT NULL, u INT UNSIGNED, base INT, b VARCHAR(20), b2 VARCHAR(20), wide VARCHAR(260),
    l1 VARCHAR(20) CHARACTER SET latin1, u3 VARCHAR(20) CHARACTER SET utf8mb3, ch CHAR(5), vb VARBINARY(20), tx TEXT, bl BLOB, d DATE,
    dt DATETIME, ts TIMESTAMP NULL, num DECIMAL(10,2), f FLOAT, e ENUM('x', 'y'), s SET('p', 'q'), j JSON, bi BIT(3), pt POINT NOT NULL {srid},
    made INT AS (base + 1) STORED, virt INT AS (base + 2) VIRTUAL, def INT DEFAULT 3, hid INT INVISIBLE,
    PRIMARY KEY (id), UNIQUE KEY unique_n (n), KEY a_index (a), KEY b_index (b), CONSTRAINT checked CHECK (n > 0)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
INSERT INTO t (a, n, u, base, b, b2, wide, l1, u3, ch, vb, tx, bl, d, dt, ts, num, f, e, s, j, bi, pt, hid)
SELECT id, id, id, id, 'b', 'c', 'w', 'l', 'u', 'ch', 'v', 'tx', 'bl', '2026-01-01', '2026-01-01', '2026-01-01 10:00', 3, 4, 'x', 'p', '{{"x": [1]}}', 1,
       ST_GeomFromText('POINT(1 1)'), 1 FROM parent;
"""
ROWS = 60


@dataclass(frozen=True, slots=True)
class Done:
    """How a server made a change of a filled table."""

    how: str
    """The cheapest words that it took: "INSTANT", "INPLACE NONE" (ALGORITHM, LOCK), …; empty where it was not asked."""
    work: str
    """rewrites, builds, none."""
    definition: str


def connected(server: sandbox.Server, database: str) -> closing[pymysql.connections.Connection[Any]]:
    """A connection in autocommit for the applications of a test."""
    return closing(
        pymysql.connect(
            host=server.host, port=server.port, user=server.user, database=database, autocommit=True, ssl_disabled=True
        )
    )


def run(connection: pymysql.connections.Connection[Any], text: str) -> None:
    """Run statements; each ends with a semicolon."""
    with connection.cursor() as cursor:
        for statement in filter(str.strip, text.split(";")):
            cursor.execute(statement)


def made_anew(connection: pymysql.connections.Connection[Any], *, mariadb: bool) -> None:
    """The table t, filled, and no other."""
    with connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks = 0")
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
        for (table,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE `{table}`")
        cursor.execute("SET foreign_key_checks = 1")
    run(connection, TABLES.format(srid="" if mariadb else "SRID 0"))


def asked(
    connection: pymysql.connections.Connection[Any], table: str, clauses: str, ladder: Sequence[tuple[str, str]]
) -> Done:
    """Alter `table` in the first of these ways that the server takes. Raises pymysql's errors where it takes none."""
    before = _numbers(connection, table)
    refused: pymysql.MySQLError | None = None
    for algorithm, lock in ladder:
        words = f"ALGORITHM={algorithm}{f', LOCK={lock}' if lock else ''}" if algorithm else ""
        # The syntax has no comma in front of partitions.
        words += "" if not words else " " if clauses.startswith(("PARTITION ", "REMOVE ")) else ", "
        try:
            with connection.cursor() as cursor:
                rows = cursor.execute(f"ALTER TABLE `{table}` {words}{clauses}")
        except pymysql.MySQLError as error:
            refused = error
            continue
        after = _numbers(connection, table)
        moved = rows >= ROWS or not before[0] & after[0]
        if algorithm == "INSTANT" and moved:  # MariaDB takes the word, and copies
            algorithm, lock = "COPY", "SHARED"
        work = "rewrites" if moved else "builds" if after[1] - before[1] else "none"
        return Done(" ".join(filter(None, (algorithm, lock))), work, _definition(connection, table))
    assert refused is not None
    raise refused


def _numbers(connection: pymysql.connections.Connection[Any], table: str) -> tuple[set[Any], set[Any]]:
    """InnoDB's numbers of a table, or of its partitions, and of their indexes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        prefix = "INNODB_SYS_" if "MariaDB" in str(cursor.fetchone()) else "INNODB_"
        cursor.execute(
            f"SELECT t.TABLE_ID, i.INDEX_ID FROM information_schema.{prefix}TABLES t LEFT JOIN information_schema.{prefix}INDEXES i "
            f"USING (TABLE_ID) WHERE t.NAME = CONCAT(DATABASE(), '/{table}') OR t.NAME LIKE CONCAT(DATABASE(), '/{table}#%')"
        )
        rows = cursor.fetchall()
        # Of partitions MySQL shows no indexes.
        cursor.execute(
            f"SELECT index_name FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = '{table}'"
        )
        names = cursor.fetchall() if rows and rows[0][1] is None else ()
    return {row[0] for row in rows}, {row[1] for row in rows if row[1] is not None} or {row[0] for row in names}


def _definition(connection: pymysql.connections.Connection[Any], table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW CREATE TABLE `{table}`")
        row = cursor.fetchone()
    assert row is not None
    return str(row[1])
