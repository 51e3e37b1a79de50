"""What flags, environment and files say, as libpq's parameters; what they leave out, libpq finds by its own rules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from ghostpy.errors import UsageError

_ENCRYPTED = ("require", "verify-ca", "verify-full")
_ROOT_FILE = ".postgresql/root.crt"


class TlsFlags(Struct, frozen=True):
    """The flags --ssl…; None where nothing was said, or where a URL that wins says something."""

    ssl: bool | None
    allow_insecure: bool | None
    ca: str | None
    cert: str | None
    key: str | None


def put_host(parts: dict[str, str], host: str | None) -> None:
    """Have `host` stand in the place of what a URL says."""
    if host is not None and host != parts.get("host"):
        parts.pop("hostaddr", None)
        if "," in parts.get("port", ""):  # a port for each of the hosts that are gone
            del parts["port"]
        parts["host"] = host


def keep_to_the_primary(parts: dict[str, str], environment: Mapping[str, str]) -> None:
    """Of several hosts, all sessions of a run must be on the same one, unless the user knows better."""
    hosts = parts.get("host") or parts.get("hostaddr") or environment.get("PGHOST", "")
    if "," in hosts and not environment.get("PGTARGETSESSIONATTRS"):
        parts.setdefault("target_session_attrs", "primary")


def put_tls(parts: dict[str, str], flags: TlsFlags, environment: Mapping[str, str]) -> None:
    """The flags, as libpq's parameters. Raises UsageError where they do not fit together."""
    if flags.ssl is not None:
        parts["sslmode"] = _mode(parts, flags)
    files = {"--ssl-ca": flags.ca, "--ssl-cert": flags.cert, "--ssl-key": flags.key}
    used = [name for name, path in files.items() if path] + ["--ssl-allow-insecure"] * bool(flags.allow_insecure)
    if used and (parts.get("sslmode") or environment.get("PGSSLMODE", "")) not in _ENCRYPTED:
        raise UsageError(f"{', '.join(used)} can only be used with --ssl, or with an sslmode that always encrypts.")
    for name, path in files.items():
        if path and not Path(path).is_file():
            raise UsageError(f"{name}: there is no file {path}.")
    if bool(flags.cert) != bool(flags.key):
        raise UsageError("--ssl-cert and --ssl-key can only be used together.")
    named = {"sslrootcert": flags.ca, "sslcert": flags.cert, "sslkey": flags.key}
    parts.update({name: path for name, path in named.items() if path})
    if flags.allow_insecure:
        # With a root certificate, libpq would check by it even in this mode ("SSL Support").
        parts["sslmode"] = "require"
        parts.pop("sslrootcert", None)
    elif flags.ssl and not _has_root(parts, environment):
        parts["sslrootcert"] = "system"


def _mode(parts: Mapping[str, str], flags: TlsFlags) -> str:
    if not flags.ssl:
        return "disable"
    # A URL that asks for verify-ca means it: the server's name is not to be looked at.
    return "verify-ca" if parts.get("sslmode") == "verify-ca" else "verify-full"


def _has_root(parts: Mapping[str, str], environment: Mapping[str, str]) -> bool:
    home = environment.get("HOME")
    return bool(
        parts.get("sslrootcert") or environment.get("PGSSLROOTCERT") or (home and (Path(home) / _ROOT_FILE).is_file())
    )
