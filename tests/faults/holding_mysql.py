"""Holds a running migration still at a place of one's choice, by locks on the server: nothing is left to chance or to sleep."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pymysql
from held import Held
from waiting import WITHIN, until
from witness import CONNECTIONS

from ghostpy import sandbox

PREPARE, COPY, VERIFY, POSTPONED, LOCK, EXCHANGE = "prepare", "copy", "verify", "postponed", "lock", "exchange"
PHASES = (PREPARE, COPY, VERIFY, POSTPONED, LOCK, EXCHANGE)

ROWS = 1000
_CREATE = "CREATE TABLE t (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL DEFAULT 0, c VARCHAR(40) NOT NULL DEFAULT '')"
_FILL = (
    "INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) "
    "SELECT i, i * 7, SHA2(i, 0) FROM n"
).replace("SHA2(i, 0)", "LEFT(SHA2(i, 0), 40)")
_WAITS = (
    "SELECT ID FROM performance_schema.processlist "
    "WHERE STATE LIKE 'Waiting for %%{what}%%' AND INFO LIKE '{statement}%%' AND DB <=> {database}"
)


def make_table(server: sandbox.Server, database: str, rows: int = ROWS) -> None:
    """A table `t` that takes a while in chunks of ten."""
    server.execute(f"USE {database}", "SET SESSION cte_max_recursion_depth = 1000000", _CREATE, _FILL.format(rows=rows))


class Holder:
    """A session of the test that holds something on the server."""

    def __init__(self, server: sandbox.Server, database: str) -> None:
        self._connection = pymysql.connect(
            ssl_disabled=True, host=server.host, port=server.port, user=server.user, database=database, autocommit=True
        )
        self.identity = self._connection.thread_id()
        self._waiting: threading.Thread | None = None

    def do(self, *statements: str) -> Any:
        with self._connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()

    def ask_for(self, statement: str) -> None:
        """Run a statement that has to wait, without waiting for it."""
        self._waiting = threading.Thread(target=self._run, args=(statement,), daemon=True)
        self._waiting.start()

    def _run(self, statement: str) -> None:
        try:
            self.do(statement)
        except pymysql.MySQLError:
            return  # the server was killed

    def got_it(self) -> None:
        """Return once the statement of `ask_for` is done."""
        assert self._waiting is not None
        self._waiting.join(WITHIN)
        assert not self._waiting.is_alive()

    def close(self) -> None:
        try:
            self._connection.close()
        except pymysql.MySQLError:
            return


class HeldRun(Held):
    """A run on a MySQL server."""

    def __init__(self, server: sandbox.Server, database: str, folder: Path, *flags: str) -> None:
        super().__init__(server, database, folder, *flags)
        self._holders: list[Holder] = []
        self._look = Holder(server, database)
        self._open.callback(self._look.close)

    def _target(self) -> list[str]:
        return [
            f"--url={self.server.url}/{self.database}",
            "--table=t",
            "--alter=ADD COLUMN extra INT NOT NULL DEFAULT 5",
        ]

    def _places(self) -> Mapping[str, Callable[[], None]]:
        return {
            PREPARE: self._hold_prepare,
            COPY: self._hold_copy,
            VERIFY: self._hold_verify,
            POSTPONED: self._hold_postponed,
            LOCK: self._hold_lock,
            EXCHANGE: self._hold_exchange,
        }

    def _let_go(self) -> None:
        holders, self._holders = self._holders, []
        for holder in holders:
            holder.close()

    def _holder(self) -> Holder:
        holder = Holder(self.server, self.database)
        self._holders.append(holder)
        return holder

    def _hold_prepare(self) -> None:
        self._holder().do("LOCK INSTANCE FOR BACKUP")
        self.start()
        self._until_waiting("backup lock", "CREATE TABLE")

    def _hold_copy(self) -> None:
        self.rest_file.touch()
        self.start()
        until(self._beats, "a heartbeat")
        # The last chunk has to wait for this row.
        self._holder().do("BEGIN", f"INSERT INTO _t_gho (id) VALUES ({ROWS})")
        self.rest_file.unlink()
        until(self.waiting_copy, "the copy of the last chunk")

    def _hold_verify(self) -> None:
        if not self._holders:
            self._hold_copy()
        until(self.waiting_copy, "the copy of the last chunk")
        (copy,) = self._holders
        locker = self._holder()
        locker.ask_for("LOCK TABLES t WRITE")
        until(lambda: self._waiting("table metadata lock", "LOCK TABLES t"), "the test's own lock")
        self._holders.remove(copy)
        copy.close()  # the chunk ends, and the lock goes before the next statement
        locker.got_it()
        self._until_waiting("table metadata lock", "SELECT")

    def _hold_postponed(self) -> None:
        if not self.started:
            self.start()
        self._let_go()
        until(lambda: self.alive() and "cut-over postponed" in self.told(), "the cut-over to be postponed")

    def _hold_lock(self) -> None:
        self._hold_postponed()
        self._holder().do("BEGIN", "SELECT * FROM t LIMIT 1")
        self.flag_file.unlink()
        self._until_waiting("table metadata lock", "LOCK TABLES")

    def _hold_exchange(self) -> None:
        if not self._holders:
            self._hold_lock()
        self._until_waiting("table metadata lock", "LOCK TABLES")
        before, self._holders = self._holders, []
        self._holder().do("LOCK INSTANCE FOR BACKUP")
        for holder in before:
            holder.close()
        self._until_waiting("backup lock", "RENAME TABLE")

    def waits(self, what: str, statement: str, *, ours: bool = True) -> bool:
        """Whether a statement of the run (or of the test itself) waits for something."""
        return self._waiting(what, statement, "NULL" if ours else None)

    def waiting_for_us(self) -> bool:
        """Whether a statement of the run, but for one that drops, waits for what the test holds."""
        if not self._holders:
            return False
        kinds = ("CREATE", "SELECT", "LOCK", "RENAME", "INSERT")
        return bool(self._waiting_row()) or any(self._waiting("", kind, "NULL") for kind in kinds)

    # --- looks at the server ----------------------------------------------------------------------------------------

    def _until_waiting(self, what: str, statement: str) -> None:
        until(lambda: self.alive() and self._waiting(what, statement, "NULL"), f"{statement} to wait for {what}")

    def _waiting(self, what: str, statement: str, database: str | None = None) -> bool:
        name = database or f"'{self.database}'"
        return bool(self._look.do(_WAITS.format(what=what, statement=statement, database=name).replace("%%", "%")))

    def _beats(self) -> bool:
        self.alive()
        try:
            return bool(self._look.do("SELECT * FROM _t_ghc WHERE id = 'heartbeat'"))
        except pymysql.MySQLError:
            return False

    def waiting_copy(self) -> int:
        """The session whose copy waits for a row lock, or 0."""
        self.alive()
        return self._waiting_row()

    def _waiting_row(self) -> int:
        found = self._look.do(
            "SELECT t.PROCESSLIST_ID FROM performance_schema.data_locks l "
            "JOIN performance_schema.threads t ON t.THREAD_ID = l.THREAD_ID "
            f"WHERE l.LOCK_STATUS = 'WAITING' AND l.OBJECT_SCHEMA = '{self.database}' AND l.OBJECT_NAME = '_t_gho'"
        )
        return int(found[0][0]) if found else 0

    def heartbeat_session(self) -> int:
        """The session that holds the run's lock."""
        found = self._look.do(
            "SELECT t.PROCESSLIST_ID FROM performance_schema.metadata_locks l "
            "JOIN performance_schema.threads t ON t.THREAD_ID = l.OWNER_THREAD_ID "
            "WHERE l.OBJECT_TYPE = 'USER LEVEL LOCK' AND l.OBJECT_NAME LIKE 'ghostpy.%'"
        )
        return int(found[0][0])

    def sessions(self) -> set[int]:
        """All sessions of the run."""
        return {int(row[0]) for row in self._look.do(CONNECTIONS)}

    def kill_session(self, identity: int) -> None:
        with suppress(pymysql.MySQLError):  # it may be gone already
            self._look.do(f"KILL {identity}")
