"""A migration script taken apart: its statements, how each is carried out, and what the ledger says of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import Enum

from msgspec import Struct, field

from ghostpy.model.finding import Finding
from ghostpy.model.names import TableName
from ghostpy.model.plan import Plan
from ghostpy.settings import MigrateSettings

Name = tuple[str, ...]
"""A name with its qualifiers, as a script writes it; unquoted, and folded as the server folds it."""


class Kind(Enum):
    """What a statement is about, by its text alone."""

    SESSION = "session"
    """Sets something for the statements behind it."""
    BEGIN = "begin"
    COMMIT = "commit"
    TABLE = "table"
    """Changes one table that is there: planned as `ghostpy migrate` plans, where the table is not small."""
    OBJECT = "object"
    """Makes, changes or removes definitions."""
    FILLS = "fills"
    """Makes a definition and fills it with rows, which may take long."""
    ROWS = "rows"
    """Reads or writes rows."""
    MAINTENANCE = "maintenance"
    """Changes neither rows nor definitions, and runs in no transaction."""


class Way(Enum):
    """How a statement is carried out."""

    SESSION = "session"
    TOGETHER = "transaction"
    """In a transaction, with the ledger's note."""
    DIRECT = "direct"
    """By itself, as it stands; the ledger is written before and after it."""
    ONLINE = "online"
    """As `ghostpy migrate` would do it."""
    LATER = "later"
    """Cannot be told before what stands in front of it is done."""


class Concern(Struct, frozen=True):
    """Something that a statement defines anew, by which it can be seen whether it has run."""

    kind: str
    """`TABLE`, `VIEW`, `TRIGGER`, `PROCEDURE`, `FUNCTION`, `EVENT`."""
    name: Name


class Statement(Struct, frozen=True):
    """One statement of a script, as it was written, without the semicolon."""

    line: int
    text: str
    kind: Kind
    verb: str
    """Its first words, for people."""
    digest: str
    """Of its text without comments and white space."""
    number: int = 0
    """Counts those that the ledger notes, from 1; 0: it is not noted."""
    table: Name = ()
    """The one that is changed or written, where it is one."""
    index: Name = ()
    """PostgreSQL: an index that is dropped, by which its table is found."""
    alter: str = ""
    """Of kind TABLE: the change as `ghostpy migrate` takes it; empty where that has no words for it."""
    makes: tuple[Name, ...] = ()
    """Tables and views that it makes."""
    concerns: tuple[Concern, ...] = ()
    repeatable: bool = True
    """Whether it does no harm a second time, where the definitions are as they were before the first."""
    vanishes: bool = False
    """Whether what it concerns is gone behind it."""
    moves: bool = False
    """Whether tables have other names behind it."""
    alone: bool = False
    """Whether it has a transaction of its own."""
    concurrently: bool = False
    asks: bool = False
    """Of kind ROWS: whether the server is asked how many rows it reads."""
    findings: tuple[Finding, ...] = ()

    @property
    def told(self) -> str:
        """What it is and where, for people."""
        return f"{self.verb} (line {self.line})"


class Script(Struct, frozen=True):
    """A script; `name` is what the ledger knows it by."""

    name: str
    statements: tuple[Statement, ...]

    @property
    def noted(self) -> Sequence[Statement]:
        """Those that the ledger notes."""
        return [each for each in self.statements if each.number]


def digest_of(words: Sequence[str]) -> str:
    """The digest of a statement by its tokens."""
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


class TableStanding(Struct, frozen=True):
    """What the server says of the table that a statement is about. `table`: None where it is not there (yet)."""

    table: TableName | None = None
    small: bool = True
    """Few rows and few bytes; also of what is no table of rows."""
    transactional: bool = True
    """Whether its rows change in transactions."""


class PlannedMigration(Struct, frozen=True):
    """The plan of a statement that is carried out as a migration, as `ghostpy plan` makes it, and the settings of that."""

    plan: Plan
    settings: MigrateSettings


class Decided(Struct, frozen=True):
    """How one statement is to be carried out. `strategy` and `reason`: in words."""

    statement: Statement
    way: Way
    reason: str = ""
    strategy: str = ""
    table: TableName | None = None
    group: int = 0
    """Those of the same number above 0 are one transaction."""
    done: bool = False
    findings: tuple[Finding, ...] = ()
    migration: PlannedMigration | None = None
    """Of a dry run."""


class Note(Struct, frozen=True):
    """A row of the ledger. `evidence`: what the definitions were before the statement began."""

    number: int
    digest: str
    done: bool
    line: int = 0
    verb: str = ""
    way: str = ""
    strategy: str = ""
    evidence: str = ""


class Seen(Enum):
    """What the definitions say about a statement of which it is not known whether it ran."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    PARTLY = "partly"


class ScriptPlan(Struct, frozen=True):
    """What would be done."""

    script: str
    statements: tuple[Decided, ...]

    @property
    def refusing(self) -> Sequence[Decided]:
        """Those that would be refused."""
        return [
            each for each in self.statements if any(finding.severity.value == "refuse" for finding in each.findings)
        ]


class ScriptReport(Struct, frozen=True):
    """What was done. Counts are of statements that the ledger notes."""

    script: str
    total: int
    done: int
    before: int
    """Of those done, by earlier calls."""
    ways: tuple[tuple[str, int], ...] = field(default=())
    """How many by which strategy, in this call."""

    @property
    def text(self) -> str:
        if self.done == self.before:
            return f"{self.script}: nothing to do, all {self.total} statements are done already."
        how = ", ".join(f"{count} {name}" for name, count in self.ways)
        earlier = f" {self.before} were done already." if self.before else ""
        return f"{self.script} is applied: {self.done - self.before} of {self.total} statements ({how}).{earlier}"
