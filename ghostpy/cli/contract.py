"""`ghostpy contract`: remove the old columns of an expanded table, once nobody uses them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ghostpy.assembly.expanding import contract
from ghostpy.cli.expansion_call import call
from ghostpy.cli.own_parser import OwnParser
from ghostpy.errors import UsageError
from ghostpy.settings import ExpandSettings

_USAGE = """\
Usage: ghostpy contract --url … --table TABLE [--watch-seconds N] [--allow-unproven] [--execute] [flags]

Looks whether anybody uses the old columns of an expanded table: definitions, statements, and writes within the time that it watches. If nobody
does, removes the triggers and these columns, and sets NOT NULL where --add asked for it. Without --execute it looks only. See docs/expand.md.

  --watch-seconds N         for how long to watch (60); 0: not at all, which proves nothing
  --allow-unproven          go on where that nobody uses them cannot be proven, or statements only seem to
  --execute                 do it
  --format text|json        how to show the plan

Exit codes are those of ghostpy migrate.
"""


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code. Raises GhostpyError where it fails."""
    parser = OwnParser("contract")
    parser.add_argument("--watch-seconds", type=float, default=ExpandSettings().watch_seconds)
    parser.add_argument("--allow-unproven", action="store_true")
    return call(argv, "contract", _USAGE, contract, parser, _wish)


def _wish(own: Any, _: str) -> ExpandSettings:
    if not 0 <= own.watch_seconds < math.inf:
        raise UsageError(
            f"--watch-seconds must be 0 or more, not {own.watch_seconds}.", hint="See `ghostpy contract --help`."
        )
    return ExpandSettings(watch_seconds=own.watch_seconds, allow_unproven=own.allow_unproven)
