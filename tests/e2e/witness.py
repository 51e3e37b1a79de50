"""What a run that failed must leave behind: the tables as they were, and nothing of its own."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any

from migrating import Finished, cursor_of

from ghostpy import sandbox

_GONE_WITHIN = 15.0
_COMPARED_ROW_BY_ROW = 1000

CONNECTIONS = (
    "SELECT DISTINCT a.PROCESSLIST_ID FROM performance_schema.session_connect_attrs a "
    "JOIN performance_schema.threads t USING (PROCESSLIST_ID) "
    "WHERE a.ATTR_NAME = 'program_name' AND a.ATTR_VALUE LIKE 'ghostpy%'"
)
LOCKS = (
    "SELECT OBJECT_NAME FROM performance_schema.metadata_locks "
    "WHERE OBJECT_TYPE = 'USER LEVEL LOCK' AND OBJECT_NAME LIKE 'ghostpy.%'"
)


def tables_of(server: sandbox.Server, database: str) -> dict[str, tuple[Any, ...]]:
    """Every table and view of the database: how it is made, and what is in it."""
    found: dict[str, tuple[Any, ...]] = {}
    with cursor_of(server, database) as cursor:
        cursor.execute("SHOW FULL TABLES")
        for name, kind in cursor.fetchall():
            cursor.execute(f"SHOW CREATE TABLE `{name}`")
            created = str(cursor.fetchone()[1])
            content: Any = None
            if kind == "BASE TABLE":
                cursor.execute(f"SELECT COUNT(*) FROM `{name}`")
                content = cursor.fetchone()[0]
                small = content <= _COMPARED_ROW_BY_ROW
                cursor.execute(f"SELECT * FROM `{name}`" if small else f"CHECKSUM TABLE `{name}`")
                content = sorted(map(repr, cursor.fetchall()))
            found[name] = (kind, created, content)
    return found


@dataclass
class Witness:
    """A database as it was before a run."""

    server: sandbox.Server
    database: str

    def __post_init__(self) -> None:
        self.before = tables_of(self.server, self.database)

    def assert_as_before(self) -> None:
        """Not a table more or less, not a row changed, no lock held, no connection left."""
        assert tables_of(self.server, self.database) == self.before
        assert_nothing_held(self.server)


def assert_nothing_held(server: sandbox.Server) -> None:
    """No lock, connection or registered replica of ours is left on the server."""
    deadline = time.monotonic() + _GONE_WITHIN
    with cursor_of(server) as cursor:
        while True:
            left = {}
            for what, query in (("connections", CONNECTIONS), ("locks", LOCKS), ("replicas", "SHOW REPLICAS")):
                cursor.execute(query)
                left[what] = cursor.fetchall()
            # The server notices a connection's end a moment after the process is gone.
            if not any(left.values()):
                return
            assert time.monotonic() < deadline, left
            time.sleep(0.02)


def paragraph(finished: Finished) -> str:
    """The error that ended the run, which is one paragraph at the end of stderr."""
    assert "Traceback" not in finished.errors, finished.errors
    found = re.search(r"^ghostpy: .*\Z", finished.errors, re.DOTALL | re.MULTILINE)
    assert found, f"no error message in {finished.errors!r}, status {finished.status}"
    assert "\n\n" not in found[0].strip(), finished.errors
    assert "defect in ghostpy" not in found[0], finished.errors
    return found[0]


def assert_failed(finished: Finished, status: int, *phrases: str, never: tuple[str, ...] = ()) -> None:
    """It ended with this status and one paragraph that holds these phrases; what must not be told is told nowhere."""
    everything = finished.output + finished.errors
    assert finished.status == status, everything
    told = paragraph(finished)
    for phrase in phrases:
        assert phrase.lower() in told.lower(), f"{phrase!r} is not in: {told}"
    for secret in never:
        assert secret not in everything, f"{secret!r} is in: {everything}"
