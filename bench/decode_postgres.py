"""How many changed keys a second does the PostgreSQL change stream read, live from the server and by its decoder alone?

    python -m bench.decode_postgres [--transactions N] [--version MAJOR] [--json]

A throwaway server runs N single-row transactions and updates of 1,000 rows each on a pgbench-like table. Both are then read from
a slot: by the whole stream, by its fallback of ordinary queries, and by the decoder alone on the messages in memory. Seconds are
those of the wall clock; the server decodes on the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import psycopg

from ghostpy import sandbox
from ghostpy.dialects.postgres.facts import server_facts
from ghostpy.dialects.postgres.inspect import describe
from ghostpy.dialects.postgres.session import opened
from ghostpy.dialects.postgres.wal.pgoutput import Decoder, Followed
from ghostpy.dialects.postgres.wal.relation import Relation, StreamColumn
from ghostpy.dialects.postgres.wal.stream import LogicalStream
from ghostpy.model.names import TableName
from ghostpy.settings import ConnectSettings

_SOURCE = TableName("public", "accounts")
_TABLE_ROWS = 100_000
_BATCH = 1_000
_PREPARE = (
    "CREATE TABLE accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84)) WITH (fillfactor = 50)",
    f"INSERT INTO accounts SELECT g, 1, 0, '' FROM generate_series(1, {_TABLE_ROWS}) g",
    "CREATE PROCEDURE work(n int, size int) LANGUAGE plpgsql AS $$ DECLARE low int; BEGIN FOR i IN 1..n LOOP "
    f"low := (i::bigint * size * 7) % ({_TABLE_ROWS} - size); "
    "UPDATE accounts SET abalance = abalance + 1 WHERE aid > low AND aid <= low + size; COMMIT; END LOOP; END $$",
    "CHECKPOINT",
)


@dataclass(frozen=True)
class Figures:
    """Row changes a second; `single` for transactions of one row each, `batches` for those of 1,000."""

    version: str
    transactions: int
    single_live: float
    single_peek: float
    single_decoder: float
    batches_live: float
    batches_peek: float
    batches_decoder: float


def measure(transactions: int, version: int) -> Figures:
    """Run all of it on a throwaway server."""
    options = {"fsync": "off", "synchronous_commit": "off", "max_wal_size": "8GB", "checkpoint_timeout": "1h"}
    with sandbox.postgres(options, version=version) as server:
        settings = ConnectSettings(dialect="postgres", host=server.host, port=server.port, dsn=server.url)
        with closing(psycopg.connect(server.url, autocommit=True)) as connection:
            for statement in _PREPARE:
                connection.execute(statement.encode())

            def figures(calls: int, size: int) -> tuple[float, float, float]:
                rows = calls * size
                work = f"CALL work({calls}, {size})"
                live = asyncio.run(_read(settings, connection, work, rows, "walsender"))
                peek = asyncio.run(_read(settings, connection, work, rows, "peek"))
                return rows / live, rows / peek, rows / _decoder_alone(connection, work, rows)

            single = figures(transactions, 1)
            batches = figures(max(1, transactions // 100), _BATCH)
        return Figures(server.version, transactions, *single, *batches)


async def _read(settings: ConnectSettings, connection: psycopg.Connection, work: str, rows: int, way: str) -> float:  # type: ignore[type-arg]
    async with opened(settings, purpose="bench") as session:
        facts = await server_facts(session)
        table = await describe(session, _SOURCE)
        oid = await session.scalar("SELECT 'accounts'::regclass::oid::bigint", doing="looking")
    assert table is not None
    stream = LogicalStream(
        settings, facts, source=_SOURCE, oid=oid, key=[table.column("aid")], all_columns=table.columns, reader=way
    )
    start = await stream.start()
    try:
        await asyncio.to_thread(connection.execute, work.encode())
        began = time.perf_counter()
        await stream.open(start)
        seen = 0
        while seen < rows:
            seen += (await stream.read()).events
        return time.perf_counter() - began
    finally:
        await stream.close()


def _decoder_alone(connection: psycopg.Connection, work: str, rows: int) -> float:  # type: ignore[type-arg]
    messages = _messages(connection, work)
    oid = connection.execute("SELECT 'accounts'::regclass::oid::bigint, 'int4'::regtype::oid::bigint").fetchone()
    assert oid is not None
    relation = Relation(oid[0], _SOURCE, "d", (StreamColumn("aid", oid[1], -1, True),))
    if connection.info.server_version < 150000:
        return float("nan")  # whole rows: another relation
    decoder = Decoder(Followed(relation, ("aid",), True, "bench"))
    decoder.restart(reference=1 << 32)
    began = time.perf_counter()
    decoder.feed(messages)
    taken = time.perf_counter() - began
    assert decoder.events == rows
    return taken


def _messages(connection: psycopg.Connection, work: str) -> Sequence[bytes]:  # type: ignore[type-arg]
    columns = " (aid)" if connection.info.server_version >= 150000 else ""
    for statement in (
        f"CREATE PUBLICATION bench FOR TABLE accounts{columns}",
        "SELECT pg_create_logical_replication_slot('bench', 'pgoutput')",
        work,
        "CHECKPOINT",  # queries see flushed WAL only
    ):
        connection.execute(statement.encode())
    found = connection.execute(
        "SELECT data FROM pg_logical_slot_get_binary_changes('bench', NULL, NULL, "
        "'proto_version', '1', 'publication_names', 'bench')",
        binary=True,
    ).fetchall()
    connection.execute("SELECT pg_drop_replication_slot('bench')")
    connection.execute("DROP PUBLICATION bench")
    return [bytes(row[0]) for row in found]


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--transactions", type=int, default=100_000)
    options.add_argument("--version", type=int, default=18)
    options.add_argument("--json", action="store_true", help="one line of JSON instead of the table")
    chosen = options.parse_args()
    figures = measure(chosen.transactions, chosen.version)
    if chosen.json:
        print(json.dumps(vars(figures)))
        return
    print(f"PostgreSQL {figures.version}, {sys.platform}, Python {sys.version.split()[0]}")
    print(f"  {'changed keys/s':24}{'1 row each':>14}{f'{_BATCH:,} rows each':>18}")
    for label, single, batches in (
        ("stream, walsender", figures.single_live, figures.batches_live),
        ("stream, queries", figures.single_peek, figures.batches_peek),
        ("decoder alone", figures.single_decoder, figures.batches_decoder),
    ):
        print(f"  {label:24}{single:>14,.0f}{batches:>18,.0f}")


if __name__ == "__main__":
    main()
