"""What a run has on the server beside its rows: shadow, ledger, locks, heartbeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ghostpy.model.checkpoint import Checkpoint
from ghostpy.model.names import TableName
from ghostpy.model.revertible import Revertible


class Activity(Protocol):
    """What the pace of a run is measured by."""

    async def beat(self, number: int) -> None:
        """Write heartbeat `number` (counting up) to the ledger; it comes back in `ChangeBatch.heartbeat`, where changes are followed."""

    async def writes(self) -> int:
        """How many writing statements the whole server has executed so far; for differences only."""


class Housekeeping(Activity, Protocol):
    """The tables that a run makes and removes."""

    async def lock_run(self) -> None:
        """Take the server-side lock of this table; it ends with our sessions. Raises AlreadyRunning."""

    async def saved(self) -> Checkpoint | None:
        """The last checkpoint of a run that is dead, once nothing of that run is under way on the server any more.

        Raises CannotResume where it cannot be read. To be called with the run's lock held.
        """

    async def save(self, checkpoint: Checkpoint) -> bool:
        """Write a checkpoint in place of the one before, or leave that (then: False) where this one is too large."""

    async def exchanged(self, earlier: Checkpoint) -> bool:
        """Whether the run that made this checkpoint has exchanged the names. Raises CutOverInDoubt where that cannot be told."""

    async def discard(self) -> None:
        """Remove what a dead run has left of its work, the old table excepted."""

    async def identity(self) -> str:
        """What tells this server from another on which the change stream does not go on; empty where the stream itself tells."""

    async def is_here(self, noted: str) -> bool:
        """Whether the change stream goes on here that an earlier run followed where it noted this `identity`."""

    async def adopt(self) -> None:
        """Take over the shadow of an earlier run. Raises CannotResume where it is not there."""

    async def create_ledger(self) -> None: ...

    async def create_shadow(self) -> None:
        """Make the shadow, perhaps without indexes that are quicker built on a full table."""

    async def build_key(self) -> None:
        """Build the index that resync finds rows by, where `Parts.bare` says that the shadow has none. Nothing else writes it meanwhile."""

    async def build_indexes(self) -> None:
        """Build what else `create_shadow` left out. Takes its time; the shadow may be written meanwhile."""

    async def finish(self) -> None:
        """What is left to do once the names are exchanged, beside the application's writes."""

    async def revertible(self) -> Revertible | None:
        """What the last exchange noted down, where it can be taken back. Raises CannotResume where that cannot be read."""

    async def note(self, revertible: Revertible) -> None:
        """Write that down, for good once this returns, or at the latest with the exchange. To be called right before that, under its lock."""

    async def settle(self, revertible: Revertible) -> None:
        """Once the names are exchanged: keep what a revert needs, and nothing else of the ledger."""

    async def note_exchanged(self) -> None:
        """Write down that the names are exchanged. To be called before the old table is dropped, by which another run would know it."""

    async def drop_shadow(self) -> None: ...

    async def drop_ledger(self) -> None: ...

    async def drop_old(self) -> None: ...

    def left_behind(self, tables: Sequence[TableName]) -> str:
        """What may be left where these tables could not be dropped, and who removes it, in words."""

    async def estimate_rows(self) -> int: ...

    async def count_rows(self) -> int:
        """The exact number of rows; reads the whole table."""

    async def definition(self) -> str:
        """The source as SQL text, as it stands now; for people to compare."""

    async def check_source(self) -> None:
        """Raises SourceChanged where the source is not the table any more that the plan was made for."""

    async def alter_in_place(self, lock_timeout: int) -> bool:
        """Make the change on the source itself in the server's own online way; False where the server will not.

        Waits at most `lock_timeout` seconds at a time for the table.
        """
