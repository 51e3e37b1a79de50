"""How many keys a second are resynced on MySQL and MariaDB, by writing over rows and by deleting and inserting, with more and more secondary indexes?

    python -m bench.resync [--server mysql|mariadb] [--rows N] [--indexes 0,1,5] [--keys N] [--laps N] [--repeat N] [--json FILE]

One column that is in no index changes in rows chosen by chance; those rows are brought up to date in the shadow, by ghostpy's own resync, `--keys` at a
time, on one session of an idle server. Both ways take turns; quoted are medians.
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

from ghostpy import sandbox
from ghostpy.dialects.mysql.dialect import MySQLDialect
from ghostpy.dialects.mysql.rows import Resyncer
from ghostpy.model.keys import KeyRange
from ghostpy.sandbox.drivers import DRIVERS
from ghostpy.sandbox.filling import fill
from ghostpy.settings import ConnectSettings, MigrateSettings, TargetSettings

_EVERYTHING = KeyRange(None, None)
_SETTINGS: sandbox.Options = {"innodb_buffer_pool_size": "1G"}
_INDEXED = ("a", "b", "d", "e", "f")
_WAYS = {"writing over": True, "deleting and inserting": False}


@dataclass(frozen=True)
class _Rows:
    """Rows of 200 bytes, with so many secondary indexes."""

    kind: str
    indexes: int

    @property
    def create(self) -> tuple[str, ...]:
        keys = "".join(f", KEY ({column})" for column in _INDEXED[: self.indexes])
        return (
            "DROP TABLE IF EXISTS {table}",
            "CREATE TABLE {table} (id INT NOT NULL PRIMARY KEY, a INT NOT NULL, b INT NOT NULL, d CHAR(40) NOT NULL, "
            f"e CHAR(40) NOT NULL, f INT NOT NULL, changed INT NOT NULL DEFAULT 0, c CHAR(90) NOT NULL{keys})",
        )

    @property
    def fill(self) -> str:
        return (
            "INSERT INTO {table} (id, a, b, d, e, f, c) WITH RECURSIVE n (i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) "
            "SELECT i, i * 7919 % 1000000, i * 104729 % 1000000, LEFT(SHA2(i, 224), 40), LEFT(SHA2(-i, 224), 40), i * 31 % 1000, SHA2(i, 224) FROM n"
        )


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="bench.resync", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--server", choices=("mysql", "mariadb"), default="mysql")
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--indexes", default="0,1,5")
    parser.add_argument("--keys", type=int, default=500)
    parser.add_argument("--laps", type=int, default=50)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    start = sandbox.mysql if options.server == "mysql" else sandbox.mariadb
    found: dict[str, dict[str, float]] = {}
    with start(_SETTINGS) as server:
        server.execute("CREATE DATABASE bench")
        print(f"{options.server}, {options.rows:,} rows, {options.keys} keys at a time: keys a second")
        for indexes in map(int, options.indexes.split(",")):
            rates = asyncio.run(_rates(server, indexes, options.rows, options.keys, options.laps, options.repeat))
            found[str(indexes)] = rates
            told = ", ".join(f"{way} {rate:8,.0f}" for way, rate in rates.items())
            over, replaced = rates.values()
            print(f"  {indexes} indexes: {told}, ratio {over / replaced:.2f}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


async def _rates(
    server: sandbox.Server, indexes: int, rows: int, keys: int, laps: int, repeat: int
) -> dict[str, float]:
    by_chance = random.Random(1)
    rates: dict[str, list[float]] = {way: [] for way in _WAYS}
    connect = ConnectSettings(host=server.host, port=server.port, user=server.user)
    target = TargetSettings(database="bench", table="t", alter="MODIFY a BIGINT NOT NULL")
    dialect = MySQLDialect(MigrateSettings(connect=connect, target=target))
    with (
        closing(
            DRIVERS["mysql"].connect(
                host=server.host, port=server.port, user=server.user, password="", database="bench"
            )
        ) as connection,
        connection.cursor() as cursor,
    ):
        fill(cursor, _Rows(server.kind, indexes), "t", rows)
        await dialect.open()
        try:
            parts = dialect.parts(await dialect.plan())
            await dialect.housekeeping.create_ledger()
            await dialect.housekeeping.create_shadow()
            await parts.copying.copy(_EVERYTHING)
            await dialect.housekeeping.build_indexes()
            resyncer = parts.resyncing
            assert isinstance(resyncer, Resyncer)
            for _ in range(repeat):
                for way, over in _WAYS.items():
                    resyncer._statements.writes_over = over
                    seconds = 0.0
                    for _ in range(laps):
                        wanted = by_chance.sample(range(1, rows + 1), keys)
                        cursor.execute(
                            f"UPDATE t SET changed = changed + 1 WHERE id IN ({', '.join(map(str, wanted))})"
                        )
                        connection.commit()
                        began = time.perf_counter()
                        await resyncer.resync(dict.fromkeys(wanted, 0), _EVERYTHING)
                        seconds += time.perf_counter() - began
                    rates[way].append(keys * laps / seconds)
        finally:
            await dialect.housekeeping.drop_shadow()
            await dialect.housekeeping.drop_ledger()
            await dialect.close()
    return {way: statistics.median(each) for way, each in rates.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
