"""The server's list of sessions, which has the statements of others in it.

These may hold any bytes (a binary literal), and SHOW PROCESSLIST cuts them off after so many bytes, in the middle of a character: the driver
cannot be left to decode them. information_schema.PROCESSLIST is no way round: on MySQL, reading it fails while any session runs a statement with
4-byte characters, or bytes that are no text (error 3854, 9.7.4).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymysql.connections

LIST = "SHOW PROCESSLIST"
WHOLE = "SHOW FULL PROCESSLIST"
"""With the statements as a whole."""

Row = tuple[Any, ...]


@contextmanager
def bytes_as_text(connection: pymysql.connections.Connection[Any]) -> Iterator[None]:
    """For the length of a block, the connection's texts come as a character for each byte."""
    encoding = connection.encoding
    connection.encoding = "latin-1"
    try:
        yield
    finally:
        connection.encoding = encoding


def readable(rows: list[Row]) -> list[Row]:
    """Such rows with proper texts; what is none is replaced."""
    return [tuple(_readable(value) for value in row) for row in rows]


def sessions(connection: pymysql.connections.Connection[Any]) -> list[Row]:
    """What the server lists. Blocks. Raises as the driver does."""
    with bytes_as_text(connection), connection.cursor() as cursor:
        cursor.execute(LIST)
        return readable(list(cursor.fetchall()))


def _readable(value: Any) -> Any:
    return value.encode("latin-1").decode("utf-8", "replace") if isinstance(value, str) else value
