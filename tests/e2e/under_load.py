"""A change of a table under load, on any kind of server, and the comparison with what the writers committed."""

from __future__ import annotations

import json
import os
import re
import tempfile
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


@dataclass(frozen=True)
class HeldUp:
    """Seconds, around the exchange: the slowest of the application's statements, by the run's own clock, and the slowest sync of a
    file of the test's own on the same disk, which every commit may have had to wait for as well. `parts`: what the run's log says of it.
    `before`: the slowest statements of moments as long, in the seconds before, when nothing was locked."""

    statement: float
    lock: float
    disk: float
    parts: str
    before: Sequence[float]

    def __str__(self) -> str:
        return (
            f"the slowest statement around the exchange took {self.statement * 1000:.0f} ms "
            f"(by the run's clock {self.lock * 1000:.0f} ms; meanwhile the disk alone, at most {self.disk * 1000:.0f} ms); "
            f"before it, of {len(self.before)} moments as long: {self._of_before(0.5)} in the median, {self._of_before(0.9)} in nine of ten, "
            f"{self._of_before(1)} at most; {self.parts}"
        )

    def _of_before(self, share: float) -> str:
        return f"{sorted(self.before)[int(share * (len(self.before) - 1))] * 1000:.0f} ms"


class _Disk:
    """Syncs a small file again and again, and notes how long that takes."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._took: list[tuple[float, float]] = []
        self._thread = threading.Thread(target=self._sync)

    def __enter__(self) -> _Disk:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def slowest(self, since: float, until: float) -> float:
        return max((took for began, took in self._took if began + took >= since and began <= until), default=0.0)

    def _sync(self) -> None:
        with tempfile.TemporaryFile() as file:
            while not self._over.wait(0.1):
                began = time.monotonic()
                file.write(b"x")
                file.flush()
                os.fdatasync(file.fileno())
                self._took.append((began, time.monotonic() - began))


def migrate_under_load(
    server: sandbox.Server, database: str, change: Change, *, rows: int, rate: float, seed: int
) -> HeldUp:
    """Change a table under load, compare, and return how long a writer was held up around the exchange."""
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
    with Writers(load) as writers, _Disk() as disk:
        time.sleep(0.5)
        watching.start()
        finished = ghostpy(
            "migrate",
            f"--url={url_of(server, database)}",
            f"--table={change.table}",
            f"--alter={change.alter}",
            "--execute",
            "--verbose",
            *change.flags,
        )
        time.sleep(1.0)
        committed = writers.stop()
    over.set()
    watching.join()
    assert finished.status == 0, finished.output + finished.errors
    assert len(committed.touched) > 500
    finished = replace(finished, exchanged=exchanged[0])
    with cursor_of(server, database) as cursor:
        assert_followed(cursor, change, committed, finished)
        cursor.execute(f"SELECT MIN(extra), MAX(extra) FROM {change.table}")
        assert cursor.fetchone() == (7, 7)
        cursor.execute(change.left)
        assert set(cursor.fetchall()) == change.expected
    # A statement that the exchange held was under way when the old table got its name.
    around = exchanged[0] - 0.05, exchanged[0]
    before = [committed.slowest(at, at + 0.05) for at in (exchanged[0] - 8 + 0.1 * step for step in range(60))]
    parts = re.findall(r"writers were held for .*", finished.errors)
    return HeldUp(committed.slowest(*around), _lock_seconds(finished), disk.slowest(*around), "; ".join(parts), before)


def course_of(server: sandbox.Server, database: str) -> dict[str, Any]:
    """How far a run had come by its last checkpoint; nothing where there is none yet."""
    question = (
        "SELECT value FROM _public_accounts_gho._ghostpy_ledger WHERE id = 'checkpoint'"
        if server.kind == "postgres"
        else "SELECT text FROM _sbtest1_ghc WHERE id = 'checkpoint'"
    )
    try:
        with cursor_of(server, database) as cursor:
            cursor.execute(question)
            row = cursor.fetchone()
    except Exception:
        return {}
    return {} if row is None else dict(json.loads(row[0])["course"])


def _lock_seconds(finished: Finished) -> float:
    told = re.search(r"writers held for +([\d.]+) (m?s)", finished.output)
    assert told is not None, finished.output
    return float(told[1]) / (1000 if told[2] == "ms" else 1)


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
