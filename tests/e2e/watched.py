"""A table of some thousand rows on either kind of server, and a run on it that lasts long enough to be looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import program
from migrating import Finished, cursor_of, ghostpy, url_of

from ghostpy import sandbox

ROWS = 20_000
SECRET = "wh1sper3d-p4ssw0rd"


@dataclass(frozen=True)
class Place:
    """A database with a table `t`."""

    server: sandbox.Server
    database: str

    @property
    def flags(self) -> list[str]:
        rewrite = "ALTER COLUMN v TYPE bigint" if self.server.kind == "postgres" else "MODIFY v BIGINT NOT NULL"
        return ["migrate", f"--url={url_of(self.server, self.database)}", "--table=t", f"--alter={rewrite}"]

    @property
    def slowly(self) -> tuple[str, ...]:
        """Flags by which the copy takes some seconds."""
        chunk = 10 if self.server.kind == "postgres" else 40
        return (f"--chunk-size={chunk}", "--workers=1", "--nice-ratio=2")

    @property
    def table(self) -> str:
        """Its whole name, as ghostpy shows it."""
        return "public.t" if self.server.kind == "postgres" else f"{self.database}.t"

    def run(self, *flags: str) -> Finished:
        return ghostpy(*self.flags, *flags)


def make_place(server: sandbox.Server, new_database: Callable[[sandbox.Server], str], rows: int = ROWS) -> Place:
    database = new_database(server)
    with cursor_of(server, database) as cursor:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, v INT NOT NULL)")
        for start in range(0, rows, 5000):
            many = ", ".join(f"({n}, {n})" for n in range(start, min(start + 5000, rows)))
            cursor.execute(f"INSERT INTO t VALUES {many}")
        cursor.execute("COMMIT")
    return Place(server, database)


@contextmanager
def started(place: Place, folder: Path, *flags: str) -> Iterator[program.Program]:
    """A run under way; it is killed at the end of the block, if it is still there. It writes to files in `folder`."""
    with (folder / "output").open("w") as output, (folder / "errors").open("w") as errors:
        process = program.start(*place.flags, "--execute", *flags, output=output, errors=errors)
    with process:
        yield process
