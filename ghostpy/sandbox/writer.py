"""One connection of an application at work.

Every writer owns rows of its own (those whose id leaves its number as the remainder), so that what a row must look like follows from the
writer's own order of commits, whatever the others do.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

from ghostpy.sandbox.load import Committed, Load
from ghostpy.sandbox.shapes import Values


class Writer:
    """One connection. Its rows are those with `id % threads == number`."""

    def __init__(self, load: Load, number: int) -> None:
        self.load = load
        self._driver = load.driver
        self.number = number
        self.rng = random.Random(load.seed * 1000 + number)
        self.done = Committed()
        self.began = False
        self._names: Mapping[str, str] = {}
        self._next_id = (load.rows // load.threads + 2) * load.threads + number
        self._own_new: list[int] = []
        self._pending: list[tuple[int, Values | None]] = []

    def run(self, stop: Any) -> None:
        load, driver = self.load, self._driver
        pause = load.threads / load.rate if load.rate else 0.0
        connection = driver.connect(
            host=load.host, port=load.port, user=load.user, password=load.password, database=load.database
        )
        kinds, weights = list(load.mix), list(load.mix.values())
        due = time.monotonic()
        try:
            with connection.cursor() as cursor:
                while not stop.is_set():
                    try:
                        self._do(cursor, self.rng.choices(kinds, weights)[0])
                    except driver.error as error:
                        self._pending.clear()
                        if driver.is_unknown_column(error) and not self._names and load.shape.renamed:
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
                self._one_of_several(cursor, self.rng.choice(("update", "update", "insert")))
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

    def _one_of_several(self, cursor: Any, kind: str) -> None:
        """A statement of a transaction; some are taken back alone."""
        if self.rng.random() >= 0.2:
            self._one(cursor, kind)
            return
        before = len(self._pending)
        cursor.execute("SAVEPOINT s")
        self._one(cursor, kind)
        if self.rng.random() < 0.5:
            del self._pending[before:]
            cursor.execute("ROLLBACK TO SAVEPOINT s")
        cursor.execute("RELEASE SAVEPOINT s")

    def _one(self, cursor: Any, kind: str) -> None:
        load, shape, rng = self.load, self.load.shape, self.rng
        table, key = self._driver.name(load.table), shape.key
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
        return self._driver.name(self._names.get(column, column))

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
