"""Where to connect, as whom, with which password: flags, environment, files, `--url` and `--conf` over each other.

For each value the first of these that says something counts: its flag; the flag `--url`; its environment
variable; the environment's GHOSTPY_URL; the file of `--conf`; its key in the configuration file; that file's url; the file of a
`conf` that the configuration file names; the default. For the password: `--ask-pass`, `--password`, `--password-file`, the flag
`--url`, GHOSTPY_PASSWORD, GHOSTPY_PASSWORD_FILE, GHOSTPY_URL, `--conf`, the configuration file's password, password-file, url and
conf, MYSQL_PWD.

For PostgreSQL libpq has the last word: below all of these stand its own environment and files (PGHOST, PGPASSWORD, services,
`.pgpass`, …), and no defaults of ours.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from ghostpy.cli.address import Address, parse_address
from ghostpy.cli.conf_file import ConfFile, read_conf_file, read_small_file
from ghostpy.cli.flag_table import FLAGS
from ghostpy.cli.flags import FlagValues, Origin
from ghostpy.cli.postgres_connection import TlsFlags, keep_to_the_primary, put_host, put_tls
from ghostpy.cli.redaction import remember_secret
from ghostpy.dialects.postgres import connection_text
from ghostpy.errors import UsageError
from ghostpy.settings import ConnectSettings, TlsSettings

_T = TypeVar("_T")
_DEFAULT_DIALECT = "mysql"
_STREAM_READERS = ("auto", "walsender", "peek")
_HIGHEST_SERVER_ID = 2**32 - 1

AskPassword = Callable[[str], str]


def ask_password(prompt: str) -> str:
    """What is typed on the terminal. Raises UsageError where nothing is."""
    try:
        return getpass.getpass(prompt)
    except EOFError:
        raise UsageError("--ask-pass: no password was typed.") from None


class Connection:
    """The layers of one call."""

    def __init__(self, values: FlagValues, environment: Mapping[str, str], ask: AskPassword) -> None:
        self._values = values
        self._environment = environment
        self._ask = ask
        self._url = parse_address(values.text("url")) if values.text("url") else Address(_DEFAULT_DIALECT)
        self._url_origin = values.origin("url")
        path = values.text("conf")
        self._conf = read_conf_file(path, environment) if path else ConfFile()
        for secret in (self._url.password, self._conf.password, values.text("password")):
            remember_secret(secret or "")
        values.notes.extend(self._conf.notes)
        if self._url.password is not None and self._url_origin is Origin.COMMAND_LINE:
            values.notes.append("--url: others may see the password in the list of processes; use --password-file.")

    @property
    def database(self) -> str:
        """The database that the URL names; on PostgreSQL also one that libpq knows by other ways."""
        if self.dialect == "postgres":
            return connection_text.place(self._libpq_parts()).database
        return self._url.database or ""

    @property
    def dialect(self) -> str:
        return self._url.dialect

    def settings(self) -> ConnectSettings:
        """Raises UsageError where the parts do not fit together."""
        return self._postgres() if self.dialect == "postgres" else self._mysql()

    def _mysql(self) -> ConnectSettings:
        values = self._values
        host = self._layered("host", values.text, self._url.host, self._conf.host)
        port = _checked_port(self._layered("port", values.whole, self._url.port, self._conf.port))
        server_id = values.whole("replica-server-id")
        if not 1 <= server_id <= _HIGHEST_SERVER_ID:
            raise UsageError(f"--replica-server-id must be between 1 and {_HIGHEST_SERVER_ID}, not {server_id}.")
        user = self._layered("user", values.text, self._url.user, self._conf.user)
        return ConnectSettings(
            dialect=self._url.dialect,
            host=host,
            port=port,
            user=user,
            password=self._password(user, host),
            unix_socket=self._unix_socket(),
            charset=_charset(self._layered("charset", values.text, self._url.charset, None)),
            tls=self._tls(),
            timeout=values.fraction("mysql-timeout"),
            replica_server_id=server_id,
            stream_reconnect_attempts=values.whole("binlogsyncer-max-reconnect-attempts"),
        )

    def _postgres(self) -> ConnectSettings:
        values, parts = self._values, self._libpq_parts()
        for secret in connection_text.secrets_of(parts):
            remember_secret(secret)
        place = connection_text.place(parts)
        settings = ConnectSettings(
            dialect=self.dialect,
            host=place.host,
            port=place.port,
            user=place.user,
            unix_socket=place.unix_socket,
            timeout=values.fraction("mysql-timeout"),
            stream_reconnect_attempts=values.whole("binlogsyncer-max-reconnect-attempts"),
            stream_reader=_stream_reader(values.text("stream-reader").lower()),
            dsn=connection_text.text_of(parts),
        )
        return replace(settings, password=self._password(place.user, settings.address))

    def _libpq_parts(self) -> dict[str, str]:
        values, url, conf = self._values, self._url, self._conf
        parts = dict(url.libpq)
        put_host(parts, self._said("host", values.text, url.host, conf.host or conf.socket))
        port = self._said("port", values.whole, url.port, conf.port)
        user = self._said("user", values.text, url.user, conf.user)
        database = values.text("database") or url.database
        given = {"port": str(_checked_port(port)) if port is not None else "", "user": user, "dbname": database}
        parts.update({name: value for name, value in given.items() if value})
        put_tls(parts, self._tls_flags(parts), self._environment)
        keep_to_the_primary(parts, self._environment)
        return parts

    def _tls_flags(self, parts: Mapping[str, str]) -> TlsFlags:
        values = self._values

        def path(name: str, parameter: str) -> str | None:
            return self._flagged(name, values.text, parts.get(parameter))

        return TlsFlags(
            ssl=self._flagged("ssl", values.switch, parts.get("sslmode")),
            allow_insecure=self._flagged("ssl-allow-insecure", values.switch, parts.get("sslmode")),
            ca=path("ssl-ca", "sslrootcert"),
            cert=path("ssl-cert", "sslcert"),
            key=path("ssl-key", "sslkey"),
        )

    def _flagged(self, name: str, read: Callable[[str], _T], in_url: object | None) -> _T | None:
        """What the flag says, unless nobody gave it or the URL's word counts for more."""
        origin = self._values.origin(name)
        if origin is Origin.DEFAULT or (in_url is not None and self._url_origin > origin):
            return None
        return read(name)

    @property
    def _conf_over_file(self) -> bool:
        """Whether the file of --conf was asked for by this call, and not by the configuration file."""
        return self._values.origin("conf") > Origin.FILE

    def _said(self, name: str, read: Callable[[str], _T], in_url: _T | None, in_conf: _T | None) -> _T | None:
        """The first that says something; None where only a default is left."""
        flagged = self._flagged(name, read, in_url)
        origin = self._url_origin if flagged is None else self._values.origin(name)
        if in_conf is not None and origin is Origin.FILE and self._conf_over_file:
            return in_conf
        return next((said for said in (flagged, in_url, in_conf) if said is not None), None)

    def _layered(self, name: str, read: Callable[[str], _T], in_url: _T | None, in_conf: _T | None) -> _T:
        said = self._said(name, read, in_url, in_conf)
        return read(name) if said is None else said

    def _password(self, user: str, place: str) -> str:
        password = self._find_password(user, place)
        remember_secret(password)
        return password

    def _find_password(self, user: str, place: str) -> str:
        values = self._values
        if values.switch("ask-pass"):
            return self._ask(f"Password of {user or 'the default user'} on {place}: ")
        for origin in (Origin.COMMAND_LINE, Origin.ENVIRONMENT, Origin.FILE):
            if origin is Origin.FILE and self._conf_over_file and self._conf.password is not None:
                return self._conf.password
            if values.origin("password") is origin:
                return values.text("password")
            if values.origin("password-file") is origin:
                return _first_line(values.text("password-file"))
            if self._url_origin is origin and self._url.password is not None:
                return self._url.password
        if self._conf.password is not None:
            return self._conf.password
        return self._environment.get("MYSQL_PWD", "") if self.dialect == "mysql" else ""

    def _unix_socket(self) -> str | None:
        if self._url.unix_socket:
            return self._url.unix_socket
        least = Origin.FILE if self._conf_over_file else Origin.DEFAULT
        flagged = self._values.origin("host") > least
        in_url = self._url.host is not None and self._url_origin > least
        named = flagged or in_url or self._conf.host not in (None, "localhost")
        return None if named else self._conf.socket

    def _tls(self) -> TlsSettings:
        values, url = self._values, self._url
        enabled = self._layered("ssl", values.switch, url.ssl, None)
        insecure = self._layered("ssl-allow-insecure", values.switch, url.ssl_allow_insecure, None)
        paths = {
            name: self._layered(f"ssl-{name}", values.text, in_url, None)
            for name, in_url in (("ca", url.ssl_ca), ("cert", url.ssl_cert), ("key", url.ssl_key))
        }
        if not enabled:
            used = [f"--ssl-{name}" for name, path in paths.items() if path]
            used += ["--ssl-allow-insecure"] if values.switch("ssl-allow-insecure") else []
            if used:
                raise UsageError(f"{', '.join(used)} can only be used with --ssl.")
        for name, path in paths.items():
            if path and not Path(path).is_file():
                raise UsageError(f"--ssl-{name}: there is no file {path}.")
        if bool(paths["cert"]) != bool(paths["key"]):
            raise UsageError("--ssl-cert and --ssl-key can only be used together.")
        ca, cert, key = (Path(path) if path else None for path in paths.values())
        return TlsSettings(enabled=enabled, ca=ca, cert=cert, key=key, allow_insecure=enabled and insecure)


def _checked_port(port: int) -> int:
    if not 1 <= port <= 65535:
        raise UsageError(f"--port must be between 1 and 65535, not {port}.")
    return port


def _stream_reader(text: str) -> str:
    if text not in _STREAM_READERS:
        raise UsageError(f"--stream-reader must be one of {', '.join(_STREAM_READERS)}, not {text!r}.")
    return text


def _first_line(path: str) -> str:
    lines = read_small_file(path, "--password-file").splitlines()
    if not lines or not lines[0]:
        raise UsageError(f"--password-file: the first line of {path} is empty.")
    return lines[0]


def _charset(preferred: str) -> str:
    """The first of a list; a collation (utf8mb4_bin) stands for its character set."""
    first = next((name.strip() for name in preferred.split(",") if name.strip()), "")
    if not first:
        first = str(FLAGS["charset"].default).split(",")[0]
    return first.partition("_")[0].lower()
