"""`ghostpy list`: the runs on this host."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ghostpy.cli.console import table_console
from ghostpy.cli.own_parser import OwnParser
from ghostpy.cli.runs_table import runs_table, seen_runs

_USAGE = """\
Usage: ghostpy list [--json]

Shows the runs under way on this host whose sockets this user may use, and sockets that nobody listens on any more.
"""


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code."""
    if "--help" in argv or "-h" in argv:
        print(_USAGE, end="")
        return 0
    parser = OwnParser("list")
    parser.add_argument("--json", action="store_true")
    own = parser.alone(argv)
    runs = seen_runs()
    if own.json:
        print(
            json.dumps([{"socket": str(each.place.path), "alive": each.place.alive, **each.figures} for each in runs])
        )
        return 0
    console = table_console()
    if runs:
        console.print(runs_table(runs))
    else:
        console.print("There is no run under way on this host.")
    return 0
