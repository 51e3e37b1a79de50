"""One connection of an application at work.

Every writer owns rows of its own (those whose id leaves its number as the remainder), so that what a row must look like follows from the
writer's own order of commits, whatever the others do.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ghostpy.sandbox.load import Committed, Load
from ghostpy.sandbox.shapes import Values

_BACK_WITHIN = 60.0


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
        connection = self._connect()
        kinds, weights = list(load.mix), list(load.mix.values())
        due = time.monotonic()
        try:
            while not stop.is_set():
                try:
                    with connection.cursor() as cursor:
                        self._do(cursor, self.rng.choices(kinds, weights)[0])
                except driver.error as error:
                    if self._met_new_names(error):
                        with connection.cursor() as cursor:
                            cursor.execute("ROLLBACK")
                        continue
                    if not load.stubborn:
                        self.done.errors.append(str(error))
                        return
                    connection = self._going_on(connection)
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

    def _connect(self) -> Any:
        load = self.load
        return self._driver.connect(
            host=load.host, port=load.port, user=load.user, password=load.password, database=load.database
        )

    def _met_new_names(self, error: Exception) -> bool:
        """Whether the columns have just changed their names; then nothing was done, and the new names hold from now on."""
        if not self._driver.is_unknown_column(error) or self._names or not self.load.shape.renamed:
            return False
        self._pending.clear()
        self._names = self.load.shape.renamed
        self.done.switched = time.monotonic()
        return True

    def _going_on(self, connection: Any) -> Any:
        """A connection that works, once it is known whether what failed was committed."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK")
        except self._driver.error:
            with suppress(self._driver.error):
                connection.close()
        else:
            self._pending.clear()  # the server's own answer
            return connection
        deadline = time.monotonic() + _BACK_WITHIN
        while True:
            try:
                connection = self._connect()
                with connection.cursor() as cursor:
                    self._settle(cursor)
                return connection
            except self._driver.error:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def _settle(self, cursor: Any) -> None:
        """A transaction is there as a whole or not at all, so its last row tells. Nobody else writes to it."""
        if self._pending:
            (row, values), key = self._pending[-1], self.load.shape.key
            columns = [key] if values is None else list(values)
            names = ", ".join(map(self._name, columns))
            cursor.execute(f"SELECT {names} FROM {self._driver.name(self.load.table)} WHERE {key} = %s", (row,))
            found = cursor.fetchone()
            if found != (None if values is None else tuple(values.values())):
                self._pending.clear()
        self._committed(time.monotonic())

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
        self._committed(self.done.statements[-1][0])

    def _committed(self, began: float) -> None:
        """Note what the transaction did whose last statement began then."""
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
            self._pending.append((fresh, values))
            self._timed(cursor, f"INSERT INTO {table} ({key}, {columns}) VALUES ({marks})", (fresh, *values.values()))
            return
        row = self._some_id()
        if row is None:
            self._one(cursor, "insert")
            return
        if kind == "update":
            values = shape.some(rng)
            changes = ", ".join(f"{self._name(name)} = %s" for name in values)
            self._pending.append((row, values))
            self._timed(cursor, f"UPDATE {table} SET {changes} WHERE {key} = %s", (*values.values(), row))
        elif kind == "delete":
            self._pending.append((row, None))
            self._timed(cursor, f"DELETE FROM {table} WHERE {key} = %s", (row,))
        elif kind == "rekey":
            # Made whole in the same statement, so that the row under its new key is known in full.
            values, target = shape.whole(rng), self._new_id()
            changes = ", ".join(f"{self._name(name)} = %s" for name in values)
            self._pending += [(row, None), (target, values)]
            self._timed(
                cursor, f"UPDATE {table} SET {key} = %s, {changes} WHERE {key} = %s", (target, *values.values(), row)
            )

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
