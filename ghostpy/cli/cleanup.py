"""`ghostpy cleanup`: what dead runs have left in a database and on this host, and its removal."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ghostpy.cli.config_file import usual_places
from ghostpy.cli.connection import Connection, ask_password
from ghostpy.cli.console import table_console
from ghostpy.cli.flag import Status
from ghostpy.cli.flag_table import CONNECTION
from ghostpy.cli.flags import read_flags
from ghostpy.cli.known_flags import check_known
from ghostpy.cli.own_parser import OwnParser
from ghostpy.control.places import dead_places, remove_place
from ghostpy.dialects import leftovers_of
from ghostpy.errors import UsageError
from ghostpy.model.leftover import Leftover
from ghostpy.observe.figures import go_duration, size
from ghostpy.protocols import Leftovers
from ghostpy.settings import ConnectSettings

_USAGE = """\
Usage: ghostpy cleanup --url mysql://… | postgresql://… [--execute] [--old-tables NAME]

Lists what runs have made on a server (PostgreSQL: in a database) and have left there: new tables, ledgers, empty
clones, replication slots and publications; and control sockets on this host that nobody listens on. Each with the
table, host and process of its run, its size, when the run was last seen, and whether it is under way.

--execute removes what is left of dead runs, also of those that the same command would go on with. Old tables hold
rows of yours: they go only where they are named, as they are listed: --old-tables NAME, which may be repeated.

The connection's flags are those of `ghostpy migrate`: {flags}.
"""
_HINT = "See `ghostpy cleanup --help`."
_SOCKET = "control socket"


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code. Raises GhostpyError where it fails."""
    own, rest = _parser().parse_known_args(argv)
    values = read_flags(rest, os.environ, usual_places(os.environ))
    if values.switch("help"):
        flags = ", ".join(flag.spelled for flag in CONNECTION if flag.status is Status.WORKS)
        print(_USAGE.format(flags=flags), end="")
        return 0
    check_known(values, ("database", "execute"), "cleanup")
    settings = Connection(values, os.environ, ask_password).settings()
    asyncio.run(_clean(settings, table_console(), execute=values.switch("execute"), named=own.old_tables))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = OwnParser("cleanup")
    parser.add_argument("--old-tables", action="append", default=[], metavar="NAME")
    return parser


async def _clean(settings: ConnectSettings, console: Console, *, execute: bool, named: Sequence[str]) -> None:
    async with leftovers_of(settings) as leftovers:
        found = [*await leftovers.find(), *_sockets()]
        _check_named(named, found)
        removed: set[Leftover] = set()
        try:
            for leftover in found:
                wanted = execute and not leftover.alive and (leftover.name in named or not leftover.kept)
                if wanted and await _removed(leftovers, leftover):
                    removed.add(leftover)
        finally:
            _show(console, settings, found, removed, named, execute=execute)


def _check_named(named: Sequence[str], found: Sequence[Leftover]) -> None:
    """Before anything is removed: a name that is wrong may be meant for another server."""
    old = [leftover.name for leftover in found if leftover.kept]
    for name in named:
        if name not in old:
            there = f"There are {', '.join(old)}." if old else "There are none."
            raise UsageError(f"--old-tables: no old table of a run is called {name}. {there}", hint=_HINT)


def _sockets() -> Sequence[Leftover]:
    return [
        Leftover(
            _SOCKET,
            str(place.path),
            place.table,
            alive=False,
            moment=datetime.fromtimestamp(made, UTC),
            moment_is="made",
        )
        for place, made in dead_places()
    ]


async def _removed(leftovers: Leftovers, leftover: Leftover) -> bool:
    if leftover.kind == _SOCKET:
        return remove_place(Path(leftover.name))
    await leftovers.remove(leftover, named=leftover.kept)
    return True


def _show(
    console: Console,
    settings: ConnectSettings,
    found: Sequence[Leftover],
    removed: set[Leftover],
    named: Sequence[str],
    *,
    execute: bool,
) -> None:
    if not found:
        console.print(f"Nothing of ghostpy's is left on {settings.address}.", markup=False)
        return
    table = Table(show_lines=False)
    for heading in ("What", "Name", "Of", "Size", "When", "Run", "State"):
        table.add_column(heading, overflow="fold")
    for each in found:
        amount = "" if each.size is None else size(each.size)
        cells = (each.kind, each.name, each.of, amount, _when(each), each.run, _state(each, removed))
        table.add_row(*map(Text, cells))  # names are not markup
    console.print(table)
    if not execute and any(not each.alive and (not each.kept or each.name in named) for each in found):
        console.print("Nothing was removed. To remove what is left of dead runs, add --execute.")


def _when(leftover: Leftover) -> str:
    if leftover.moment is None:
        return ""
    ago = (datetime.now(UTC) - leftover.moment).total_seconds()
    return f"{leftover.moment_is} {leftover.moment:%Y-%m-%d %H:%M:%S %Z} ({go_duration(ago)} ago)"


def _state(leftover: Leftover, removed: set[Leftover]) -> str:
    if leftover in removed:
        return "removed"
    if leftover.kind.endswith("scripts"):
        return "keeps `ghostpy apply` from doing a script twice: yours to drop, or by --old-tables"
    if leftover.kept:
        return "holds an old table: yours to drop, or by --old-tables"
    if leftover.alive and leftover.kind.endswith("expansion"):
        return "stands until `ghostpy contract` or `ghostpy rollback`"
    if leftover.alive:
        return "in use by a run"
    if leftover.kind.endswith("revert"):
        return "kept for `ghostpy revert`, which cannot be without it"
    if leftover.kind.endswith("contraction"):
        return "kept for `ghostpy rollback`, which cannot be without it"
    if leftover.kind.endswith("backfill"):
        return "left by a dead run; the same command goes on with it, and without it would update all rows again"
    return "left by a dead run" + ("; the same command goes on with it" if leftover.resumable else "")
