"""Where tables are printed: as wide as the terminal; elsewhere, for grep and awk, as wide as they are."""

from __future__ import annotations

from rich.console import Console

_WIDE = 1000


def table_console() -> Console:
    """A console on stdout that cuts and folds nothing where it is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDE)
