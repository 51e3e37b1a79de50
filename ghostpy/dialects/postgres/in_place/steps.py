"""What a change of a table in place consists of: steps, each short, or beside readers and writers."""

from __future__ import annotations

from msgspec import Struct

from ghostpy.model.finding import Finding
from ghostpy.model.plan import Strategy


class Step(Struct, frozen=True):
    """Statements that go together. Names in them are quoted and qualified."""

    sql: tuple[str, ...]
    doing: str
    """For messages: "adding the constraint t_a_check to public.t, for new rows"."""
    lock: str
    """The strongest mode in which it locks the table: "ACCESS EXCLUSIVE"; empty where it does not."""
    others: tuple[tuple[str, str], ...] = ()
    """Other tables that it locks, quoted and qualified, each with the mode."""
    reason: str = ""
    """Why it is done so, for the plan."""
    quick: bool = True
    """It takes a strong lock and does nothing that takes time: a short transaction, which waits for its locks only briefly.
    Else it runs for as long as it takes, under a lock that lets others read and write."""
    alone: bool = False
    """PostgreSQL does not allow it in a transaction block (CONCURRENTLY)."""
    undo: Step | None = None
    """Removes what it leaves, also where it was interrupted or never came to be done."""
    completes: bool = False
    """With it the change is made: what came before is not undone any more."""
    against: str = ""
    """The condition that all rows must meet, where it is one about a single row."""
    refers: str = ""
    """The definition of the foreign key that it adds, whose rows it looks up in the other table."""


class Verdict(Struct, frozen=True):
    """What a single clause would have the server do, for the plan."""

    clause: str
    strategy: Strategy
    reason: str


class Choice(Struct, frozen=True):
    """How a change is made. With SHADOW, `steps` only remove what a dead run has left on the source."""

    strategy: Strategy
    reason: str
    steps: tuple[Step, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    findings: tuple[Finding, ...] = ()
    concerns: frozenset[str] = frozenset()
    """Codes of the findings about the source that stand in the way of this strategy too."""
    parents: tuple[str, ...] = ()
    """Other tables, quoted and qualified, that a step locks in SHARE ROW EXCLUSIVE mode or a stronger one."""
