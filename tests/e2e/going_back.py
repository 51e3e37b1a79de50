"""A table that is changed and taken back, on any kind of server, and what a test asks of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import program
from migrating import Finished, cursor_of, ghostpy, url_of

from ghostpy import sandbox


class Place:
    """A database with a table `t`."""

    def __init__(self, server: sandbox.Server, database: str) -> None:
        self.server, self.database = server, database

    @property
    def at(self) -> tuple[str, ...]:
        return (f"--url={url_of(self.server, self.database)}", "--table=t")

    def migrate(self, alter: str, *flags: str) -> Finished:
        return ghostpy("migrate", *self.at, f"--alter={alter}", "--execute", "--verbose", *flags)

    def revert(self, *flags: str) -> Finished:
        return ghostpy("revert", *self.at, *flags)

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        with cursor_of(self.server, self.database) as cursor:
            cursor.execute(question)
            return list(cursor.fetchall())

    def type_of(self, table: str, column: str) -> str:
        """As the server calls it."""
        schema = "public" if self.server.kind == "postgres" else self.database
        [(found,)] = self.ask(
            f"SELECT data_type FROM information_schema.columns WHERE table_schema = '{schema}' AND table_name = '{table}' "
            f"AND column_name = '{column}'"
        )
        return str(found)

    def do(self, *statements: str) -> None:
        with cursor_of(self.server, self.database) as cursor:
            for statement in statements:
                cursor.execute(statement)
            cursor.execute("COMMIT")

    @contextmanager
    def started(self, folder: Path, *arguments: str) -> Iterator[program.Program]:
        """A run under way; it is killed at the end of the block, if it is still there."""
        with (folder / "output").open("w") as output, (folder / "errors").open("w") as errors:
            process = program.start(
                arguments[0], *self.at, *arguments[1:], "--execute", "--verbose", output=output, errors=errors
            )
        with process:
            yield process


def told(folder: Path, text: str) -> bool:
    return text in (folder / "errors").read_text()
