"""A table whose names are split into two columns, an old and a new version of an application that write it at once, and what must hold then.

Each write adds one to the row's `n` and is logged with it once it is committed: so the writes of a row have an order, none can be lost unseen,
and the row must be what they make of it one after the other.
"""

from __future__ import annotations

import io
import random
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import program
from migrating import Finished, cursor_of, url_of

from ghostpy import sandbox
from ghostpy.cli.main import main

Row = tuple[str, str | None, str | None]
"""Name, first name, last name."""
_WORDS = ("Ada", "Grace Brewster", "Søren", "李", "Mary Ann", "O'Neil", "x", "", " van ", "Łukasz", "ß", "a\\b", "50%")
_UP = {
    "mysql": ("SUBSTRING_INDEX(name, ' ', 1)", "SUBSTRING(name, CHAR_LENGTH(SUBSTRING_INDEX(name, ' ', 1)) + 2)"),
    "postgres": ("split_part(name, ' ', 1)", "substr(name, length(split_part(name, ' ', 1)) + 2)"),
}
_UP["mariadb"] = _UP["mysql"]


@dataclass(frozen=True)
class Names:
    """A database with the table `users`."""

    server: sandbox.Server
    database: str

    @property
    def url(self) -> str:
        return url_of(self.server, self.database)

    @property
    def wish(self) -> list[str]:
        """The flags that say what the expansion is."""
        first, last = _UP[self.server.kind]
        return [
            "--add=first_name varchar(80) NOT NULL", "--add=last_name varchar(80)",
            f"--up=first_name = {first}", f"--up=last_name = {last}", "--down=name = CONCAT(first_name, ' ', last_name)",
        ]  # fmt: skip

    def command(self, command: str, *flags: str) -> list[str]:
        """A whole call, without the program."""
        own = self.wish if command == "expand" else ["--watch-seconds=0.5"] if command == "contract" else []
        return [command, f"--url={self.url}", "--table=users", *own, *flags]

    def run(self, command: str, *flags: str) -> Finished:
        """In this process: most calls take a tenth of the time that it takes to begin another."""
        return here(*self.command(command, *flags))

    def done(self, command: str, *flags: str) -> Finished:
        """A run that must come through."""
        finished = self.run(command, "--execute", *flags)
        assert finished.status == 0, finished.output + finished.errors
        return finished

    def start(self, folder: Path, command: str, *flags: str) -> program.Program:
        """The same under way."""
        with (folder / "told").open("ab") as told:
            return program.start(*self.command(command, "--execute", *flags), output=told, errors=told)

    def ask(self, question: str) -> Any:
        with cursor_of(self.server, self.database) as cursor:
            cursor.execute(question)
            return list(cursor.fetchall())

    def do(self, *statements: str) -> None:
        with cursor_of(self.server, self.database) as cursor:
            for statement in statements:
                cursor.execute(statement)

    def columns(self) -> list[str]:
        """Of the table; sorted."""
        schema = "public" if self.server.kind == "postgres" else self.database
        question = "SELECT column_name FROM information_schema.columns WHERE table_name = 'users' AND table_schema = "
        return sorted(str(name) for (name,) in self.ask(f"{question}'{schema}'"))

    def left(self) -> list[str]:
        """What there is beside the table: triggers, tables, schemas, functions."""
        if self.server.kind == "postgres":
            return [
                str(name)
                for (name,) in self.ask(
                    "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal UNION ALL SELECT nspname FROM pg_namespace WHERE nspname LIKE '\\_%' "
                    "UNION ALL SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'users'"
                )
            ]
        triggers = [str(row[0]) for row in self.ask("SHOW TRIGGERS")]
        return triggers + [str(name) for (name,) in self.ask("SHOW TABLES") if name != "users"]

    def linked(self) -> bool:
        """Whether all triggers are there: on the table, for a plan tries them on an empty clone before."""
        if self.server.kind == "postgres":
            on = "pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relname = 'users' AND tgname"
        else:
            on = "information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = 'users' AND TRIGGER_NAME"
        [(number,)] = self.ask(f"SELECT COUNT(*) FROM {on} LIKE '%ghostpy_step%'")
        return bool(number == (1 if self.server.kind == "postgres" else 2))

    def rows(self) -> dict[int, tuple[int, Row]]:
        """By id: `n`, and the row; what is no column any more is empty."""
        there = self.columns()
        wanted = ", ".join(name if name in there else f"'' AS {name}" for name in ("name", "first_name", "last_name"))
        return {row[0]: (row[1], row[2:]) for row in self.ask(f"SELECT id, n, {wanted} FROM users")}


def make_names(server: sandbox.Server, new_database: Callable[[sandbox.Server], str], rows: int = 2000) -> Names:
    """Rows `1 … rows`, as only the old version has written them."""
    place = Names(server, new_database(server))
    if server.kind == "mysql":  # each database's statements are others to it: those of hundreds of tests leave no room
        place.do("TRUNCATE performance_schema.events_statements_summary_by_digest")
    charset = "" if server.kind == "postgres" else " CHARACTER SET utf8mb4"
    place.do(f"CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(170) NOT NULL, n INT NOT NULL DEFAULT 0){charset}")
    for start in range(1, rows + 1, 1000):
        numbers = range(start, min(start + 1000, rows + 1))
        place.do("INSERT INTO users (id, name) VALUES " + ", ".join(f"({i}, '{first_name_of(i)}')" for i in numbers))
    return place


