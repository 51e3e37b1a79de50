"""Holds a running migration on PostgreSQL still at a place of one's choice, by locks on the server.

Most places are statements that need the lock of a table. Two are within a transaction of DDL: there an event trigger waits for
an advisory lock of the test.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from held import Held
from migrating import url_of
from waiting import WITHIN, until

from ghostpy import sandbox

PREPARE, SLOT, COPY, INDEXES = "prepare", "slot", "copy", "indexes"
VERIFY, POSTPONED, LOCK, EXCHANGE = "verify", "postponed", "lock", "exchange"
CLEAN_UP = "clean up"
"""The names are exchanged; the source cannot be said any more to be as it was."""
PHASES = (PREPARE, SLOT, COPY, INDEXES, VERIFY, POSTPONED, LOCK, EXCHANGE)

ROWS = 1000
CHANGE = ("--table=public.t", "--alter=ADD COLUMN extra int NOT NULL DEFAULT 5", "--strategy=shadow")
SLOTS = "SELECT slot_name FROM pg_replication_slots WHERE database = current_database()"
_YOUNG = 0.1
_GATE = 4711
_BEFORE_LEDGER, _IN_EXCHANGE, _BEFORE_DROP = 1, 2, 3
# The exchange waits for nothing longer than its lock_timeout, but for this.
_TABLE = (
    "CREATE TABLE t (id int PRIMARY KEY, k int NOT NULL DEFAULT 0, c text NOT NULL DEFAULT '')",
    "CREATE INDEX t_k ON t (k)",
    "INSERT INTO t SELECT i, i * 7, md5(i::text) FROM generate_series(1, {rows}) AS i",
)
_GATES = (
    f"""
    CREATE FUNCTION gate() RETURNS event_trigger LANGUAGE plpgsql SET lock_timeout = 0 AS $$
    BEGIN
        IF current_query() LIKE 'CREATE SCHEMA %_ghostpy_ledger%' THEN
            PERFORM pg_advisory_xact_lock_shared({_GATE}, {_BEFORE_LEDGER});
        ELSIF current_query() LIKE '%_gho".% SET SCHEMA%' THEN
            PERFORM pg_advisory_xact_lock_shared({_GATE}, {_IN_EXCHANGE});
        ELSIF current_query() LIKE 'BEGIN; DROP TABLE %' THEN
            PERFORM pg_advisory_xact_lock_shared({_GATE}, {_BEFORE_DROP});
        END IF;
    END $$
    """,
    "CREATE EVENT TRIGGER gate ON ddl_command_start WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'DROP TABLE') EXECUTE FUNCTION gate()",
)
_WAITING = """
SELECT a.pid FROM pg_stat_activity a WHERE a.datname = current_database() AND a.wait_event_type = 'Lock'
AND a.application_name LIKE %s AND a.query LIKE %s
"""
_OURS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'ghostpy%%'"


def make_table(server: sandbox.Server, database: str, rows: int = ROWS) -> None:
    """A table `t` that takes a while in chunks of ten, in a database where a run can be held."""
    execute(server, database, *(statement.replace("{rows}", str(rows)) for statement in _TABLE))
    make_gates(server, database)


def make_gates(server: sandbox.Server, database: str) -> None:
    """Where a run in the database can be held within its transactions."""
    execute(server, database, *_GATES)


def hold_exchange() -> str:
    """The statement by which a session of the test holds an exchange with all its locks."""
    return f"SELECT pg_advisory_lock({_GATE}, {_IN_EXCHANGE})"


def execute(server: sandbox.Server, database: str, *statements: str) -> list[tuple[Any, ...]]:
    """The rows of the last statement, each of them on its own."""
    with psycopg.connect(url_of(server, database), autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall() if statements and cursor.description else []


class Holder:
    """A session of the test that holds something on the server."""

    def __init__(self, server: sandbox.Server, database: str) -> None:
        self._server, self._database = server, database
        self._connection = psycopg.connect(url_of(server, database), autocommit=True, application_name="test")
        self.pid = self._connection.info.backend_pid
        self._waiting: threading.Thread | None = None
        self.refused: psycopg.Error | None = None

    def do(self, *statements: str, params: tuple[object, ...] | None = None) -> list[tuple[Any, ...]]:
        for statement in statements:
            cursor = self._connection.execute(statement.encode(), params)
        return cursor.fetchall() if cursor.description else []

    def ask_for(self, statement: str) -> None:
        """Run a statement that has to wait, without waiting for it."""
        self._waiting = threading.Thread(target=self._run, args=(statement,), daemon=True)
        self._waiting.start()

    def _run(self, statement: str) -> None:
        try:
            self.do(statement)
        except psycopg.Error as error:
            self.refused = error

    def waits(self) -> bool:
        """Whether it waits for a lock."""
        question = f"SELECT pid FROM pg_stat_activity WHERE pid = {self.pid} AND wait_event_type = 'Lock'"
        return bool(execute(self._server, self._database, question))

    def age(self) -> float:
        """Seconds since its transaction began."""
        return float(self.do("SELECT extract(epoch FROM clock_timestamp() - transaction_timestamp())")[0][0])

    def got_it(self) -> None:
        """Return once the statement of `ask_for` is done, or refused."""
        assert self._waiting is not None
        self._waiting.join(WITHIN)
        assert not self._waiting.is_alive()

    def close(self) -> None:
        with suppress(psycopg.Error):
            self._connection.close()


class HeldRun(Held):
    """A run on a PostgreSQL server, by way of a new table."""

    def __init__(
        self,
        server: sandbox.Server,
        database: str,
        folder: Path,
        *flags: str,
        table: str = "t",
        change: Sequence[str] = CHANGE,
    ) -> None:
        super().__init__(server, database, folder, *flags)
        self._table, self._change = table, change
        self._shadow = f'"_public_{table}_gho"."{table}"'
        self._holders: dict[str, Holder] = {}
        self._look = self.another()

    def another(self) -> Holder:
        """A session for the test's own use, until the end."""
        holder = Holder(self.server, self.database)
        self._open.callback(holder.close)
        return holder

    def _target(self) -> list[str]:
        return [f"--url={url_of(self.server, self.database)}", *self._change]

    def _places(self) -> Mapping[str, Callable[[], None]]:
        return {
            PREPARE: self._hold_prepare,
            SLOT: self._hold_slot,
            COPY: self._hold_copy,
            INDEXES: self._hold_indexes,
            VERIFY: self._hold_verify,
            POSTPONED: self._hold_postponed,
            LOCK: self._hold_lock,
            EXCHANGE: self._hold_exchange,
            CLEAN_UP: self._hold_clean_up,
        }

    def _hold_prepare(self) -> None:
        self._holder(PREPARE).do(f"SELECT pg_advisory_lock({_GATE}, {_BEFORE_LEDGER})")
        self.start()
        self.until_waiting("housekeeping", "CREATE SCHEMA")

    def _hold_slot(self) -> None:
        """A slot begins when all transactions with an id have ended."""
        self._holder(SLOT).do("BEGIN", "SELECT pg_current_xact_id()")
        self.start()
        self.until_waiting("slot", "%pg_create_logical_replication_slot")

    def _hold_copy(self) -> None:
        """No row gets into the shadow."""
        self._hold_slot()
        # The first lock is for the next place: it lets rows pass, but no index.
        self._holder(COPY).do(
            "BEGIN",
            f"LOCK TABLE {self._shadow} IN ROW EXCLUSIVE MODE",
            "SAVEPOINT copy",
            f"LOCK TABLE {self._shadow} IN SHARE MODE",
        )
        self._give_up(SLOT)
        self.until_waiting("rows", f"INSERT INTO {self._shadow}")

    def _hold_indexes(self) -> None:
        """All is copied; the index that rows are found by is to be built."""
        if COPY not in self._holders:
            self._hold_copy()
        self._holders[COPY].do("ROLLBACK TO SAVEPOINT copy")
        self.until_waiting("housekeeping", f"%{self._table}_pkey")

    def _hold_verify(self) -> None:
        """The source cannot be read."""
        self._hold_indexes()
        self._holder(VERIFY).do("BEGIN", f"LOCK TABLE {self._table} IN ACCESS EXCLUSIVE MODE")
        self._give_up(COPY)
        self.until_waiting("rows", 'SELECT "')

    def _hold_postponed(self) -> None:
        if not self.started:
            self.start()
        self._let_go()
        until(lambda: self.alive() and "cut-over postponed" in self.told(), "the cut-over to be postponed")

    def _hold_lock(self) -> None:
        """It waits for the lock, half a second at a time; what holds the table for longer is not waited for, so that must be young."""
        if LOCK not in self._holders:
            self._hold_postponed()
            self._holder(LOCK)
        self.flag_file.unlink(missing_ok=True)
        until(self._waits_for_young, "the run to wait for its lock")

    def _waits_for_young(self) -> bool:
        self.alive()
        young = Holder(self.server, self.database)
        young.do("BEGIN", f"LOCK TABLE {self._table} IN ACCESS SHARE MODE")
        self._give_up(LOCK)
        self._holders[LOCK] = young
        deadline = time.monotonic() + _YOUNG
        while time.monotonic() < deadline:
            if self.waits("cut-over", "%LOCK TABLE"):
                return True
            time.sleep(0.01)
        return False

    def _hold_exchange(self) -> None:
        """All locks are held, the old table has moved, and the new one is about to."""
        if LOCK not in self._holders:
            self._hold_postponed()
        self._holder(EXCHANGE).do(hold_exchange())
        self._give_up(LOCK)
        self.flag_file.unlink(missing_ok=True)
        self.until_waiting("cut-over", "%SET SCHEMA")

    def _hold_clean_up(self) -> None:
        """Nothing is dropped yet."""
        self._hold_postponed()
        self._holder(CLEAN_UP).do(f"SELECT pg_advisory_lock({_GATE}, {_BEFORE_DROP})")
        self.flag_file.unlink()
        self.until_waiting("housekeeping", "BEGIN; DROP TABLE")

    def _holder(self, place: str) -> Holder:
        self._holders[place] = Holder(self.server, self.database)
        return self._holders[place]

    def _give_up(self, place: str) -> None:
        if place in self._holders:
            self._holders.pop(place).close()

    def _let_go(self) -> None:
        for place in tuple(self._holders):
            self._give_up(place)

    # --- looks at the server ----------------------------------------------------------------------------------------

    def until_waiting(self, purpose: str, statement: str) -> None:
        until(lambda: self.alive() and self.waits(purpose, statement), f"{purpose} to wait in {statement}")

    def waits(self, purpose: str, statement: str) -> bool:
        """Whether a session of the run waits for a lock in a statement that begins so."""
        return bool(self._look.do(_WAITING, params=(f"ghostpy {purpose}%", f"{statement}%")))

    def waiting_for_us(self) -> bool:
        """Whether a statement of the run, but for one that drops, waits for what the test holds."""
        return bool(self._look.do(f"{_WAITING} AND a.query NOT LIKE '%%DROP TABLE%%'", params=("ghostpy%", "%")))

    def sessions(self, purpose: str = "") -> set[int]:
        """The processes of the run's sessions."""
        return {
            row[0]
            for row in self._look.do(
                f"SELECT pid {_OURS} AND application_name LIKE %s", params=(f"ghostpy {purpose}%",)
            )
        }

    def reads_stream(self) -> bool:
        """Whether a walsender serves the run."""
        return bool(self._look.do(f"SELECT pid {_OURS} AND backend_type = 'walsender'", params=()))

    def end_sessions(self, processes: set[int]) -> None:
        """Return once they are gone."""
        self._look.do("SELECT pg_terminate_backend(pid) FROM unnest(%s) AS pid", params=(list(processes),))
        until(
            lambda: (
                not self._look.do("SELECT pid FROM pg_stat_activity WHERE pid = ANY (%s)", params=(list(processes),))
            ),
            "the ended sessions to be gone",
        )
