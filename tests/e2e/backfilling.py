"""A table to be updated in place, an application that writes to it meanwhile, and what must hold of its rows afterwards."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import program
from migrating import Finished, cursor_of, url_of
from waiting import WITHIN, until
from watched import Place

from ghostpy import sandbox
from ghostpy.control.places import is_alive

ROWS = 10_000
STEP = 1_000
"""What the application adds to a row's `n` at a time; a backfill adds one."""


@dataclass(frozen=True)
class Backfilled(Place):
    """A database with a table `t`, every second row of which is `wanted`, and a backfill that would be seen if a row had it twice."""

    sets: Sequence[str] = ("n = n + 1",)
    where: str = "wanted = 1"
    port: int = 0
    """Where the program connects to, if that is not the server itself."""

    @property
    def flags(self) -> list[str]:
        url = url_of(self.server, self.database)
        url = url.replace(f":{self.server.port}/", f":{self.port or self.server.port}/")
        call = ["backfill", f"--url={url}", "--table=t", f"--where={self.where}"]
        return [*call, *(f"--set={each}" for each in self.sets)]

    @property
    def ledger(self) -> str:
        """The name of its table, for statements."""
        return "_public_t_ghb._ghostpy_ledger" if self.server.kind == "postgres" else "_t_ghb"

    def ask(self, question: str) -> Any:
        """The rows of an answer."""
        with cursor_of(self.server, self.database) as cursor:
            cursor.execute(question)
            return list(cursor.fetchall())

    def do(self, *statements: str) -> None:
        with cursor_of(self.server, self.database) as cursor:
            for statement in statements:
                cursor.execute(statement)

    def updated(self) -> int:
        """Rows that have had their turn."""
        return int(self.ask(f"SELECT COUNT(*) FROM t WHERE MOD(n, {STEP}) > 0")[0][0])

    def is_begun(self) -> bool:
        """Whether a ledger is there."""
        with cursor_of(self.server, self.database) as cursor:
            if self.server.kind == "postgres":
                cursor.execute(f"SELECT 1 WHERE to_regclass('{self.ledger}') IS NOT NULL")
            else:
                cursor.execute("SHOW TABLES LIKE '\\_t\\_ghb'")
            return bool(cursor.fetchall())

    def tables(self) -> set[str]:
        """All that there are in the database."""
        if self.server.kind == "postgres":
            return {
                f"{schema}.{name}"
                for schema, name in self.ask(
                    "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') "
                    "UNION SELECT nspname, '' FROM pg_namespace WHERE nspname LIKE '\\_%'"
                )
            }
        return {str(name) for (name,) in self.ask("SHOW TABLES")}


ALONE = {"mysql": {"t"}, "mariadb": {"t"}, "postgres": {"public.t"}}
"""The tables of a database, by kind of server, where a backfill has left nothing."""


def make_backfilled(
    server: sandbox.Server, new_database: Callable[[sandbox.Server], str], rows: int = ROWS
) -> Backfilled:
    """The rows have even numbers, so that others come between them."""
    place = Backfilled(server, new_database(server))
    with cursor_of(server, place.database) as cursor:
        cursor.execute(
            "CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 0, wanted INT NOT NULL, c VARCHAR(60))"
        )
        for start in range(0, rows, 5000):
            many = ", ".join(f"({2 * n}, {n % 2}, 'row {n}')" for n in range(start, min(start + 5000, rows)))
            cursor.execute(f"INSERT INTO t (id, wanted, c) VALUES {many}")
    return place


@dataclass
class Wrote:
    """What the application committed."""

    added: Counter[int] = field(default_factory=Counter)
    """How often to which row."""
    deleted: set[int] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    transactions: int = 0


