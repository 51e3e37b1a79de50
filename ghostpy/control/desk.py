"""What an operator's commands work on: one run's parts, and what it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from ghostpy.control.steering import Steering
from ghostpy.model.progress import Progress
from ghostpy.observe.status_line import RunFacts, hint_lines, status_line


class Refused(Exception):
    """A command that is not carried out; the text is the answer."""


class Kind(Struct, frozen=True):
    """What sort of run it is. `without`: commands that mean nothing to it, and why; `panic`: what is said at that command."""

    name: str
    panic: str
    panic_hint: str | None = None
    without: Mapping[str, str] = field(default_factory=dict)


MIGRATION = Kind(
    "migration",
    "user commanded 'panic'. The migration will be aborted without cleanup. "
    "Please drop the gh-ost tables before trying again",
)
_NO_EXCHANGE = "it exchanges no tables"
_NO_STREAM = "it follows no changes"
BACKFILL = Kind(
    "backfill",
    "user commanded 'panic'. The backfill ends at once. Leave its ledger alone: the same command goes on by it",
    "Run the same command again.",
    {
        "coordinates": _NO_STREAM,
        "dml-batch-size": _NO_STREAM,
        "workers": "its chunks go one after the other",
        "postpone-cut-over-flag-file": _NO_EXCHANGE,
        "unpostpone": _NO_EXCHANGE,
        "verify": "it makes no second table",
        "revert": _NO_EXCHANGE,
        "abort": "rows that are updated stay so, and without the ledger nobody would know which; say `stop`, and the same command goes on",
    },
)


class Desk(Struct, frozen=True):
    """`tell` gets what belongs into the run's log. `must_name_*`: the command must say which table it means."""

    steering: Steering
    facts: RunFacts
    version: str
    tell: Callable[[str], None]
    must_name_cut_over: bool = False
    must_name_panic: bool = False
    kind: Kind = MIGRATION

    @property
    def progress(self) -> Progress:
        return self.steering.progress()

    @property
    def status(self) -> str:
        """The hints and the status line."""
        flag = self.steering.postponement.flag_file
        knobs = self.steering.knobs
        facts = replace(
            self.facts,
            keys_per_resync=knobs.resync_keys,
            nice_ratio=knobs.nice_ratio,
            postpone_flag_file=str(flag or ""),
            held=self.steering.postponement.held,
        )
        there = flag is not None and Path(flag).exists()
        return "\n".join([*hint_lines(self.progress, facts, postpone_file_exists=there), self.line])

    @property
    def line(self) -> str:
        return status_line(self.progress)

    def named(self, command: str, table: str, *, must: bool = False, flag: str = "") -> None:
        """Raises Refused where the command is meant for another table, or must say for which it is."""
        source = self.facts.source
        if not table and must:
            raise Refused(f"user commanded '{command}' without specifying table name, but {flag} is set")
        if table and table not in (source.table, str(source)):
            raise Refused(
                f"user commanded '{command}' on {table}, but migrated table is {source.table}; ignoring request"
            )
