"""A server's address in one piece: `mysql://user:password@host:3306/database?ssl-mode=required`.

That of a PostgreSQL server is read by libpq itself, which knows a great many parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ghostpy.dialects.postgres.connection_text import parts_of
from ghostpy.errors import UsageError

_DIALECTS = {"mysql": "mysql", "mariadb": "mysql", "postgresql": "postgres", "postgres": "postgres"}
_PORT = 3306
_POSTGRES_SCHEME = "postgresql"
_EXAMPLE = "Write it as mysql://user@host:3306/database, with special characters as %40 (for @) and the like."


@dataclass(slots=True)
class Address:
    """What a URL says; None where it says nothing."""

    dialect: str
    host: str | None = None
    port: int | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    database: str | None = None
    unix_socket: str | None = None
    charset: str | None = None
    ssl: bool | None = None
    ssl_allow_insecure: bool | None = None
    ssl_ca: str | None = None
    ssl_cert: str | None = None
    ssl_key: str | None = None
    libpq: dict[str, str] = field(default_factory=dict, repr=False)
    """PostgreSQL: all that the URL says but for the password, by libpq's names."""


def parse_address(url: str) -> Address:
    """Take `url` apart. Raises UsageError, never with the URL in it, since that may hold a password."""
    dialect = dialect_of(url)
    if dialect == "postgres":
        return _of_postgres(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageError("--url cannot be read: host or port is malformed.", hint=_EXAMPLE) from None
    if dialect is None:
        known = ", ".join(f"{scheme}://" for scheme in _DIALECTS)
        raise UsageError(f"--url must begin with one of {known}.", hint=_EXAMPLE)
    if parts.fragment or parts.path.strip("/").count("/"):
        raise UsageError("--url has more behind the host than a database's name.", hint=_EXAMPLE)
    address = Address(
        dialect=dialect,
        host=_decoded(parts.hostname),
        port=port if port is not None or parts.hostname is None else _PORT,
        user=_decoded(parts.username),
        password=_decoded(parts.password),
        database=_decoded(parts.path.strip("/") or None),
    )
    _read_parameters(parts, address)
    return address


def dialect_of(url: str) -> str | None:
    """Which kind of server `url` leads to; None where its beginning is not known."""
    return _DIALECTS.get(url.partition(":")[0].lower())


def _of_postgres(url: str) -> Address:
    parts = parts_of(f"{_POSTGRES_SCHEME}:{url.partition(':')[2]}", "--url")
    port = parts.get("port", "")
    return Address(
        dialect="postgres",
        host=parts.get("host"),
        port=int(port) if port.isascii() and port.isdecimal() else None,
        user=parts.get("user"),
        password=parts.pop("password", None),
        database=parts.get("dbname"),
        libpq=parts,
    )


def _decoded(text: str | None) -> str | None:
    return unquote(text) if text else None


def _read_parameters(parts: SplitResult, address: Address) -> None:
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        read = _PARAMETERS.get(name.lower().replace("_", "-"))
        if read is None:
            # Not named: where a password holds an unescaped `?`, this is its end.
            raise UsageError("--url has a parameter that is not known.", hint=f"Known are {', '.join(_PARAMETERS)}.")
        read(address, value)


def _read_ssl_mode(address: Address, value: str) -> None:
    mode = value.lower().replace("_", "-")
    if mode in ("disabled", "disable"):
        address.ssl = False
    elif mode in ("required", "require"):
        # As in MySQL's and PostgreSQL's own clients: encrypted, but to whom is not looked at.
        address.ssl, address.ssl_allow_insecure = True, True
    elif mode in ("verify-ca", "verify-identity", "verify-full"):
        address.ssl, address.ssl_allow_insecure = True, False
    else:
        raise UsageError(
            f"--url: ssl-mode={value} is not supported.",
            hint="Use disabled, required or verify-identity; there is no silent way back to plain text.",
        )


def _attribute(name: str) -> Callable[[Address, str], None]:
    def read(address: Address, value: str) -> None:
        setattr(address, name, value)

    return read


_PARAMETERS: Mapping[str, Callable[[Address, str], None]] = {
    "ssl-mode": _read_ssl_mode,
    "sslmode": _read_ssl_mode,
    "ssl-ca": _attribute("ssl_ca"),
    "sslrootcert": _attribute("ssl_ca"),
    "ssl-cert": _attribute("ssl_cert"),
    "sslcert": _attribute("ssl_cert"),
    "ssl-key": _attribute("ssl_key"),
    "sslkey": _attribute("ssl_key"),
    "charset": _attribute("charset"),
    "socket": _attribute("unix_socket"),
}
