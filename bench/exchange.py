"""How long does the exchange hold writers on MySQL, and does waiting for a calm moment help?

Changes one table of a server over and over, under a fixed rate of statements, in turn without a wait, with the one before the lock, and with
that and the one under the lock. InnoDB's RENAME sleeps for 100 ms where it meets pages that are just being written; this counts how often.

    python -m bench.exchange [--runs 60] [--rows 100000] [--rate 3000] [--pool MB]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ghostpy import sandbox
from ghostpy.assembly import migrate
from ghostpy.dialects.mysql import exchange
from ghostpy.dialects.mysql.session import Session
from ghostpy.model.progress import RunReport
from ghostpy.observe.several import Several
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Load
from ghostpy.sandbox.shapes import SysbenchRows
from ghostpy.sandbox.writers import Writers
from ghostpy.settings import ConnectSettings, MigrateSettings, TargetSettings

_SLEPT = 0.1


async def _no_wait(_: Session) -> bool:
    return True


_WAYS = {
    "no wait": ("burst_ended", "calm_under_lock"),
    "a wait before the lock": ("calm_under_lock",),
    "before and under the lock": (),
}
"""Which waits are left out."""


@contextmanager
def _without(names: Sequence[str]) -> Iterator[None]:
    originals = {name: getattr(exchange, name) for name in names}
    for name in names:
        setattr(exchange, name, _no_wait)
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(exchange, name, original)


def _changed(server: sandbox.MySQLServer, number: int) -> float:
    settings = MigrateSettings(
        connect=ConnectSettings(host=server.host, port=server.port, user=server.user),
        target=TargetSettings(
            database="bench",
            table="t",
            alter=f"ALTER COLUMN pad SET DEFAULT '{number}'",
            ok_to_drop_old=True,
        ),
        execute=True,
        verify=False,
    )
    report = asyncio.run(migrate(settings, Several([])))
    assert isinstance(report, RunReport)
    return report.lock_seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=60, help="of each kind")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=3000)
    parser.add_argument(
        "--pool", type=int, default=128, help="megabytes of buffer pool: the smaller, the more pages are written"
    )
    given = parser.parse_args()
    held: dict[str, list[float]] = {way: [] for way in _WAYS}
    with sandbox.mysql({"innodb_buffer_pool_size": f"{given.pool}M"}) as server:
        server.execute("CREATE DATABASE bench")
        import pymysql

        with pymysql.connect(
            ssl_disabled=True, host=server.host, port=server.port, user=server.user, database="bench", autocommit=True
        ) as c:
            fill(c.cursor(), SysbenchRows(), "t", given.rows)
        load = Load(
            server.host,
            server.port,
            "bench",
            "t",
            given.rows,
            user=server.user,
            rate=given.rate,
            seed=1,
            shape=SysbenchRows(),
        )
        with Writers(load) as writers:
            for number in range(given.runs):
                for turn, (way, left_out) in enumerate(_WAYS.items()):
                    with _without(left_out):
                        held[way].append(_changed(server, number * len(_WAYS) + turn))
                    print(f"{way}: {held[way][-1] * 1000:.0f} ms", flush=True)
            writers.stop()
    for way, times in held.items():
        slept = sum(each >= _SLEPT for each in times)
        print(
            f"{way}: {slept} of {len(times)} slept; "
            f"median {statistics.median(times) * 1000:.0f} ms, longest {max(times) * 1000:.0f} ms"
        )


if __name__ == "__main__":
    main()
