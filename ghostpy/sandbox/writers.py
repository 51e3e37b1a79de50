"""An application at work: concurrent writers that remember what they committed.

Every writer owns rows of its own (those whose id leaves its number as the remainder), so that what a row must look like follows from the
writer's own order of commits, whatever the others do. They run in a process of their own, and can be asked afterwards which rows
they expect, and how long each statement took.
"""

from __future__ import annotations

import multiprocessing
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, TypeAlias

Values: TypeAlias = dict[str, Any]

_UNKNOWN_COLUMN = 1054


class SysbenchRows:
    """Rows of sysbench's table: `id`, `k`, `c`, `pad`."""

    key = "id"
    renamed: Mapping[str, str] = {}
    create = (
        "CREATE TABLE {table} (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL DEFAULT 0, "
        "c CHAR(120) NOT NULL DEFAULT '', pad CHAR(60) NOT NULL DEFAULT '', KEY k_1 (k))"
    )
    fill = (
        "INSERT INTO {table} (id, k, c, pad) WITH RECURSIVE n (i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n "
        "WHERE i < {last}) SELECT i, i * 7919 % 1000000, CONCAT(SHA2(i, 224), '-', LEFT(SHA2(-i, 224), 50)), "
        "LEFT(SHA2(i + 1, 256), 59) FROM n"
    )

    def whole(self, rng: random.Random) -> Values:
        """All values of a new row but its key."""
        return {"k": rng.randrange(1_000_000), "c": f"{rng.getrandbits(380):x}", "pad": f"{rng.getrandbits(190):x}"}

    def some(self, rng: random.Random) -> Values:
        """What an update sets."""
        return {"c": f"{rng.getrandbits(380):x}"} if rng.random() < 0.5 else {"k": rng.randrange(1_000_000)}


@dataclass(frozen=True)
class Load:
    """What the writers do. `rate`: statements per second in all; 0: as many as go. `mix`: shares of the kinds of statements.

    The table holds the ids 1 … `rows` at the start.
    """

    host: str
    port: int
    database: str
    table: str
    rows: int
    user: str = "root"
    password: str = ""
    threads: int = 4
    rate: float = 0.0
    mix: Mapping[str, float] = field(
        default_factory=lambda: {"update": 0.85, "insert": 0.06, "delete": 0.04, "rekey": 0.03, "several": 0.02}
    )
    shape: Any = field(default_factory=SysbenchRows)
    hot: float = 0.2
    """Share of statements that go to the first 100 rows of each writer."""
    seed: int = 1


@dataclass
class Committed:
    """What a load's writers committed."""

    rows: dict[int, Values | None] = field(default_factory=dict)
    """Touched ids: the values that are known of them, or None where the row was deleted."""
    touched: dict[int, float] = field(default_factory=dict)
    """Touched ids: when the last statement on them began (`time.monotonic`, which all processes of a machine share)."""
    statements: list[tuple[float, float]] = field(default_factory=list)
    """(when it began, seconds it took) of every statement."""
    errors: list[str] = field(default_factory=list)
    switched: float | None = None
    """When a writer first met the new column names."""

    def slowest(self, since: float = 0.0, until: float = float("inf")) -> float:
        """The longest statement that was under way at some time between `since` and `until`, in seconds."""
        return max((took for began, took in self.statements if began + took >= since and began <= until), default=0.0)


class Writers:
    """The load's process. Start it, let it work, stop it and take what it committed."""

    def __init__(self, load: Load) -> None:
        self.load = load
        context = multiprocessing.get_context("spawn")
        self._stop = context.Event()
        self._ready = context.Event()
        self._receive, send = context.Pipe(duplex=False)
        self._process: BaseProcess = context.Process(
            target=_run, args=(load, self._ready, self._stop, send), name="ghostpy-writers", daemon=True
        )
        self._send = send

    def start(self) -> None:
        """Return once every writer has committed something."""
        self._process.start()
        self._send.close()
        if not self._ready.wait(60):
            raise RuntimeError("the writers did not start")

    def stop(self) -> Committed:
        """End the writers, and return what they committed."""
        self._stop.set()
        committed: Committed = self._receive.recv()
        self._process.join()
        self._receive.close()
        return committed

    def __enter__(self) -> Writers:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _run(load: Load, ready: Any, stop: Any, send: Connection) -> None:
    writers = [_Writer(load, number) for number in range(load.threads)]
    threads = [threading.Thread(target=writer.run, args=(stop,)) for writer in writers]
    for thread in threads:
        thread.start()
    while not stop.is_set() and not all(writer.began for writer in writers):
        time.sleep(0.01)
    ready.set()
    for thread in threads:
        thread.join()
    whole = Committed()
    for writer in writers:
        whole.rows |= writer.done.rows
        whole.touched |= writer.done.touched
        whole.statements += writer.done.statements
        whole.errors += writer.done.errors
        times = [moment for moment in (whole.switched, writer.done.switched) if moment is not None]
        whole.switched = min(times) if times else None
    send.send(whole)
    send.close()


