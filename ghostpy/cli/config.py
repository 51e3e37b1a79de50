"""`ghostpy config`: every setting of a call of `ghostpy migrate` with the place that it comes from. Nothing is sent to a server."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from ghostpy.cli.address import dialect_of
from ghostpy.cli.config_file import usual_places
from ghostpy.cli.connection import Connection
from ghostpy.cli.console import table_console
from ghostpy.cli.dialect_flags import as_on
from ghostpy.cli.flag import Flag, Status
from ghostpy.cli.flag_table import GROUPS
from ghostpy.cli.flags import FlagValues, Origin, check_flags, read_flags
from ghostpy.cli.redaction import redact
from ghostpy.cli.secret_text import MASK, masked

_USAGE = """\
Usage: ghostpy config [--json] [flags of migrate]

Shows each setting of a run with the place that it comes from: the flags given here over the environment
(GHOSTPY_…), that over the configuration file, and that over the defaults. Passwords are not shown. Nothing is sent to
a server. The exit code is 2 where the settings cannot be used like this.
"""
_NAMES = {
    Origin.DEFAULT: "default",
    Origin.FILE: "file",
    Origin.ENVIRONMENT: "environment",
    Origin.COMMAND_LINE: "command line",
}
_JSON = ("--json", "-json")
_NOT_SHOWN = ("help", "version", "check-flag")


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code. Raises UsageError where the settings cannot be used."""
    values = read_flags([each for each in argv if each not in _JSON], os.environ, usual_places(os.environ))
    if values.switch("help"):
        print(_USAGE, end="")
        return 0
    connection = Connection(values, os.environ, lambda prompt: "")
    if any(each in _JSON for each in argv):
        print(redact(json.dumps(_as_json(values), indent=2, ensure_ascii=False)))
    else:
        _show(values)
    check_flags(values)
    settings = connection.settings()
    if not any(each in _JSON for each in argv):
        password = "with a password" if settings.password else "without a password"
        print(f"These lead to {settings.address} as {settings.user or 'the default user'}, {password}.")
        for note in values.notes:
            print(f"Note: {note}")
    return 0


def _shown(values: FlagValues) -> Iterator[tuple[str, Sequence[Flag]]]:
    """The groups, with the flags that have something to say."""
    dialect = dialect_of(values.text("url")) or "mysql"
    for group in GROUPS:
        flags = [
            flag
            for flag in group.flags
            if flag.name not in _NOT_SHOWN and (as_on(flag, dialect).status is Status.WORKS or values.given(flag.name))
        ]
        if flags:
            yield group.title, flags


def _safe(flag: Flag, value: Any) -> Any:
    """What can be shown of a value."""
    if flag.secret:
        return MASK if value else value
    if isinstance(value, tuple):
        return [masked(each) for each in value]
    return masked(value) if isinstance(value, str) else value


def _as_json(values: FlagValues) -> Mapping[str, Any]:
    settings = {
        flag.name: {
            "value": _safe(flag, values.value(flag.name)),
            "origin": _NAMES[values.origin(flag.name)],
            "place": values.place(flag.name),
        }
        for _, flags in _shown(values)
        for flag in flags
    }
    return {"file": values.file or None, "settings": settings}


def _show(values: FlagValues) -> None:
    table = Table(show_lines=False, title=f"Configuration file: {values.file or 'none'}", title_justify="left")
    for heading in ("Setting", "Value", "From"):
        table.add_column(heading, overflow="fold")
    for title, flags in _shown(values):
        table.add_section()
        table.add_row(Text(title, "bold"))
        for flag in flags:
            origin, place = values.origin(flag.name), values.place(flag.name)
            style = "dim" if origin is Origin.DEFAULT else ""
            named = origin is Origin.DEFAULT or origin is Origin.COMMAND_LINE
            where = _NAMES[origin] if named else f"{_NAMES[origin]}: {place}"
            text = redact(_text(_safe(flag, values.value(flag.name))))
            table.add_row(*(Text(cell, style) for cell in (flag.name, text, where)))
    console = table_console()
    console.print(table)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "; ".join(value) if isinstance(value, list) else str(value)
