"""`ghostpy expand`: new columns beside old ones, and both kept in step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ghostpy.assembly.expanding import expand
from ghostpy.cli.expansion_call import added, call, pairs
from ghostpy.cli.own_parser import OwnParser
from ghostpy.errors import UsageError
from ghostpy.settings import ExpandSettings

_USAGE = """\
Usage: ghostpy expand --url … --table TABLE --add "column type" --up "new = SQL" --down "old = SQL" [--execute] [flags]

Adds new columns, keeps them in step with old ones both ways, by triggers, while two versions of an application overlap, fills the rows that
there are, chunk by chunk, and compares all of them. Without --execute: says what would be done, and whether all rows fit; nothing is changed.
Then `ghostpy contract` removes the old columns, or `ghostpy rollback` the new ones. See docs/expand.md.

  --add "COLUMN TYPE"       a new column; NOT NULL in it waits for the contraction. May be repeated
  --up "COLUMN = SQL"       what a new column is computed from, over old columns; once for each new column
  --down "COLUMN = SQL"     what an old column is computed from, over new columns; once for each old column
  --execute                 do it
  --format text|json        how to show the plan

Exit codes are those of ghostpy migrate.
"""


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code. Raises GhostpyError where it fails."""
    parser = OwnParser("expand")
    for flag in ("--add", "--up", "--down"):
        parser.add_argument(flag, action="append", default=[])
    return call(argv, "expand", _USAGE, expand, parser, _wish)


def _wish(own: Any, dialect: str) -> ExpandSettings:
    missing = [flag for flag, value in (("--add", own.add), ("--up", own.up), ("--down", own.down)) if not value]
    if missing:
        raise UsageError(f"{' and '.join(missing)} must be given.", hint="See `ghostpy expand --help`.")
    return ExpandSettings(
        added=added(own.add, dialect), up=pairs(own.up, dialect, "--up"), down=pairs(own.down, dialect, "--down")
    )
