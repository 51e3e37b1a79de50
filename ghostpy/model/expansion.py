"""An expansion: new columns beside old ones, both kept in step by triggers while two versions of an application overlap."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from ghostpy.model.finding import Finding
from ghostpy.model.names import TableName


class ExpansionPhase(Enum):
    """How far an expansion has come, as its ledger says."""

    BEGUN = "begun"
    """Columns and triggers may be there or not; rows may be filled or not."""
    EXPANDED = "expanded"
    """All rows have been found in step."""
    CONTRACTING = "contracting"
    """Triggers and old columns may be gone or not: there is no way back but through the end."""
    CONTRACTED = "contracted"
    """Only the new columns are left; the ledger says how the old ones could be made again."""
    ROLLING_BACK = "rolling back"
    """Triggers and new columns may be gone or not."""


class SideColumn(Struct, frozen=True):
    """One column of a side. `definition`: its type, with collation and comment, as SQL; `required`: whether it is to be NOT NULL in the end."""

    name: str
    definition: str
    required: bool = False


Expressions = tuple[tuple[str, str], ...]
"""Pairs of a column and what it is computed from the columns of the other side."""


class Expansion(Struct, frozen=True):
    """`up` computes the new columns from the old ones, `down` the old ones from the new."""

    source: TableName
    old: tuple[SideColumn, ...]
    new: tuple[SideColumn, ...]
    up: Expressions
    down: Expressions
    phase: ExpansionPhase = ExpansionPhase.BEGUN
    returning: bool = False
    """Whether a rollback has made it, of a contraction: what it adds are the old columns of then."""

    def at(self, phase: ExpansionPhase) -> Expansion:
        return replace(self, phase=phase)

    def mirrored(self) -> Expansion:
        """The way back from a contraction: the old columns are the ones that are added."""
        return Expansion(self.source, old=self.new, new=self.old, up=self.down, down=self.up, returning=True)

    def same_as(self, other: Expansion) -> bool:
        """Whether both are the same but for how far they have come."""
        return self.at(other.phase) == other


class Fit(Struct, frozen=True):
    """What a rehearsal of `up` and `down` over all rows has found. Examples are keys, as people read them."""

    rows: int = 0
    up_misfits: tuple[str, ...] = ()
    """Rows whose old values give new ones that cannot be stored."""
    down_misfits: tuple[str, ...] = ()
    """Rows whose new values, computed from the old, give old ones that cannot be stored."""
    changed: int = 0
    """Rows that `down` after `up` does not give back as they are."""
    changed_examples: tuple[str, ...] = ()


class Steps(Struct, frozen=True):
    """Of all rows: how many are out of step, and where some of them are."""

    rows: int
    differing: int
    examples: tuple[str, ...]
    waiting: int = 0
    """Rows that are not filled yet."""


class Course(Enum):
    """What is done with an expansion."""

    EXPAND = "expand"
    CONTRACT = "contract"
    ROLLBACK = "rollback"


class ExpansionPlan(Struct, frozen=True):
    """What one of the three commands is going to do. `steps`: in words and SQL, in order; empty: nothing is left to do."""

    course: Course
    expansion: Expansion
    findings: tuple[Finding, ...]
    steps: tuple[str, ...]
    lost: str = ""
    """What cannot be had back afterwards; empty: nothing."""


class ExpansionReport(Struct, frozen=True):
    """How one of the three commands ended. `text`: one paragraph for people."""

    course: Course
    expansion: Expansion
    text: str
