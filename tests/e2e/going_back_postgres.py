"""A table of PostgreSQL that is changed and taken back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import going_back
from going_back import told
from migrating import Finished, cursor_of
from waiting import until

from ghostpy import sandbox
from ghostpy.sandbox.checking import differences
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Committed, Load
from ghostpy.sandbox.shapes import PgbenchRows

NewDatabase = Callable[[sandbox.Server], str]

ALTER = "ADD COLUMN extra bigint NOT NULL DEFAULT 7, ALTER COLUMN bid TYPE bigint, DROP COLUMN note, DROP COLUMN seen"
OLD, NEW, LEDGER = "_public_t_del", "_public_t_rev_del", "_public_t_gho"


class Place(going_back.Place):
    """With what there is of a run on this kind of server."""

    @property
    def columns(self) -> list[str]:
        return [
            row[0]
            for row in self.ask(
                "SELECT attname FROM pg_attribute WHERE attrelid = 'public.t'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
            )
        ]

    @property
    def schemas(self) -> set[str]:
        """Those that runs have made."""
        return {row[0] for row in self.ask(r"SELECT nspname FROM pg_namespace WHERE nspname LIKE '\_public%'")}

    @property
    def slots(self) -> int:
        return int(
            self.ask("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()")[0][0]
            + self.ask("SELECT count(*) FROM pg_publication WHERE pubname LIKE 'ghostpy%'")[0][0]
        )


class Table(Place):
    """A table with two columns that its writers do not know, and that the change drops."""

    def __init__(self, server: sandbox.Server, database: str, rows: int) -> None:
        super().__init__(server, database)
        self.rows = rows
        with cursor_of(server, database) as cursor:
            fill(cursor, PgbenchRows(), "t", rows)
            cursor.execute("ALTER TABLE t ADD note varchar(20) NOT NULL DEFAULT 'none', ADD seen timestamptz")
            cursor.execute("UPDATE t SET note = 'n' || aid, seen = '2020-01-01'")
            cursor.execute("COMMIT")

    def load(self, rate: float, seed: int = 1, *, stubborn: bool = False) -> Load:
        server = self.server
        return Load(
            server.host,
            server.port,
            self.database,
            "t",
            self.rows,
            user=server.user,
            rate=rate,
            seed=seed,
            threads=3,
            shape=PgbenchRows(),
            stubborn=stubborn,
        )

    def window(self, folder: Path, *flags: str) -> Any:
        return self.started(folder, "migrate", f"--alter={ALTER}", "--revert-window=1h", *flags)

    def is_what_was_committed(self, committed: Committed) -> None:
        assert committed.errors == []
        with cursor_of(self.server, self.database) as cursor:
            assert differences(cursor, "t", committed, key="aid") == []
        touched = ",".join(map(str, committed.touched)) or "0"
        # Rows that no writer touched are as they were filled.
        assert self.ask(f"SELECT COUNT(*) FROM t WHERE aid NOT IN ({touched})") == [
            (self.rows - sum(1 for row in committed.touched if row <= self.rows),)
        ]

    def keeps(self, column: str, snapshot: str) -> None:
        """Rows that stayed have the values of `column` that they had."""
        same = f"FROM t JOIN {snapshot} s ON s.aid = t.aid"
        assert self.ask(f"SELECT COUNT(*) {same} WHERE t.{column} IS DISTINCT FROM s.{column}") == [(0,)]
        # Writers delete rows for as long as it all takes.
        assert self.ask(f"SELECT COUNT(*) {same}")[0][0] > 100


def as_the_stream_told(done: Finished) -> bool:
    """Whether the comparison had nothing to mend."""
    return " rows, no differences" in " ".join(done.output.split())


def in_step(folder: Path) -> None:
    """Return once the old table is kept in step."""
    until(lambda: told(folder, "the old table is kept in step"), "the window")
