"""Throwaway real servers for the demo, the tests and the benchmarks.

    with sandbox.mysql() as server:
        print(server.url)

Each runs in a temporary folder on a free port, as an ordinary process, and is gone without a trace when its
context ends, or when this Python process does, however it ends. Nothing is installed on the machine.

Versions are series: "9" and "9.7" are both right for 9.7.4. Without one, whatever the machine has is taken,
else the version that is quickest to be had.
"""

from __future__ import annotations

from ghostpy.sandbox import mariadb_server, mysql_server, postgres_lookup
from ghostpy.sandbox.errors import SandboxError
from ghostpy.sandbox.mariadb_server import MariaDBServer
from ghostpy.sandbox.mysql_server import MySQLServer
from ghostpy.sandbox.postgres_server import PostgresServer
from ghostpy.sandbox.server import Options, Server

__all__ = [
    "MariaDBServer",
    "MySQLServer",
    "Options",
    "PostgresServer",
    "SandboxError",
    "Server",
    "mariadb",
    "mysql",
    "postgres",
]


def mysql(options: Options | None = None, *, version: str | None = None) -> MySQLServer:
    """Start a throwaway MySQL server. `options` are added to its command line."""
    return MySQLServer(mysql_server.find(version), options)


def mariadb(options: Options | None = None, *, version: str | None = None) -> MariaDBServer:
    """Start a throwaway MariaDB server. `options` are added to its command line."""
    return MariaDBServer(mariadb_server.find(version), options)


def postgres(options: Options | None = None, *, version: int = postgres_lookup.DEFAULT) -> PostgresServer:
    """Start a throwaway PostgreSQL server of a major version. `options` are settings on its command line."""
    return PostgresServer(postgres_lookup.find(version), options)
