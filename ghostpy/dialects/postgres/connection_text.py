"""Connection strings and URLs, read and written by libpq's own rules, so that whatever libpq knows works here as well.

psycopg is loaded only when it is needed: it takes a tenth of a second, which calls for MySQL need not spend.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from msgspec import Struct

from ghostpy import errors
from ghostpy.settings import SECRET_PARAMETERS

_PORT = "5432"
_DEFAULT_SOCKET = "the local socket"


class Place(Struct, frozen=True):
    """Where a connection string leads, as far as libpq tells before connecting; for messages."""

    host: str
    port: int
    unix_socket: str | None
    database: str
    user: str


def parts_of(text: str, what: str) -> dict[str, str]:
    """The parameters that a connection string or URL gives. Raises UsageError, without a word of `text` that could be secret.

    `what`: where the text stands, such as a flag.
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        return {name: str(value) for name, value in conninfo_to_dict(text).items() if value not in (None, "")}
    except psycopg.Error as error:
        raise errors.UsageError(
            f"{what} cannot be read by libpq: {_harmless(str(error), text)}.",
            hint="Write it as postgresql://user@host:5432/database?sslmode=verify-full, with special characters as %40 (for @) "
            "and the like; libpq's manual lists the parameters.",
        ) from None


def text_of(parts: Mapping[str, str]) -> str:
    """A connection string of these parameters."""
    from psycopg.conninfo import make_conninfo

    return make_conninfo("", **parts)


def place(parts: Mapping[str, str]) -> Place:
    """Where `parts` lead, with what libpq takes from its environment and from a service's file."""
    known = {**_defaults(parts.get("service")), **parts}
    user = known.get("user", "")
    hosts = (known.get("host") or known.get("hostaddr") or "").split(",")
    ports = (known.get("port") or _PORT).split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    pairs = [(host, port or _PORT) for host, port in zip(hosts, ports, strict=False)] or [("", _PORT)]
    *others, (host, port) = pairs
    number = int(port) if port.isascii() and port.isdecimal() else int(_PORT)
    socket = None
    if not others and not host:
        socket = f"{_DEFAULT_SOCKET} {_socket_name(port)}"
    elif not others and host.startswith(("/", "@")):
        socket = f"{host}/{_socket_name(port)}"
    shown = ",".join([*(f"{one}:{other}" for one, other in others), host])
    return Place(shown, number, socket, known.get("dbname") or user, user)


def secrets_of(parts: Mapping[str, str]) -> tuple[str, ...]:
    """What must never be shown, of `parts` and of what libpq adds to them from its environment and a service's file."""
    known = (_defaults(parts.get("service")), parts)
    return tuple(each[name] for each in known for name in SECRET_PARAMETERS if each.get(name))


def _socket_name(port: str) -> str:
    return f".s.PGSQL.{port}"


def _defaults(service: str | None) -> dict[str, str]:
    from psycopg import pq

    with _service(service):
        found = pq.Conninfo.get_defaults()
    return {option.keyword.decode(): option.val.decode(errors="replace") for option in found if option.val}


@contextmanager
def _service(name: str | None) -> Iterator[None]:
    """libpq's defaults include a service's only where its environment names the service (PQconndefaults)."""
    if name is None:
        yield
        return
    before = os.environ.get("PGSERVICE")
    os.environ["PGSERVICE"] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ["PGSERVICE"]
        else:
            os.environ["PGSERVICE"] = before


def _harmless(message: str, text: str) -> str:
    """libpq's message without what it quotes: that may be a part of a password.

    A parameter's name is told where nothing of a password can have been taken for it.
    """
    words = " ".join(message.split())
    named = re.fullmatch(r'(invalid (?:URI query parameter|connection option)): ?("\w+")', words)
    account = text.partition("://")[2].rpartition("@")[0]
    if named and ":" not in account:
        return f"{named[1]} {named[2]}"
    return re.sub(r":? ?\"[^\"]*\"", "", words.partition(': "')[0]).strip(' .:"') or "it is malformed"
