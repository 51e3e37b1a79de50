"""Carries out one statement on a server: the server's own way, as a tool among others.

python -m bench._statement URL SQL
"""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

from ghostpy.sandbox.drivers import DRIVERS


def main(url: str, sql: str) -> None:
    """Raises what the driver raises."""
    place = urlsplit(url)
    kind = "mysql" if place.scheme == "mysql" else "postgres"
    with DRIVERS[kind].connect(
        host=place.hostname or "",
        port=place.port or 0,
        user=place.username or "",
        password="",
        database="mysql" if kind == "mysql" else "postgres",
    ) as connection:
        connection.cursor().execute(sql)


if __name__ == "__main__":
    main(*sys.argv[1:])
