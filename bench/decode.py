"""How many single-row transactions a second does the change stream decode, and how many a general library on the same
binlog?

    python -m bench.decode [--server mysql|mariadb] [--transactions N] [--json]

A throwaway server runs N single-row transactions on a sysbench-like table (and one large UPDATE). Then, one after the
other on the same binlog: our decoder on the bytes in memory, our whole stream from the server, and mysql-replication's
BinLogStreamReader. Times are seconds of the wall clock; compare the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import time
from contextlib import closing
from dataclasses import dataclass

import pymysql

from ghostpy import sandbox
from ghostpy.dialects.mysql.binlog_place import BinlogPlace
from ghostpy.dialects.mysql.events import EventDecoder
from ghostpy.dialects.mysql.facts import server_facts
from ghostpy.dialects.mysql.followed import Followed
from ghostpy.dialects.mysql.replication import Dump
from ghostpy.dialects.mysql.session import opened
from ghostpy.dialects.mysql.stream import BinlogStream
from ghostpy.model.names import TableName
from ghostpy.model.table import Column
from ghostpy.settings import ConnectSettings

_COLUMNS = (
    Column("id", 1, "int", "int", False, auto_increment=True),
    Column("k", 2, "int", "int", False),
    Column("c", 3, "char", "char(120)", False, charset="utf8mb4"),
    Column("pad", 4, "char", "char(60)", False, charset="utf8mb4"),
)
_SOURCE, _LEDGER = TableName("bench", "t"), TableName("bench", "_t_ghc")
_FOLLOWED = Followed(_SOURCE, _COLUMNS, _COLUMNS[:1], _LEDGER)
_TABLE_ROWS = 20_000

_PREPARE = (
    "CREATE DATABASE bench",
    "USE bench",
    "SET {depth}=1000000000, sql_log_bin=0",
    "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, k INT NOT NULL, c CHAR(120) NOT NULL, pad CHAR(60) NOT NULL, KEY (k))",
    "INSERT INTO t (k, c, pad) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) "
    "SELECT i, RPAD(SHA2(i, 512), 119, '-'), RPAD(SHA2(i, 224), 59, '-') FROM n",
    "CREATE PROCEDURE work (n INT) BEGIN WHILE n > 0 DO UPDATE t SET k = k + 1 WHERE id = 1 + (n * 7919) % {rows}; "
    "SET n = n - 1; END WHILE; END",
    "SET sql_log_bin=1",
)


_DEPTH = {"mysql": "cte_max_recursion_depth", "mariadb": "max_recursive_iterations"}
_END = {"mysql": "SHOW BINARY LOG STATUS", "mariadb": "SHOW MASTER STATUS"}


@dataclass(frozen=True)
class Figures:
    """Row changes a second; `single` for transactions of one row each, `large` for one transaction of many."""

    server: str
    transactions: int
    single_in_memory: float
    single_from_server: float
    single_library: float
    large_in_memory: float
    large_library: float

    @property
    def ratio_in_memory(self) -> float:
        return self.single_in_memory / self.single_library

    @property
    def ratio_from_server(self) -> float:
        return self.single_from_server / self.single_library

    @property
    def ratio_large(self) -> float:
        return self.large_in_memory / self.large_library


def measure(kind: str, transactions: int) -> Figures:
    """Run all of it on a throwaway server."""
    options = {"sync-binlog": 0, "innodb-flush-log-at-trx-commit": 0, "max-binlog-size": 1 << 30}
    with {"mysql": sandbox.mysql, "mariadb": sandbox.mariadb}[kind](options) as server:
        settings = ConnectSettings(host=server.host, port=server.port, user=server.user)
        with (
            closing(
                pymysql.connect(
                    host=server.host, port=server.port, user=server.user, autocommit=True, ssl_disabled=True
                )
            ) as connection,
            connection.cursor() as cursor,
        ):
            for statement in _PREPARE:
                cursor.execute(statement.format(rows=_TABLE_ROWS, depth=_DEPTH[kind]))
            start = _place(cursor, kind)
            cursor.execute(f"CALL work({transactions})")
            middle = _place(cursor, kind)
            large = transactions // _TABLE_ROWS or 1
            for _ in range(large):
                cursor.execute("UPDATE t SET k = k + 1")
            end = _place(cursor, kind)
        large_rows = large * _TABLE_ROWS
        return Figures(
            server=kind,
            transactions=transactions,
            single_in_memory=transactions / _in_memory(settings, start, middle, transactions),
            single_from_server=transactions / asyncio.run(_from_server(settings, start, transactions)),
            single_library=transactions / _library(settings, start, transactions),
            large_in_memory=large_rows / _in_memory(settings, middle, end, large_rows),
            large_library=large_rows / _library(settings, middle, large_rows),
        )


def _place(cursor: pymysql.cursors.Cursor, kind: str) -> BinlogPlace:
    cursor.execute(_END[kind])
    row = cursor.fetchone()
    assert row is not None
    return BinlogPlace(str(row[0]), int(row[1]))


def _in_memory(settings: ConnectSettings, start: BinlogPlace, end: BinlogPlace, rows: int) -> float:
    dump = Dump(settings, server_id=4711, uuid="")
    dump.open(start)
    pieces = []
    watcher = EventDecoder(_FOLLOWED)
    watcher.file, watcher.offset = start.file, start.offset
    while watcher.offset < end.offset:
        pieces.append(dump.receive())
        for _ in watcher.feed(pieces[-1]):
            pass
    dump.close()
    decoder = EventDecoder(_FOLLOWED)
    decoder.file, decoder.offset = start.file, start.offset
    began = time.perf_counter()
    for piece in pieces:
        for _ in decoder.feed(piece):
            pass
    taken = time.perf_counter() - began
    assert decoder.events >= rows
    return taken


async def _from_server(settings: ConnectSettings, start: BinlogPlace, rows: int) -> float:
    async with opened(settings, purpose="bench") as session:
        facts = await server_facts(session)
    stream = BinlogStream(settings, facts, source=_SOURCE, columns=_COLUMNS, key=_COLUMNS[:1], ledger=_LEDGER)
    began = time.perf_counter()
    await stream.open(start.position())
    seen = 0
    while seen < rows:
        seen += (await stream.read()).events
    taken = time.perf_counter() - began
    await stream.close()
    return taken


def _library(settings: ConnectSettings, start: BinlogPlace, rows: int) -> float:
    from pymysqlreplication import BinLogStreamReader
    from pymysqlreplication.row_event import UpdateRowsEvent

    logging.getLogger("pymysqlreplication").setLevel(logging.ERROR)
    reader = BinLogStreamReader(
        connection_settings={"host": settings.host, "port": settings.port, "user": settings.user, "passwd": ""},
        server_id=4712,
        log_file=start.file,
        log_pos=start.offset,
        resume_stream=True,
        blocking=True,
        only_events=[UpdateRowsEvent],
        only_schemas=[_SOURCE.schema],
        only_tables=[_SOURCE.table],
    )
    began = time.perf_counter()
    seen = 0
    for event in reader:
        seen += len(event.rows)
        if seen >= rows:
            break
    taken = time.perf_counter() - began
    reader.close()
    return taken


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--server", choices=sorted(_END), default="mysql")
    options.add_argument("--transactions", type=int, default=100_000)
    options.add_argument("--json", action="store_true", help="one line of JSON instead of the table")
    chosen = options.parse_args()
    figures = measure(chosen.server, chosen.transactions)
    if chosen.json:
        ratios = {name: getattr(figures, name) for name in ("ratio_in_memory", "ratio_from_server", "ratio_large")}
        print(json.dumps(vars(figures) | ratios))
        return
    print(f"{figures.transactions:,} single-row transactions on {figures.server}, Python {sys.version.split()[0]}")
    print(f"  {'':34}{'changes/s':>12}{'ratio':>8}")
    for label, value, base in (
        ("single rows, mysql-replication", figures.single_library, figures.single_library),
        ("single rows, our stream", figures.single_from_server, figures.single_library),
        ("single rows, our decoder alone", figures.single_in_memory, figures.single_library),
        ("large transaction, mysql-replication", figures.large_library, figures.large_library),
        ("large transaction, our decoder alone", figures.large_in_memory, figures.large_library),
    ):
        print(f"  {label:36}{value:>12,.0f}{value / base:>8.1f}")


if __name__ == "__main__":
    main()