def here(*arguments: str) -> Finished:
    """Run `ghostpy` with these arguments in this process."""
    began, output, errors = time.monotonic(), io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        status = main(arguments)
    return Finished(status, output.getvalue(), errors.getvalue(), began, time.monotonic())


def first_name_of(row: int) -> str:
    """What a row is called in the beginning."""
    return f"Plato{row}" if row % 7 == 0 else f"First{row} Last{row}"


def up(name: str) -> Row:
    first, _, last = name.partition(" ")
    return name, first, last


@dataclass
class Log:
    """What was committed: by row and by the row's `n` after it, what it makes of the row before."""

    writes: dict[tuple[int, int], Callable[[Row], Row]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    count: dict[str, int] = field(default_factory=lambda: {"old": 0, "new": 0})


class Version:
    """One version of the application, writing for the length of a block: `old` knows only the name, `new` only the parts."""

    def __init__(self, place: Names, log: Log, which: str, rows: int, *, seed: int = 1) -> None:
        self._place, self._log, self.which, self._rows = place, log, which, rows
        self._choose = random.Random(f"{which} {seed}")
        self._next = (1 if which == "old" else 2) * 100_000_000 + seed * 100_000
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            with cursor_of(self._place.server, self._place.database) as cursor:
                while not self._over.wait(0.001):
                    self._write(cursor)
        except Exception as error:
            self._log.errors.append(f"{self.which}: {type(error).__name__}: {error}")

    def _write(self, cursor: Any) -> None:
        choose = self._choose
        one, other = choose.choice(_WORDS) + str(choose.randrange(100)), choose.choice(_WORDS)
        if choose.random() < 0.15:
            self._next += 1
            row, n = self._next, 0
            made: Row = up(f"{one} {other}") if self.which == "old" else (f"{one} {other}", one, other)
            if self.which == "old":
                cursor.execute("INSERT INTO users (id, name) VALUES (%s, %s)", (row, f"{one} {other}"))
            else:
                cursor.execute("INSERT INTO users (id, first_name, last_name) VALUES (%s, %s, %s)", (row, one, other))
            change: Callable[[Row], Row] = lambda _: made  # noqa: E731
        else:
            row = choose.randrange(1, self._rows + 1) if choose.random() < 0.7 else choose.randrange(1, 20)
            sets, values, change = self._update(one, other)
            cursor.execute("BEGIN")
            cursor.execute(f"UPDATE users SET {sets}, n = n + 1 WHERE id = %s", (*values, row))
            cursor.execute("SELECT n FROM users WHERE id = %s", (row,))
            n = cursor.fetchone()[0]
            if choose.random() < 0.1:
                cursor.execute("ROLLBACK")
                return
            cursor.execute("COMMIT")
        self._log.writes[row, n] = change
        self._log.count[self.which] += 1

    def _update(self, one: str, other: str) -> tuple[str, tuple[str, ...], Callable[[Row], Row]]:
        if self.which == "old":
            name = self._choose.choice((f"{one} {other}", one, f"{other} {one} {other}"))
            return "name = %s", (name,), lambda row: row if name == row[0] else up(name)
        part = self._choose.random()
        if part < 0.3:
            return "first_name = %s", (one,), lambda row: _both(row, one, row[2])
        if part < 0.6:
            return "last_name = %s", (other,), lambda row: _both(row, row[1], other)
        return "first_name = %s, last_name = %s", (one, other), lambda row: _both(row, one, other)


def _both(row: Row, first: str | None, last: str | None) -> Row:
    # A write that changes nothing is none: the triggers leave the row as it is.
    return row if (first, last) == row[1:] else (f"{first} {last}", first, last)


def assert_as_logged(place: Names, log: Log, rows: int, *, rebuilt: bool = False) -> None:
    """Each row is what its committed writes make of it, in their order; none is missing and none is there twice.

    `rebuilt`: the names that there were in the beginning have been lost, and computed again.
    """
    assert log.errors == []
    there, known = place.rows(), place.columns()
    inserted = {row for row, n in log.writes if n == 0}
    assert there.keys() == set(range(1, rows + 1)) | inserted
    wrong = {}
    for row, (n, found) in there.items():
        state = up(first_name_of(row))
        state = (f"{state[1]} {state[2]}", *state[1:]) if rebuilt else state
        for number in range(0 if row in inserted else 1, n + 1):
            assert (row, number) in log.writes, f"row {row} has a write {number} that nobody committed"
            state = log.writes[row, number](state)
        assert (row, n + 1) not in log.writes, f"row {row} has lost a write"
        expected = tuple(
            value if name in known else ""
            for name, value in zip(("name", "first_name", "last_name"), state, strict=True)
        )
        if tuple(found) != expected:
            wrong[row] = (tuple(found), expected)
    assert wrong == {}, f"{len(wrong)} rows: {dict(list(wrong.items())[:5])}"
