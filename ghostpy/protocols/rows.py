"""What is done with rows: copied, brought over again, compared, updated."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from ghostpy.model.backfill import BackfillCourse
from ghostpy.model.difference import Difference
from ghostpy.model.keys import Bound, Key, KeyRange, Mark


class Ranging(Protocol):
    """Cuts the source into ranges of its copy key."""

    async def next_bound(self, low: Bound | None, rows: int) -> Bound | None:
        """The key that lies `rows` rows above `low` in the source now; None where fewer rows are left."""


class Copied(Struct, frozen=True):
    """What copying one chunk did. `dirty`: shadow rows that stood in the way, deleted; their keys must be resynced."""

    rows: int
    dirty: Collection[Key] = ()


class Copying(Ranging, Protocol):
    """Copies ranges of the source into the shadow, by SQL on the server. Up to N callers at a time, on disjoint ranges."""

    async def copy(self, chunk: KeyRange) -> Copied:
        """Copy the rows of `chunk` in one transaction: all or none of them.

        Raises DataDoesNotFit, naming example rows, where a row cannot be stored.
        """

    async def cut(self, low: Bound) -> None:
        """Remove from the shadow whatever does not come from a row of the source up to `low`. May be called again after any failure."""


class Scratch(Ranging, Protocol):
    """A table like the shadow, empty at first. One caller at a time; the source is only read."""

    async def rows(self) -> int | None:
        """Rows of the source, counted; None where that takes long, or the server's estimate is good enough."""

    async def copy(self, chunk: KeyRange) -> int:
        """Copy the rows of `chunk` as a run does; how many. Raises DataDoesNotFit."""

    async def build_indexes(self) -> float:
        """Build what a run builds after its copy; seconds."""

    async def compare(self, chunk: KeyRange) -> None:
        """Compare both tables as a run does."""

    async def size(self) -> int | None:
        """Bytes on disk, if that is known."""

    async def log_position(self) -> int | None:
        """Bytes up to the end of the server's log; None where two of them cannot be compared."""


class Resynced(Struct, frozen=True):
    """What a resync did. `pending`: keys not yet visible, to be tried again; `dirty`: further keys made dirty by it."""

    done: int
    pending: Mapping[Key, Mark]
    dirty: Collection[Key] = ()


class Resyncing(Protocol):
    """Brings rows of the shadow in line with the source as it is now. Up to N callers at a time, on disjoint keys."""

    async def resync(self, keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
        """Shadow rows with these keys := transform(source rows with these keys, as they are now), in one transaction.

        Only rows within `copied` are brought over: a later chunk reads the others.
        """


class Comparing(Protocol):
    """Compares source and shadow, with the column changes and transforms applied."""

    async def compare(self, chunk: KeyRange) -> tuple[int, Sequence[Key]]:
        """(rows of the source, the keys whose rows differ or stand in one table only) of a chunk.

        Both tables as of one moment; where they are not equal then, the keys may be those of another moment a little later.
        """

    async def still_different(self, keys: Sequence[Key]) -> Sequence[Key]:
        """Those of `keys` whose rows differ now, both tables as of one moment."""


class Examining(Protocol):
    """Compares two tables, and tells of the rows that differ how they do."""

    async def count_differences(self, chunk: KeyRange) -> tuple[int, bool]:
        """(rows of the source, equal?) of a chunk, both tables as of one moment."""

    async def found_in(self, chunk: KeyRange, limit: int) -> Sequence[Difference]:
        """Rows in `chunk` that differ or stand in one table only, both tables as of one moment; `limit` of them at most."""

    async def found_among(self, keys: Sequence[Key]) -> Sequence[Difference]:
        """Those of `keys` whose rows differ now, both tables as of one moment."""


class Updating(Ranging, Protocol):
    """Updates a table in place, chunk by chunk along its key, each row exactly once. One caller at a time, with the run's lock held.

    What is done is written down in the ledger in the transaction of the chunk: whatever becomes of an answer, a session, a process or the
    server, either both hold or neither does.
    """

    async def saved(self) -> BackfillCourse | None:
        """How far an earlier run has come, once nothing of it is under way on the server any more. Raises CannotResume where that cannot be read."""

    async def begin(self, change: Mapping[str, str]) -> BackfillCourse:
        """Make the ledger, and fix how far the backfill goes: up to the key that is the highest now."""

    async def go_on(self, course: BackfillCourse) -> None:
        """Take over what `saved` told."""

    async def update(self, course: BackfillCourse, high: Bound | None, rows: int, *, patient: bool) -> BackfillCourse:
        """Update the rows above `course.low` and up to `high` (None: up to the end), about `rows` of them, and say how far the backfill is then.

        Where a chunk whose answer was lost turns out to be done, nothing else is done, and that chunk's course returned. Unless `patient` it
        hardly waits for rows that somebody has locked. Raises TransientError where nothing of the chunk was done, DataDoesNotFit where a row
        cannot be stored (with `rows` of 1 that row is named; nothing of the chunk was done), and AlreadyRunning where somebody else has gone on
        with the ledger.
        """

    async def drop(self, *, unused: bool = False) -> bool:
        """Remove the ledger; with `unused` only where no chunk is noted in it. Whether it is gone."""
