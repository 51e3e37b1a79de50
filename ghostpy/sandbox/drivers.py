"""What is different between the kinds of servers for those who write to a table, fill it and check it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias


class MySQLDriver:
    """pymysql. Drivers are loaded when they are needed: a machine that only runs servers need not have them."""

    # Two names of one thing: MySQL executes the first kind of comment, MariaDB the second.
    before_filling: ClassVar[tuple[str, ...]] = (
        "SET SESSION /*!80003 cte_max_recursion_depth */ /*M! max_recursive_iterations */ = 1000000",
    )
    analyze: ClassVar[str] = "ANALYZE TABLE {table}"

    _unknown_column = 1054

    def connect(self, *, host: str, port: int, user: str, password: str, database: str) -> Any:
        import pymysql

        # Left to itself the driver uses TLS, and reads all of the machine's certificates for each session.
        return pymysql.connect(
            host=host,
            port=port,
            user=user,
            password=password,
            database=database,
            autocommit=True,
            ssl_disabled=True,
        )

    @property
    def error(self) -> type[Exception]:
        import pymysql

        return pymysql.MySQLError

    def is_unknown_column(self, error: Exception) -> bool:
        return error.args[:1] == (self._unknown_column,)

    def name(self, name: str) -> str:
        """A quoted name."""
        return f"`{name}`"

    def same(self, left: str, right: str) -> str:
        """Whether two expressions have the same value to the last byte, NULL or not."""
        return f"BINARY {left} <=> BINARY {right}"


class PostgresDriver:
    """psycopg, in the way of `MySQLDriver`."""

    before_filling: ClassVar[tuple[str, ...]] = ()
    analyze: ClassVar[str] = "VACUUM (ANALYZE) {table}"

    _unknown_column = "42703"

    def connect(self, *, host: str, port: int, user: str, password: str, database: str) -> Any:
        import psycopg

        return psycopg.connect(
            host=host, port=port, user=user, password=password or None, dbname=database, autocommit=True
        )

    @property
    def error(self) -> type[Exception]:
        import psycopg

        return psycopg.Error

    def is_unknown_column(self, error: Exception) -> bool:
        return getattr(error, "sqlstate", None) == self._unknown_column

    def name(self, name: str) -> str:
        """A quoted name; one with a schema is quoted in its parts."""
        return ".".join(f'"{part}"' for part in name.split("."))

    def same(self, left: str, right: str) -> str:
        """Whether two expressions have the same text, NULL or not: 1.0 and 1.00 are equal, but not the same."""
        return f"({left})::text IS NOT DISTINCT FROM ({right})::text"


Driver: TypeAlias = MySQLDriver | PostgresDriver

DRIVERS: Mapping[str, Driver] = {"mysql": MySQLDriver(), "mariadb": MySQLDriver(), "postgres": PostgresDriver()}
"""By kind of server, as `Server.kind` and a shape's `kind` name it."""
