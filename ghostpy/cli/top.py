"""`ghostpy top`: the runs on this host, live."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from ghostpy.cli.console import table_console
from ghostpy.cli.own_parser import OwnParser
from ghostpy.cli.runs_table import runs_table, seen_runs
from ghostpy.errors import UsageError

_USAGE = """\
Usage: ghostpy top [--once] [--interval=SECONDS]

Shows the runs on this host and what each of them does, anew every second, until q or Ctrl-C. --once: prints that once.
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
    with (
        suppress(KeyboardInterrupt),
        _keys() as quit_within,
        Live(_shown(), console=console, screen=True, auto_refresh=False) as live,
    ):
        live.refresh()
        while not quit_within(interval):
            live.update(_shown(), refresh=True)
    return 0


@contextmanager
def _keys() -> Iterator[Callable[[float], bool]]:
    """Gives a wait of so many seconds, which is over at once, and true, where somebody types q."""
    if not sys.stdin.isatty():
        yield _slept
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    try:
        yield lambda seconds: _typed_q(terminal, seconds)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _slept(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _typed_q(terminal: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        ready, _, _ = select.select([terminal], [], [], left)
        if ready:
            typed = os.read(terminal, 100)
            if not typed:
                return _slept(left)  # the terminal is gone, but nobody has said that this is to end
            if b"q" in typed.lower():
                return True
    return False


def _shown() -> RenderableType:
    runs = seen_runs()
    head = Text(f"{len(runs)} {'run' if len(runs) == 1 else 'runs'}, {time.strftime('%H:%M:%S')}")
    return Group(head, runs_table(runs, wide=True)) if runs else Text("There is no run under way on this host.")


def _interval(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 3600:
        raise UsageError(f"--interval must be a number of seconds from 0.1 to 3600, not {text!r}.", hint=_HINT)
    return seconds
