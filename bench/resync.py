"""How many keys a second are resynced, by writing over rows and by deleting and inserting, with more and more secondary indexes?

    python -m bench.resync [--server mysql|mariadb|postgres] [--rows N] [--indexes 0,1,5] [--keys N] [--laps N] [--repeat N] [--as-they-are] [--json FILE]

One column that is in no index changes in rows chosen by chance; those rows are brought up to date in the shadow, by ghostpy's own resync, `--keys` at a
time, on one session of an idle server. Both ways take turns; quoted are medians. `--as-they-are`: nothing changes, as where a row was changed before it was
copied and its change is read later.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ghostpy import sandbox
from ghostpy.dialects.mysql.dialect import MySQLDialect
from ghostpy.dialects.postgres.dialect import PostgresDialect
from ghostpy.model.keys import KeyRange
from ghostpy.protocols import Dialect
from ghostpy.sandbox.drivers import DRIVERS
from ghostpy.sandbox.filling import fill
from ghostpy.settings import ConnectSettings, MigrateSettings, TargetSettings

_EVERYTHING = KeyRange(None, None)
_INNODB: sandbox.Options = {"innodb_buffer_pool_size": "1G"}
_SERVERS = {
    "mysql": lambda: sandbox.mysql(_INNODB),
    "mariadb": lambda: sandbox.mariadb(_INNODB),
    "postgres": lambda: sandbox.postgres({"shared_buffers": "1GB", "max_wal_size": "8GB"}),
}
_INDEXED = ("a", "b", "d", "e", "f")
_WAYS = {"writing over": True, "deleting and inserting": False}


_COLUMNS = (
    "id INT NOT NULL PRIMARY KEY, a INT NOT NULL, b INT NOT NULL, d CHAR(40) NOT NULL, e CHAR(40) NOT NULL, f INT NOT NULL, "
    "changed INT NOT NULL DEFAULT 0, c CHAR(90) NOT NULL"
)
_INTO = "INSERT INTO {table} (id, a, b, d, e, f, c) "


@dataclass(frozen=True)
class _Rows:
    """Rows of 200 bytes, with so many secondary indexes."""

    kind: str
    indexes: int

    @property
    def create(self) -> tuple[str, ...]:
        indexed = _INDEXED[: self.indexes]
        return (
            "DROP TABLE IF EXISTS {table}",
            f"CREATE TABLE {{table}} ({_COLUMNS})",
            *(f"CREATE INDEX {column}_of_t ON {{table}} ({column})" for column in indexed),
        )

    @property
    def fill(self) -> str:
        if self.kind == "postgres":
            return (
                f"{_INTO} SELECT i, i * 7919::bigint % 1000000, i * 104729::bigint % 1000000, left(repeat(md5(i::text), 2), 40), "
                "left(repeat(md5((-i)::text), 2), 40), i * 31::bigint % 1000, repeat(md5(i::text), 2) FROM generate_series({first}, {last}) AS i"
            )
        return (
            f"{_INTO} WITH RECURSIVE n (i) AS (SELECT {{first}} UNION ALL SELECT i + 1 FROM n WHERE i < {{last}}) "
            "SELECT i, i * 7919 % 1000000, i * 104729 % 1000000, LEFT(SHA2(i, 224), 40), LEFT(SHA2(-i, 224), 40), i * 31 % 1000, SHA2(i, 224) FROM n"
        )


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="bench.resync", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--server", choices=tuple(_SERVERS), default="mysql")
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--indexes", default="0,1,5")
    parser.add_argument("--keys", type=int, default=500)
    parser.add_argument("--laps", type=int, default=50)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--as-they-are", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    found: dict[str, dict[str, float]] = {}
    with _SERVERS[options.server]() as server:
        server.execute("CREATE DATABASE bench")
        print(f"{options.server}, {options.rows:,} rows, {options.keys} keys at a time: keys a second")
        for indexes in map(int, options.indexes.split(",")):
            rates = asyncio.run(_rates(server, indexes, options))
            found[str(indexes)] = rates
            told = ", ".join(f"{way} {rate:8,.0f}" for way, rate in rates.items())
            over, replaced = rates.values()
            print(f"  {indexes} indexes: {told}, ratio {over / replaced:.2f}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


async def _rates(server: sandbox.Server, indexes: int, options: argparse.Namespace) -> dict[str, float]:
    by_chance = random.Random(1)
    rates: dict[str, list[float]] = {way: [] for way in _WAYS}
    dialect = _dialect(server)
    kind = "postgres" if server.kind == "postgres" else "mysql"
    with (
        closing(
            DRIVERS[kind].connect(host=server.host, port=server.port, user=server.user, password="", database="bench")
        ) as connection,
        connection.cursor() as cursor,
    ):
        fill(cursor, _Rows(server.kind, indexes), "t", options.rows)
        await dialect.open()
        try:
            parts = dialect.parts(await dialect.plan())
            await dialect.housekeeping.create_ledger()
            await dialect.housekeeping.create_shadow()
            await parts.copying.copy(_EVERYTHING)
            await dialect.housekeeping.build_key()
            await dialect.housekeeping.build_indexes()
            for _ in range(options.repeat):
                for way, over in _WAYS.items():
                    _set(parts.resyncing, over)
                    seconds = 0.0
                    for _ in range(options.laps):
                        wanted = by_chance.sample(range(1, options.rows + 1), options.keys)
                        if not options.as_they_are:
                            among = ", ".join(map(str, wanted))
                            cursor.execute(f"UPDATE t SET changed = changed + 1 WHERE id IN ({among})")
                            connection.commit()
                        began = time.perf_counter()
                        await parts.resyncing.resync(dict.fromkeys(wanted, 0), _EVERYTHING)
                        seconds += time.perf_counter() - began
                    rates[way].append(options.keys * options.laps / seconds)
        finally:
            await dialect.housekeeping.drop_shadow()
            await dialect.housekeeping.drop_ledger()
            await dialect.close()
    return {way: statistics.median(each) for way, each in rates.items()}


def _dialect(server: sandbox.Server) -> Dialect:
    if server.kind == "postgres":
        dsn = f"host={server.host} port={server.port} user={server.user} dbname=bench"
        return PostgresDialect(
            MigrateSettings(
                connect=ConnectSettings(dialect="postgres", dsn=dsn),
                target=TargetSettings(table="t", alter="ALTER a TYPE bigint", strategy="shadow"),
            )
        )
    return MySQLDialect(
        MigrateSettings(
            connect=ConnectSettings(host=server.host, port=server.port, user=server.user),
            target=TargetSettings(database="bench", table="t", alter="MODIFY a BIGINT NOT NULL"),
        )
    )


def _set(resyncing: Any, over: bool) -> None:
    """Shut or open the way over the rows that are there."""
    resyncing._statements.writes_over = over


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
