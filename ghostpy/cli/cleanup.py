"""`ghostpy cleanup`: what dead runs have left in a database, and its removal."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from ghostpy.cli.connection import Connection
from ghostpy.cli.flag import Status
from ghostpy.cli.flag_table import CONNECTION
from ghostpy.cli.flags import FlagValues, Origin, check_flags, read_flags
from ghostpy.dialects import leftovers_of
from ghostpy.errors import UsageError
from ghostpy.model.leftover import Leftover
from ghostpy.settings import ConnectSettings

_USAGE = """\
Usage: ghostpy cleanup --url postgresql://… [--execute]

Lists what runs have made in a PostgreSQL database and have left there: replication slots, publications, and
schemas with a new table. --execute removes what is left of dead runs. Old tables are only listed.

The connection's flags are those of `ghostpy migrate`: {flags}.
"""
_HINT = "See `ghostpy cleanup --help`."
_OTHERS = ("database", "execute", "help", "debug", "stack", "verbose", "quiet")


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code. Raises GhostpyError where it fails."""
    values = read_flags(argv, os.environ)
    if values.switch("help"):
        flags = ", ".join(flag.spelled for flag in CONNECTION if flag.status is Status.WORKS)
        print(_USAGE.format(flags=flags), end="")
        return 0
    _check(values)
    settings = Connection(values, os.environ, getpass.getpass).settings()
    asyncio.run(_clean(settings, Console(highlight=False), execute=values.switch("execute")))
    return 0


def _check(values: FlagValues) -> None:
    known = {flag.name for flag in CONNECTION} | set(_OTHERS)
    wrong = [name for name in values.names() if name not in known and values.origin(name) is Origin.COMMAND_LINE]
    if wrong:
        mean = "means" if len(wrong) == 1 else "mean"
        raise UsageError(f"{', '.join(f'--{name}' for name in wrong)} {mean} nothing to cleanup.", hint=_HINT)
    check_flags(values)


async def _clean(settings: ConnectSettings, console: Console, *, execute: bool) -> None:
    async with leftovers_of(settings) as leftovers:
        found = await leftovers.find()
        removed: set[Leftover] = set()
        try:
            for leftover in found:
                if execute and not (leftover.alive or leftover.kept):
                    await leftovers.remove(leftover)
                    removed.add(leftover)
        finally:
            _show(console, settings, found, removed, execute=execute)


def _show(
    console: Console, settings: ConnectSettings, found: Sequence[Leftover], removed: set[Leftover], *, execute: bool
) -> None:
    if not found:
        console.print(f"Nothing of ghostpy's is left in the database on {settings.address}.", markup=False)
        return
    table = Table(show_lines=False)
    for heading in ("What", "Name", "Of", "State"):
        table.add_column(heading, overflow="fold")
    for leftover in found:
        table.add_row(leftover.kind, leftover.name, leftover.of, _state(leftover, removed))
    console.print(table)
    dead = [leftover for leftover in found if not (leftover.alive or leftover.kept)]
    if dead and not execute:
        console.print("Nothing was removed. To remove what is left of dead runs, add --execute.")


def _state(leftover: Leftover, removed: set[Leftover]) -> str:
    if leftover in removed:
        return "removed"
    if leftover.kept:
        return "holds an old table: yours to drop"
    return "in use by a run" if leftover.alive else "left by a dead run"