class Application:
    """Adds to rows, inserts and deletes some, in transactions that lock several rows, against the order of the key; for the length of a block."""

    def __init__(self, place: Backfilled, rows: int = ROWS, *, threads: int = 2, seed: int = 1) -> None:
        self._place, self._rows, self._count = place, rows, threads
        self.wrote = Wrote()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, args=(number, random.Random(seed * 100 + number)))
            for number in range(threads)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _work(self, number: int, choose: random.Random) -> None:
        try:
            with cursor_of(self._place.server, self._place.database) as cursor:
                while not self._over.wait(0.005):
                    self._transaction(cursor, number, choose)
        except Exception as error:
            with self._lock:
                self.wrote.errors.append(f"{type(error).__name__}: {error}")

    def _transaction(self, cursor: Any, number: int, choose: random.Random) -> None:
        ids = sorted({2 * choose.randrange(self._rows) for _ in range(choose.randrange(1, 5))}, reverse=True)
        gone: set[int] = set()
        cursor.execute("BEGIN")
        for each in ids:
            cursor.execute(f"UPDATE t SET n = n + {STEP} WHERE id = {each}")
        if choose.random() < 0.1:
            # Each thread has odd numbers of its own.
            new = 2 * (choose.randrange(self._rows // self._count) * self._count + number) + 1
            cursor.execute(f"DELETE FROM t WHERE id = {new}")
            cursor.execute(f"INSERT INTO t (id, wanted) VALUES ({new}, 1)")
        elif choose.random() < 0.05:
            cursor.execute(f"DELETE FROM t WHERE id = {ids[-1]}")
            gone.add(ids[-1])
        time.sleep(choose.choice((0.0, 0.0, 0.002, 0.02)))
        if choose.random() < 0.1:
            cursor.execute("ROLLBACK")
            return
        cursor.execute("COMMIT")
        with self._lock:
            self.wrote.transactions += 1
            self.wrote.added.update(ids)
            self.wrote.deleted |= gone


def assert_each_once(place: Backfilled, wrote: Wrote | None = None, rows: int = ROWS, *, by: int = 1) -> None:
    """Each row that was there all the time, and is wanted, was updated exactly once, and nothing that the application wrote is lost.

    `by`: what a backfill adds.
    """
    wrote = wrote or Wrote()
    assert wrote.errors == []
    there = dict(place.ask("SELECT id, n FROM t"))
    old = {each for each in range(0, 2 * rows, 2) if each not in wrote.deleted}
    assert old - there.keys() == set()
    expected = {each: wrote.added[each] * STEP + by * (each // 2 % 2) for each in old}
    wrong = {each: (there[each], expected[each]) for each in old if there[each] != expected[each]}
    assert wrong == {}, f"{len(wrong)} rows"
    new = {each: n for each, n in there.items() if each % 2}
    assert {each: n for each, n in new.items() if n not in (0, by)} == {}
    assert len(there) == len(old) + len(new)


class Run:
    """A backfill under way."""

    def __init__(self, place: Backfilled, folder: Path, *flags: str) -> None:
        self.socket = folder / "s.sock"
        self._output, self._errors = folder / "output", folder / "errors"
        command = [*place.flags, "--execute", f"--serve-socket-file={self.socket}"]
        self._began = time.monotonic()
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self.process = program.start(*command, *flags, output=output, errors=errors)

    def say(self, line: str) -> str:
        """What it answers on its socket."""
        return say(self.socket, line)

    def figures(self) -> dict[str, Any]:
        return dict(json.loads(self.say("status json")))

    def until(self, true: Callable[[], object], what: str) -> None:
        """Wait for it while the run lives."""
        until(lambda: self._alive() and true(), what)

    def until_served(self) -> None:
        self.until(lambda: is_alive(self.socket), "the socket")

    def told(self) -> str:
        return self._output.read_text() + self._errors.read_text()

    def ended(self) -> Finished:
        """The run at its end."""
        status = self.process.wait(WITHIN)
        return Finished(status, self._output.read_text(), self._errors.read_text(), self._began, time.monotonic())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _alive(self) -> bool:
        assert self.process.poll() is None, self.told()
        return True


@contextmanager
def running(place: Backfilled, folder: Path, *flags: str) -> Iterator[Run]:
    """A run, for the length of a block; it is killed at the end of it, if it is still there."""
    run = Run(place, folder, *flags)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.kill()


def say(path: Path, line: str) -> str:
    """What a run answers on its socket."""
    with ExitStack() as both:
        client = both.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        client.settimeout(30)
        client.connect(str(path))
        client.sendall(f"{line}\n".encode())
        client.shutdown(socket.SHUT_WR)
        return both.enter_context(client.makefile()).read()
