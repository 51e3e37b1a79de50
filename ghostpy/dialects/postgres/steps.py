"""What a change of a table in place consists of: steps, each short, or beside readers and writers."""

from __future__ import annotations

from dataclasses import dataclass, field

from ghostpy.model.finding import Finding
from ghostpy.model.plan import Strategy


@dataclass(frozen=True, slots=True)
class Step:
    """Statements that go together. Names in them are quoted and qualified."""

    sql: tuple[str, ...]
    doing: str
    """For messages: "adding the constraint t_a_check, not yet valid"."""
    lock: str
    """In words, for the plan."""
    reason: str = ""
    """Why it is done so, for the plan."""
    quick: bool = True
    """It takes a strong lock and does nothing that takes time: a short transaction, which waits for its locks only briefly.
    Else it runs for as long as it takes, under a lock that lets others read and write."""
    alone: bool = False
    """PostgreSQL does not allow it in a transaction block (CONCURRENTLY)."""
    undo: Step | None = None
    """Removes what it leaves, also where it was interrupted or never came to be done."""
    example: str = ""
    """SQL for one text that names a row which stands in its way."""
    column: str = ""
    """Which column or constraint the rows do not fit, for messages."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a single clause would have the server do, for the plan."""

    clause: str
    strategy: Strategy
    reason: str


@dataclass(frozen=True, slots=True)
class Choice:
    """How a change is made. With SHADOW, `steps` only remove what a dead run has left on the source."""

    strategy: Strategy
    reason: str
    steps: tuple[Step, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    findings: tuple[Finding, ...] = ()
    uses: tuple[str, ...] = field(default=())
    """Tables beside the source that a step locks."""
