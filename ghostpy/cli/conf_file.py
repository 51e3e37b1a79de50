"""The file of `--conf`: credentials in the form that MySQL's clients and gh-ost know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ghostpy.errors import UsageError

_SECTION = re.compile(r"\[\s*([^\]]*?)\s*\]")
_FROM_ENVIRONMENT = re.compile(r"\$\{(.*)\}", re.DOTALL)
_QUOTED = re.compile(r"""(["'])(.*)\1\s*(?:[#;].*)?""")
_COMMENT = re.compile(r"(?:^|\s+)[#;].*$")


@dataclass(slots=True)
class ConfFile:
    """What the section [client] says; None where it says nothing."""

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    host: str | None = None
    port: int | None = None
    socket: str | None = None
    notes: list[str] = field(default_factory=list)


def read_conf_file(path: str, environment: Mapping[str, str]) -> ConfFile:
    """Read the file at `path`. Raises UsageError, never with a value of the file in it."""
    sections = _sections(path, read_small_file(path, "--conf"))
    conf = ConfFile()
    client = sections.get("client", {})
    for name, value in client.items():
        match = _FROM_ENVIRONMENT.fullmatch(value)
        if match:
            value = environment.get(match[1], "")
            if match[1] not in environment:
                raise UsageError(f"--conf {path}: {name} is to come from the variable {match[1]}, which is not set.")
        if name in ("user", "password", "host", "socket"):
            setattr(conf, name, value)
        elif name == "port":
            if not value.isascii() or not value.isdecimal():
                raise UsageError(f"--conf {path}: port is not a number.")
            conf.port = int(value)
    if "osc" in sections:
        conf.notes.append(f"--conf {path}: the section [osc] is not used, nor is it by gh-ost.")
    return conf


def read_small_file(path: str, what: str) -> str:
    """The text of the file at `path`. Raises UsageError, naming the flag `what`."""
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{what}: {path} is not a text file in UTF-8.") from None
    except OSError as error:
        raise UsageError(f"{what}: {path} cannot be read ({error.strerror}).") from None


def _sections(path: str, text: str) -> dict[str, dict[str, str]]:
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line[0] in "#;!":  # `!include` belongs to MySQL's own clients.
            continue
        header = _SECTION.match(line)
        if header:
            current = sections.setdefault(header[1].lower(), {})
            continue
        if current is None:
            raise UsageError(f"--conf {path}: line {number} stands before the first [section].")
        name, _, value = line.partition("=")
        current[name.strip().lower().replace("_", "-")] = _value(value.strip())
    return sections


def _value(text: str) -> str:
    """A value without quotes and comment; that needs a space before it, since passwords may hold a `#`."""
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        return re.sub(r'\\(["\\])', r"\1", quoted[2]) if quoted[1] == '"' else quoted[2]
    return _COMMENT.sub("", text)
