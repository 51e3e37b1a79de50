"""A kind of server, for the other commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ghostpy.model.expansion import Expansion, Steps
from ghostpy.model.finding import Finding
from ghostpy.model.leftover import Leftover
from ghostpy.model.names import TableName
from ghostpy.model.schema_difference import SchemaDifference
from ghostpy.model.script import Note, Script, Seen, Statement, TableStanding
from ghostpy.protocols.dialect import Server
from ghostpy.settings import TargetSettings


class Uses(Protocol):
    """Who uses the old columns of an expanded table?"""

    async def definitions(self) -> Sequence[Finding]:
        """Views, functions, triggers, constraints, indexes and generated columns that do."""

    async def mark(self) -> Any:
        """What `since` compares with."""

    async def since(self, before: Any, /) -> Sequence[Finding]:
        """Writes of the old columns, and statements that name them, since that mark; also what could not be looked at."""


class Expanding(Server, Protocol):
    """A kind of server, for what is done with one expanded table. Whoever changes something holds the run's lock."""

    @property
    def source(self) -> TableName:
        """The table; with its schema once it is open."""

    @property
    def ledger(self) -> str:
        """The name of what the ledger stands in."""

    async def open(self) -> None:
        """Connect and ask for the server's facts. Raises ConnectionFailed."""

    async def close(self) -> None:
        """Give up the lock, where it is held, and end all sessions. Never raises."""

    async def lock_run(self) -> None:
        """Take the server-side lock of this table, the same as for a change of it. Raises AlreadyRunning."""

    async def saved(self) -> Expansion | None:
        """What the ledger says. Raises CannotResume where it cannot be read."""

    async def save(self, expansion: Expansion) -> None:
        """Write it, and make the ledger where there is none. Raises PlanRefused where its name is taken."""

    async def forget(self) -> None:
        """Remove the ledger, and that of a backfill under way."""

    async def wished(self) -> Expansion:
        """What the settings ask for. Raises PlanRefused where the table or the texts stand against it."""

    async def wish_of(self, found: Expansion, /) -> bool:
        """Whether the settings ask for this very expansion, or for none."""

    async def examined(self, expansion: Expansion) -> tuple[list[Finding], list[str]]:
        """Warnings, and the statements of `link`; all rows are looked at, and nothing is changed. Raises PlanRefused, MissingPrivilege."""

    async def link(self, expansion: Expansion) -> None:
        """Add those of the new columns and triggers that are not there, so that nobody sees a half of them.

        Raises CutOverFailed where the lock cannot be had in all attempts.
        """

    async def linked(self, expansion: Expansion) -> bool:
        """Whether all triggers are there."""

    async def unlink(self, expansion: Expansion, columns: Sequence[str]) -> Sequence[str]:
        """Remove triggers and columns as `link` adds them; those columns that the server cannot drop at once, which are left."""

    async def filling(self, expansion: Expansion) -> TargetSettings:
        """The backfill that fills the new columns."""

    async def steps(self, expansion: Expansion) -> Steps:
        """Compare all rows."""

    def uses(self, expansion: Expansion) -> Uses: ...

    async def removing(self, expansion: Expansion, columns: Sequence[str]) -> list[str]:
        """The statements of `unlink`; to show."""

    def rest(self, expansion: Expansion, left: Sequence[str]) -> str:
        """The clauses that a contraction leaves to a migration: columns left to drop, and NOT NULL."""


class Applying(Server, Protocol):
    """A kind of server, for a script. One session does it all, and holds the lock: who gets that knows that nothing of a dead run is under way."""

    @property
    def transactional(self) -> bool:
        """Whether definitions change in transactions, too."""

    async def open(self) -> None:
        """Connect. Raises ConnectionFailed."""

    async def close(self) -> None:
        """End the session, and with it the lock. Never raises."""

    async def lock_run(self) -> None:
        """Take the server-side lock of all scripts of this database. Raises AlreadyRunning."""

    async def recovered(self) -> None:
        """Where the session was lost, make it anew, as it was, and take the lock again. Raises AlreadyRunning, ConnectionFailed."""

    async def against(self, script: Script) -> Sequence[Finding]:
        """What the server's settings have against a script."""

    async def notes(self, script: str) -> Sequence[Note]:
        """What the ledger says of a script, by number; nothing where there is no ledger."""

    async def create_ledger(self) -> None:
        """Raises PlanRefused where its name is taken."""

    async def note(self, script: str, note: Note) -> None:
        """Write it down, in place of what stood there."""

    async def withdraw(self, script: str, number: int) -> None:
        """Take a note back."""

    async def session(self, statement: Statement) -> None:
        """Run a statement that sets something for those behind it."""

    async def standing(self, statement: Statement) -> TableStanding:
        """What there is of the table that a statement is about. Definitions in a transaction under way count."""

    async def rows_read(self, statement: Statement) -> int:
        """How many rows the server expects a statement to go through. Raises what the server raises where it refuses the statement."""

    async def evidence(self, statement: Statement) -> str:
        """What is defined before a statement runs, for `seen`."""

    async def seen(self, evidence: str, *, vanishes: bool) -> Seen:
        """Whether that has changed. `vanishes`: whether it had to go."""

    async def together(self, script: str, statements: Sequence[Statement], notes: Sequence[Note]) -> None:
        """Run statements and write their notes in one transaction: all or nothing of it is done, whatever becomes of the answer.

        Raises CutOverFailed where a lock cannot be had in all attempts.
        """

    async def direct(self, statement: Statement) -> None:
        """Run a statement by itself. Where it raises, nothing is done, unless the session is lost. Raises CutOverFailed as `together` does."""

    def target(self, table: TableName) -> TargetSettings:
        """The table, for a migration."""


class Leftovers(Protocol):
    """What runs have made in a database, and have left there if they are dead."""

    async def find(self) -> Sequence[Leftover]:
        """All of it, that of runs under way as well."""

    async def remove(self, leftover: Leftover, *, named: bool = False) -> None:
        """Remove one of a dead run; one that is `kept` only where somebody has `named` it.

        Raises AlreadyRunning where a run is under way after all.
        """


class Differ(Protocol):
    """Finds what leads from a table to the one that is desired. Its settings name both."""

    async def difference(self) -> SchemaDifference:
        """Ask the server, which is left as it was; what is made for it is gone, however the call ends.

        Raises PlanRefused where no ALTER is known that leads there, UsageError where a rename cannot be meant, ConnectionFailed.
        """
