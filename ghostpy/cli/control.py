"""`ghostpy control`: say a command to a run under way on this host."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ghostpy.cli.address import Address, parse_address
from ghostpy.cli.own_parser import OwnParser
from ghostpy.control.client import asked
from ghostpy.control.commands import help_text, known, parsed
from ghostpy.control.places import all_places
from ghostpy.errors import UsageError

_USAGE = """\
Usage: ghostpy control [--socket PATH | [--url URL | --database NAME] [--table [SCHEMA.]TABLE]] COMMAND

Says one command to a run under way, and prints its answer. The socket is found by itself where there is one run on
this host, or one of that table in that database; `ghostpy list` shows them all. Commands of a run:

"""
_HINT = "See `ghostpy control --help`."
_PROFILE_WITHIN = 400.0


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code. Raises GhostpyError where it fails."""
    if not argv or "--help" in argv or "-h" in argv:
        print(_USAGE + "\n".join(f"  {line}" for line in help_text().splitlines()[1:]))
        return 0 if argv else UsageError.exit_code
    own = _parser().alone(argv)
    line = " ".join(own.command)
    name, _ = parsed(line)
    if not known(name):
        raise UsageError(f"There is no command {name!r}.", hint=_HINT)
    path = Path(own.socket) if own.socket else _found(own.table, own.database, own.url)
    answer = asked(path, line, within=_PROFILE_WITHIN if name == "cpu-profile" else 30.0)
    print(answer, end="")
    return 0


def _parser() -> OwnParser:
    parser = OwnParser("control")
    for name in ("socket", "table", "database", "url"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    return parser


def _found(table: str, database: str, url: str) -> Path:
    """The socket of the one run on this host that all of this is true of; what is empty is true of each."""
    address = parse_address(url) if url else Address(dialect="")
    server = f"{address.host}:{address.port}" if address.host and address.port else ""
    database = database or address.database or ""
    places = [place for place in all_places() if place.alive and place.is_of(table, database, server)]
    if not places:
        said = (("of", table), ("in", database), ("on", server))
        what = "".join(f" {word} {name}" for word, name in said if name)
        raise UsageError(
            f"There is no run{what} under way on this host.",
            hint="`ghostpy list` shows the runs, each with its server as it was named to it.",
        )
    if len(places) > 1:
        raise UsageError(
            f"There are several runs: {', '.join(f'{place.table} ({place.path})' for place in places)}.",
            hint="Say which one: --table with --url or --database, or --socket.",
        )
    return places[0].path
