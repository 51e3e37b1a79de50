"""Throwaway real servers for the demo, the tests and the benchmarks.

    with sandbox.mysql() as server:
        print(server.url)

Each runs in a temporary folder on a free port, as an ordinary process, and is gone without a trace when its context ends
or when this Python process does, however it ends. Nothing is installed on the machine.
"""

from __future__ import annotations

from ghostpy.sandbox.errors import SandboxError
from ghostpy.sandbox.mysql import MySQLServer
from ghostpy.sandbox.mysql import find as _find_mysql
from ghostpy.sandbox.server import Options, Server

__all__ = ["MySQLServer", "Options", "SandboxError", "Server", "mysql"]


def mysql(options: Options | None = None) -> MySQLServer:
    """Start a throwaway MySQL server. `options` are added to its command line."""
    return MySQLServer(_find_mysql(), options)