class _Writer:
    """One connection. Its rows are those with `id % threads == number`."""

    def __init__(self, load: Load, number: int) -> None:
        self.load = load
        self.number = number
        self.rng = random.Random(load.seed * 1000 + number)
        self.done = Committed()
        self.began = False
        self._names: Mapping[str, str] = {}
        self._next_id = (load.rows // load.threads + 2) * load.threads + number
        self._own_new: list[int] = []
        self._pending: list[tuple[int, Values | None]] = []

    def run(self, stop: Any) -> None:
        import pymysql

        load = self.load
        pause = load.threads / load.rate if load.rate else 0.0
        connection = pymysql.connect(
            host=load.host,
            port=load.port,
            user=load.user,
            password=load.password,
            database=load.database,
            autocommit=True,
        )
        kinds, weights = list(load.mix), list(load.mix.values())
        due = time.monotonic()
        try:
            with connection.cursor() as cursor:
                while not stop.is_set():
                    try:
                        self._do(cursor, self.rng.choices(kinds, weights)[0])
                    except pymysql.MySQLError as error:
                        self._pending.clear()
                        if error.args[0] == _UNKNOWN_COLUMN and not self._names and load.shape.renamed:
                            self._names = load.shape.renamed
                            self.done.switched = time.monotonic()
                            cursor.execute("ROLLBACK")
                            continue
                        self.done.errors.append(str(error))
                        return
                    finally:
                        self.began = True
                    due += pause
                    ahead = due - time.monotonic()
                    if ahead > 0.001:
                        time.sleep(ahead)
                    elif ahead < -1:
                        due = time.monotonic()  # what was missed in a stall is not caught up by a rush
        finally:
            connection.close()

    def _do(self, cursor: Any, kind: str) -> None:
        if kind == "several":
            cursor.execute("BEGIN")
            for _ in range(3):
                self._one(cursor, self.rng.choice(("update", "update", "insert")))
            if self.rng.random() < 0.2:
                self._pending.clear()
                self._timed(cursor, "ROLLBACK", ())
            else:
                self._timed(cursor, "COMMIT", ())
        else:
            self._one(cursor, kind)
        began = self.done.statements[-1][0]
        for row, values in self._pending:
            known = self.done.rows.get(row)
            if values is not None and known is None and row > self.load.rows:
                self._own_new.append(row)
            # A row inserted anew is known in full; an update adds to what is known.
            self.done.rows[row] = values if values is None or known is None else {**known, **values}
            self.done.touched[row] = began
        self._pending.clear()

    def _one(self, cursor: Any, kind: str) -> None:
        load, shape, rng = self.load, self.load.shape, self.rng
        table, key = f"`{load.table}`", shape.key
        if kind == "insert":
            fresh = self._new_id()
            values = shape.whole(rng)
            columns = ", ".join(self._name(name) for name in values)
            marks = ", ".join(["%s"] * (len(values) + 1))
            self._timed(cursor, f"INSERT INTO {table} ({key}, {columns}) VALUES ({marks})", (fresh, *values.values()))
            self._pending.append((fresh, values))
            return
        row = self._some_id()
        if row is None:
            self._one(cursor, "insert")
            return
        if kind == "update":
            values = shape.some(rng)
            changes = ", ".join(f"{self._name(name)} = %s" for name in values)
            self._timed(cursor, f"UPDATE {table} SET {changes} WHERE {key} = %s", (*values.values(), row))
            self._pending.append((row, values))
        elif kind == "delete":
            self._timed(cursor, f"DELETE FROM {table} WHERE {key} = %s", (row,))
            self._pending.append((row, None))
        elif kind == "rekey":
            # Made whole in the same statement, so that the row under its new key is known in full.
            values, target = shape.whole(rng), self._new_id()
            changes = ", ".join(f"{self._name(name)} = %s" for name in values)
            self._timed(
                cursor, f"UPDATE {table} SET {key} = %s, {changes} WHERE {key} = %s", (target, *values.values(), row)
            )
            self._pending += [(row, None), (target, values)]

    def _timed(self, cursor: Any, statement: str, values: tuple[Any, ...]) -> None:
        began = time.monotonic()
        cursor.execute(statement, values)
        self.done.statements.append((began, time.monotonic() - began))

    def _name(self, column: str) -> str:
        return f"`{self._names.get(column, column)}`"

    def _new_id(self) -> int:
        self._next_id += self.load.threads
        return self._next_id

    def _some_id(self) -> int | None:
        """A row of ours that is there, as far as we know."""
        load = self.load
        pending = {row for row, _ in self._pending}
        for _ in range(20):
            if self._own_new and self.rng.random() < 0.1:
                row = self.rng.choice(self._own_new)
            else:
                most = load.rows // load.threads
                if most < 2:
                    return None
                span = min(100, most) if self.rng.random() < load.hot else most
                row = self.rng.randrange(1, span) * load.threads + self.number
            if row not in pending and (row not in self.done.rows or self.done.rows[row] is not None):
                return row
        return None
