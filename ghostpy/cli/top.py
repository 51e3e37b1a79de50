"""`ghostpy top`: the runs on this host, live."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from ghostpy.cli.console import table_console
from ghostpy.cli.own_parser import OwnParser
from ghostpy.cli.runs_table import runs_table, seen_runs
from ghostpy.errors import UsageError

_USAGE = """\
Usage: ghostpy top [--once] [--interval=SECONDS]

Shows the runs on this host and what each of them does, anew every second, until Ctrl-C. --once: prints that once.
"""
_HINT = "See `ghostpy top --help`."


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code."""
    if "--help" in argv or "-h" in argv:
        print(_USAGE, end="")
        return 0
    parser = OwnParser("top")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--interval", default="1")
    own = parser.alone(argv)
    interval = _interval(own.interval)
    console = table_console()
    if own.once:
        console.print(_shown())
        return 0
    with suppress(KeyboardInterrupt), Live(_shown(), console=console, screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(interval)
            live.update(_shown(), refresh=True)
    return 0


def _shown() -> RenderableType:
    runs = seen_runs()
    head = Text(f"{len(runs)} runs, {time.strftime('%H:%M:%S')}")
    return Group(head, runs_table(runs, wide=True)) if runs else Text("There is no run under way on this host.")


def _interval(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 3600:
        raise UsageError(f"--interval must be a number of seconds from 0.1 to 3600, not {text!r}.", hint=_HINT)
    return seconds
