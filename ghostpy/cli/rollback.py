"""`ghostpy rollback`: take an expansion back, or make the old columns again after its contraction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ghostpy.assembly.expanding import rollback
from ghostpy.cli.expansion_call import call
from ghostpy.cli.own_parser import OwnParser
from ghostpy.settings import ExpandSettings

_USAGE = """\
Usage: ghostpy rollback --url … --table TABLE [--allow-unproven] [--undo] [--execute] [flags]

Of an expanded table: removes triggers and new columns; what was written to them is kept in the old ones, as --down gave it. Of a contracted
one: adds the old columns again, fills them by --down, and keeps both sides in step; then `ghostpy contract` removes the new ones. Without --execute: says what would be done and lost; nothing is changed. See docs/expand.md.

  --allow-unproven          go on where rows are out of step, whose new columns would be lost
  --undo                    take back what a rollback after a contraction has made: remove the old columns again
  --execute                 do it
  --format text|json        how to show the plan

Exit codes are those of ghostpy migrate.
"""


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code. Raises GhostpyError where it fails."""
    parser = OwnParser("rollback")
    parser.add_argument("--allow-unproven", action="store_true")
    parser.add_argument("--undo", action="store_true")
    return call(argv, "rollback", _USAGE, rollback, parser, _wish)


def _wish(own: Any, _: str) -> ExpandSettings:
    return ExpandSettings(allow_unproven=own.allow_unproven, undo=own.undo)
