"""A change of a table under load, on any kind of server, and the comparison with what the writers committed."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from migrating import Finished, assert_nothing_lost, cursor_of, ghostpy, url_of

from ghostpy import sandbox
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Committed, Load
from ghostpy.sandbox.shapes import PgbenchRows, Shape, SysbenchRows
from ghostpy.sandbox.writers import Writers


@dataclass(frozen=True)
class Change:
    """What is changed, and how it is looked at afterwards. `old`: the old table's name in statements.

    `look`: returns a row once the old table has its name. `left`: lists all tables of the database, as (schema, name).
    """

    shape: Shape
    table: str
    alter: str
    old: str
    columns: tuple[str, ...]
    look: str
    left: str
    expected: frozenset[tuple[str, str]]
    flags: Sequence[str] = field(default=())


SYSBENCH = Change(
    shape=SysbenchRows(),
    table="sbtest1",
    alter="ADD COLUMN extra BIGINT NOT NULL DEFAULT 7, MODIFY k BIGINT NOT NULL, ADD KEY extra_1 (extra)",
    old="_sbtest1_del",
    columns=("k", "c", "pad"),
    look="SHOW TABLES LIKE '\\_sbtest1\\_del'",
    left="SELECT '', TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()",
    expected=frozenset({("", "sbtest1"), ("", "_sbtest1_del")}),
)
PGBENCH = Change(
    shape=PgbenchRows(),
    table="accounts",
    alter="ALTER COLUMN aid TYPE bigint, ALTER COLUMN abalance TYPE bigint, ADD COLUMN extra bigint NOT NULL DEFAULT 7; "
    "CREATE INDEX extra_1 ON accounts (extra)",
    old='"_public_accounts_del".accounts',
    columns=("bid", "abalance", "filler"),
    look="SELECT FROM pg_tables WHERE schemaname = '_public_accounts_del'",
    left="SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    expected=frozenset({("public", "accounts"), ("_public_accounts_del", "accounts")}),
)
PARTITIONED = replace(
    PGBENCH,
    # The writers change the partition key: rows move from one partition to another.
    alter="ADD COLUMN extra bigint NOT NULL DEFAULT 7, DROP CONSTRAINT accounts_pkey, ADD PRIMARY KEY (aid, abalance), "
    "PARTITION BY RANGE (abalance); CREATE TABLE accounts_owing PARTITION OF accounts FOR VALUES FROM (MINVALUE) TO (0); "
    "CREATE TABLE accounts_some PARTITION OF accounts FOR VALUES FROM (0) TO (500); "
    "CREATE TABLE accounts_rest PARTITION OF accounts DEFAULT",
    expected=PGBENCH.expected | {("public", f"accounts_{name}") for name in ("owing", "some", "rest")},
)


def migrate_under_load(
    server: sandbox.Server, database: str, change: Change, *, rows: int, rate: float, seed: int
) -> float:
    """Change a table under load, compare, and return how long a writer was held up around the exchange, in seconds."""
    with cursor_of(server, database) as cursor:
        fill(cursor, change.shape, change.table, rows)
    load = Load(
        server.host,
        server.port,
        database,
        change.table,
        rows,
        user=server.user,
        rate=rate,
        seed=seed,
        shape=change.shape,
    )
    exchanged: list[float] = []
    over = threading.Event()
    watching = threading.Thread(target=_watch_exchange, args=(server, database, change, exchanged, over))
    with Writers(load) as writers:
        time.sleep(0.5)
        watching.start()
        finished = ghostpy(
            "migrate",
            f"--url={url_of(server, database)}",
            f"--table={change.table}",
            f"--alter={change.alter}",
            "--execute",
            *change.flags,
        )
        time.sleep(1.0)
        committed = writers.stop()
    over.set()
    watching.join()
    assert finished.status == 0, finished.output + finished.errors
    assert len(committed.touched) > 500
    with cursor_of(server, database) as cursor:
        assert_followed(cursor, change, committed, finished)
        cursor.execute(f"SELECT MIN(extra), MAX(extra) FROM {change.table}")
        assert cursor.fetchone() == (7, 7)
        cursor.execute(change.left)
        assert set(cursor.fetchall()) == change.expected
    # A statement that the exchange held was under way when the old table got its name.
    return committed.slowest(since=exchanged[0] - 0.05, until=exchanged[0])


def assert_followed(cursor: Any, change: Change, committed: Committed, finished: Finished) -> None:
    """Nothing of what writers committed is lost, in the old table and the new one."""
    assert_nothing_lost(
        cursor,
        table=change.table,
        old=change.old,
        columns=change.columns,
        committed=committed,
        finished=finished,
        key=change.shape.key,
        kind=change.shape.kind,
    )


def _watch_exchange(
    server: sandbox.Server, database: str, change: Change, exchanged: list[float], over: threading.Event
) -> None:
    """Note when the old table has got its name, to some 10 ms, unless the run is over before that."""
    with cursor_of(server, database) as cursor:
        while not exchanged and not over.is_set():
            cursor.execute(change.look)
            if cursor.fetchall():
                exchanged.append(time.monotonic())
            time.sleep(0.01)
