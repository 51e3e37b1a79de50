"""Where other tools' settings lead to, as ours. Pure; a password never goes into a URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from ghostpy.errors import UsageError

_HINT = "Say by `url` where to connect, with user and password in it or as `user` and `password`."
_SSL = {"ssl_ca": "ssl_ca", "ssl_cert": "ssl_cert", "ssl_key": "ssl_key"}


def of_mysql(
    *, host: str, port: int | None, user: str, password: str, database: str, options: Mapping[str, object]
) -> dict[str, Any]:
    """Settings, `url` among them. `options`: of the driver; those that are not about the way to the server are left out.

    Raises UsageError at an option about TLS that is not known: no connection is made with less of it than is asked for.
    """
    parameters, found = {}, {"user": user, "password": password, "database": database}
    nested = options.get("ssl")
    flat = {
        **options,
        **({f"ssl_{name}": value for name, value in nested.items()} if isinstance(nested, Mapping) else {}),
    }
    if isinstance(nested, Mapping):
        del flat["ssl"]
    for name, value in flat.items():
        if name == "unix_socket":
            parameters["socket"] = str(value)
        elif name == "read_default_file":
            found["conf"] = str(value)
        elif name in _SSL:
            found[_SSL[name]] = str(value)
        elif name == "ssl_mode":
            parameters["ssl-mode"] = str(value)
        elif name.startswith("ssl"):
            raise UsageError(f"The option {name} of the connection has no counterpart in ghostpy.", hint=_HINT)
    if host.startswith("/"):
        parameters["socket"] = host
    elif host:
        found["host"] = host
    where: dict[str, Any] = {name: value for name, value in found.items() if value}
    if any(name in where for name in _SSL.values()):
        where["ssl"] = True
    return {"url": _url("mysql", parameters), **where, **({"port": port} if port else {})}


def of_postgres(
    *, host: str, port: int | None, user: str, password: str, database: str, options: Mapping[str, object]
) -> dict[str, Any]:
    """The same. `options`: parameters of libpq."""
    found: dict[str, Any] = {"host": host, "user": user, "password": password, "database": database, "port": port}
    parameters = {name: str(value) for name, value in options.items() if value is not None}
    return {"url": _url("postgresql", parameters), **{name: value for name, value in found.items() if value}}


def _url(scheme: str, parameters: Mapping[str, str]) -> str:
    return f"{scheme}://?{urlencode(parameters, quote_via=quote)}" if parameters else f"{scheme}://"


def statement(table: str, alter: str) -> str:
    """The change as a plain statement, without a semicolon at its end. `table`: quoted."""
    text = alter.strip().rstrip(";").rstrip()
    return text if text.upper().split()[:2] == ["ALTER", "TABLE"] else f"ALTER TABLE {table} {text}"


NOT_IN_SQL = ("desired", "transform", "where", "rename_column", "skip_renamed_columns")
"""Settings by which the rows become others than a plain ALTER would make them, or which stand in its place."""


def plain_statement(table: str, alter: str, settings: Mapping[str, object]) -> str:
    """`statement`. Raises UsageError where it would not do the same."""
    if used := [name for name in NOT_IN_SQL if settings.get(name)]:
        raise UsageError(
            f"The change of {table} cannot be written as an ALTER TABLE: it has {', '.join(used)}.",
            hint="Run this migration against the database instead.",
        )
    return statement(table, alter)
