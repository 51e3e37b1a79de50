"""The two tables of a case on a MySQL server: of the same name, in two databases, so that the same text changes both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pymysql
import pymysql.cursors
from case_files import Case
from case_run import Refused
from case_twins import BothTables, Rows, TwinTables

from ghostpy import sandbox
from ghostpy.model.names import TableName, helper_names
from ghostpy.settings import ConnectSettings

_NO_SUCH_TABLE = 1146
_BEGINNING = 1_700_000_000  # seconds since 1970: the writers' clock starts here
_NUMBERS = {
    "tinyint",
    "smallint",
    "mediumint",
    "int",
    "bigint",
    "decimal",
    "year",
    "date",
    "time",
    "datetime",
    "timestamp",
}


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


class _Session:
    """A connection that chooses between the two databases."""

    def __init__(self, server: sandbox.MySQLServer, setting: str) -> None:
        self._connection = pymysql.connect(
            ssl_disabled=True,
            host=server.host,
            port=server.port,
            user=server.user,
            password=server.password,
            charset="utf8mb4",
        )
        self._cursor = self._connection.cursor()
        self._database = ""
        if setting:
            self._cursor.execute(f"SET SESSION {setting}")

    def execute(self, database: str, statement: str) -> tuple[tuple[Any, ...], ...]:
        if database != self._database:
            self._connection.select_db(database)
            self._database = database
        self._cursor.execute(statement)
        return self._cursor.fetchall()

    def commit(self) -> None:
        self._connection.commit()

    def rollback(self) -> None:
        self._connection.rollback()

    def close(self) -> None:
        self._connection.close()


class MySQLPair(BothTables):
    """Fulfils `Pair`: one session, which chooses between the two databases."""

    passing = frozenset({1020, 1205, 1213})
    overlapping = True

    def __init__(self, twins: MySQLTwins) -> None:
        super().__init__(twins.database, twins.twin)
        self._old = twins.qualified(old=True)
        self._session = _Session(twins.server, twins.case.session)

    def execute(self, database: str, statement: str) -> None:
        try:
            self._session.execute(database, statement)
        except pymysql.MySQLError as error:
            raise Refused(error.args[0], f"{error} in: {statement}"[:1000]) from error

    def exchanged(self) -> bool:
        try:
            self._session.execute(self.database, f"SELECT 1 FROM {self._old} LIMIT 0")
        except pymysql.MySQLError as error:
            if error.args[0] == _NO_SUCH_TABLE:
                return False
            raise
        return True

    def at(self, moment: int) -> None:
        self._session.execute(self.database, f"SET SESSION timestamp = {_BEGINNING + moment}")

    def commit(self) -> None:
        self._session.commit()

    def rollback(self) -> None:
        self._session.rollback()

    def close(self) -> None:
        self._session.close()


class MySQLTwins(TwinTables):
    """Fulfils `Twins`."""

    def __init__(self, server: sandbox.MySQLServer, case: Case, database: str, twin: str) -> None:
        super().__init__(case, database, twin)
        self.server = server
        self.connect = ConnectSettings(host=server.host, port=server.port, user=server.user, password=server.password)
        self.place = {"database": database, "table": case.table}
        # MariaDB looks its figures up each time.
        self._looking = _Session(server, "" if server.kind == "mariadb" else "information_schema_stats_expiry = 0")

    def pair(self) -> MySQLPair:
        return MySQLPair(self)

    @contextmanager
    def settings(self) -> Iterator[None]:
        before = {name: self._ask("mysql", f"SELECT @@GLOBAL.{name}")[0][0] for name in self.case.globals}
        self._set(self.case.globals)
        try:
            yield
        finally:
            self._set(before)

    def _set(self, variables: Mapping[str, object]) -> None:
        for name, value in variables.items():
            self._ask("mysql", f"SET GLOBAL {name} = {value!r}")

    def close(self) -> None:
        self._looking.close()

    def values(self, *, twin: bool, old: bool) -> list[tuple[str, str]]:
        columns = self._ask(
            self.twin if twin else self.database,
            "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() "
            f"AND TABLE_NAME = '{_escaped(self._name(old=old))}' ORDER BY ORDINAL_POSITION",
        )
        return [(name, _exactly(_quoted(name), kind.lower())) for name, kind in columns]

    def read(self, database: str, question: str) -> Rows:
        # A session of its own: it must see what is committed by now.
        session = _Session(self.server, "group_concat_max_len = 1024")
        try:
            return session.execute(database, question)
        finally:
            session.close()

    def definition(self, *, twin: bool = False) -> str:
        return self._shown(self.twin if twin else self.database, self.qualified())

    def shape(self, *, old: bool = False) -> str:
        text = self._shown(self.database, self.qualified(old=old))
        if old:  # the server renames what it named itself
            for suffix in ("`", "_chk_"):
                ours, theirs = (_quoted(name)[:-1] + suffix for name in (self._name(old=True), self.case.table))
                text = text.replace(ours, theirs)
        return text

    def _shown(self, database: str, table: str) -> str:
        text = self._ask(database, f"SHOW CREATE TABLE {table}")[0][1]
        return re.sub(r" AUTO_INCREMENT=\d+", "", text)

    def counters(self, *, twin: bool) -> dict[str, int]:
        found = self._ask(
            self.twin if twin else self.database,
            "SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() "
            f"AND TABLE_NAME = '{_escaped(self.case.table)}'",
        )[0][0]
        return {} if found is None else {"AUTO_INCREMENT": found}

    def things(self) -> set[str]:
        return {row[0] for row in self._ask(self.database, "SHOW TABLES")}

    def old_things(self) -> set[str]:
        return {self._name(old=True)}

    def qualified(self, *, old: bool = False) -> str:
        return _quoted(self._name(old=old))

    def _name(self, *, old: bool) -> str:
        return helper_names(TableName(self.database, self.case.table), limit=64).old.table if old else self.case.table

    def _ask(self, database: str, statement: str) -> tuple[tuple[Any, ...], ...]:
        self._looking.rollback()
        return self._looking.execute(database, statement)


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace("'", "''")


def _exactly(column: str, kind: str) -> str:
    """The whole value as text. Types and signs that texts hide are added: −0.0, the kind of a JSON number, the number of a label."""
    if kind in _NUMBERS:
        return f"CAST({column} AS CHAR)"
    if kind in ("float", "double"):
        return f"CAST(CAST({column} AS DOUBLE) AS CHAR)"
    if kind in ("enum", "set"):
        return f"CONCAT(CAST({column} AS UNSIGNED), ' ', HEX({column}))"
    if kind == "json":
        return f"CONCAT(JSON_TYPE({column}), ' ', {column})"
    return f"HEX({column})"
