"""The two tables of a case on a PostgreSQL server: of the same name, in two databases, so that the same text changes both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg
from case_dump import dumped
from case_files import Case
from case_run import Refused
from case_twins import BothTables, Rows, TwinTables
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus

from ghostpy import sandbox
from ghostpy.dialects.postgres.names import helper_names
from ghostpy.model.names import HelperNames, TableName
from ghostpy.settings import ConnectSettings

ROLES = ("alice", "bob", "carol")
TABLESPACE = "elsewhere"

# Under these no two values have the same text.
_OUTPUT = """
SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 3
"""
_COLUMNS = """
SELECT attname, 'format(''%%L'', ' || quote_ident(attname) || ')' FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
# Foreign keys, triggers, grants and sequences go over to the new table.
_SHAPE = """
SELECT string_agg(line, E'\\n' ORDER BY kind, place, line) FROM (
    SELECT 1, attnum, concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, attcollation::regcollation, attgenerated)
    FROM pg_attribute WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT 2, 0, conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE conrelid = %(table)s::regclass AND contype IN ('p', 'u', 'c', 'x')
    UNION ALL SELECT 3, 0, replace(pg_get_indexdef(indexrelid), quote_ident(%(schema)s) || '.', '')
    FROM pg_index WHERE indrelid = %(table)s::regclass) AS lines (kind, place, line)
"""
# Of the catalogs, because the session may act for a role without a right to the schema.
_THERE = "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = %s AND relname = %s)"
_OWN = "nspname !~ '^pg_' AND nspname <> 'information_schema'"
_THINGS = f"""
SELECT 'schema ' || nspname FROM pg_namespace WHERE {_OWN}
UNION ALL SELECT 'table ' || nspname || '.' || relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE {_OWN} AND relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE database = current_database()
"""
# The higher, the more has been given out, whichever way a sequence counts.
_COUNTERS = """
SELECT schemaname || '.' || sequencename, coalesce(last_value, 0)::numeric * sign(increment_by::numeric) FROM pg_sequences WHERE schemaname <> %s
"""


class PostgresPair(BothTables):
    """Fulfils `Pair`: a session in each database, because a transaction is in one of them only.

    The twin's transaction is committed first. So whoever sees that the names are exchanged can be sure of the twin: the exchange waited for the
    source's half of each transaction that saw the old table, and the twin's half was committed by then.
    """

    passing = frozenset({"40001", "40P01", "55P03"})
    overlapping = False  # "Read Committed Isolation Level": a statement sees rows as they were when it began

    def __init__(self, twins: PostgresTwins) -> None:
        super().__init__(twins.database, twins.twin)
        self._old = twins.names.old
        self._sessions = {name: psycopg.connect(twins.url(name)) for name in (self.database, self.twin)}
        for session in self._sessions.values():
            if twins.case.session:
                session.execute(f"SET {twins.case.session}".encode())
            session.commit()

    def execute(self, database: str, statement: str) -> None:
        try:
            self._sessions[database].execute(statement.encode())
        except psycopg.Error as error:
            raise Refused(error.sqlstate, f"{error} in: {statement}"[:1000]) from error

    def exchanged(self) -> bool:
        session = self._sessions[self.database]
        if session.info.transaction_status == TransactionStatus.INERROR:
            session.rollback()  # it takes no question, and has no lock any more
        return bool(self._row(session, _THERE, [self._old.schema, self._old.table])[0])

    def at(self, moment: int) -> None:
        """The server's clock cannot be set; cases do without it."""

    @staticmethod
    def _row(session: psycopg.Connection[Any], question: str, values: list[str]) -> tuple[Any, ...]:
        row: tuple[Any, ...] | None = session.execute(question.encode(), values).fetchone()
        assert row is not None
        return row

    def commit(self) -> None:
        for database in (self.twin, self.database):
            self._sessions[database].commit()

    def rollback(self) -> None:
        for session in self._sessions.values():
            session.rollback()

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()


class PostgresTwins(TwinTables):
    """Fulfils `Twins`."""

    def __init__(self, server: sandbox.PostgresServer, case: Case, database: str, twin: str) -> None:
        super().__init__(case, database, twin)
        self._server = server
        self.connect = ConnectSettings(
            dialect="postgres", host=server.host, port=server.port, user=server.user, dsn=self.url(database)
        )
        self.place = {"database": database, "table": self.qualified()}
        self._looking: dict[str, psycopg.Connection[Any]] = {}
        _prepare(server)

    def url(self, database: str) -> str:
        return make_conninfo(self._server.url, dbname=database)

    def pair(self) -> PostgresPair:
        return PostgresPair(self)

    @contextmanager
    def settings(self) -> Iterator[None]:
        assert not self.case.globals, "a PostgreSQL server's settings stand under [server]"
        yield

    def close(self) -> None:
        for session in self._looking.values():
            session.close()

    def values(self, *, twin: bool, old: bool) -> list[tuple[str, str]]:
        return self._ask(_COLUMNS, [self.qualified(old=old)], twin=twin)

    def read(self, database: str, question: str) -> Rows:
        return self._looks(database, question)

    def definition(self, *, twin: bool = False) -> str:
        without = () if twin else (self.names.old.schema,)
        return dumped(self.url(self.twin if twin else self.database), without_schemas=without)

    def shape(self, *, old: bool = False) -> str:
        schema = self.names.old.schema if old else self.case.schema
        values = {"table": self.qualified(old=old), "schema": schema}
        return str(self._ask(_SHAPE, values)[0][0])

    def counters(self, *, twin: bool) -> dict[str, int]:
        return dict(self._ask(_COUNTERS, [self.names.old.schema], twin=twin))

    def things(self) -> set[str]:
        return {row[0] for row in self._ask(_THINGS)}

    def old_things(self) -> set[str]:
        old = self.names.old
        return {f"schema {old.schema}", f"table {old}"}

    def qualified(self, *, old: bool = False) -> str:
        name = self.names.old if old else TableName(self.case.schema, self.case.table)
        return sql.Identifier(name.schema, name.table).as_string()

    @property
    def names(self) -> HelperNames:
        return helper_names(TableName(self.case.schema, self.case.table))

    def _ask(self, question: str, values: Any = None, *, twin: bool = False) -> list[tuple[Any, ...]]:
        return self._looks(self.twin if twin else self.database, question, values)

    def _looks(self, database: str, question: str, values: Any = None) -> list[tuple[Any, ...]]:
        session = self._looking.get(database)
        if session is None:
            session = psycopg.connect(self.url(database), autocommit=True, prepare_threshold=None)
            session.execute(_OUTPUT.encode())
            self._looking[database] = session
        return session.execute(question.encode(), values).fetchall()


@cache
def _prepare(server: sandbox.PostgresServer) -> None:
    """Make what belongs to the whole server: roles without rights, and a tablespace."""
    known = {row["rolname"] for row in server.execute("SELECT rolname FROM pg_roles")}
    server.execute(*(f"CREATE ROLE {role}" for role in ROLES if role not in known))
    if not server.execute(f"SELECT spcname FROM pg_tablespace WHERE spcname = '{TABLESPACE}'"):
        server.execute("SET allow_in_place_tablespaces = on", f"CREATE TABLESPACE {TABLESPACE} LOCATION ''")
