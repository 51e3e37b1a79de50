"""What the engine asks of a database, and of those who watch it; nothing else.

One object a dialect may keep several of these promises. All methods are coroutines on the engine's event loop; a blocking
driver runs on threads of its own behind them. Unless said otherwise a method raises `TransientError` where the same call may be
made again with nothing changed, `ServerGone` where its session was lost, and other `GhostpyError`s where the run must end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from ghostpy.model.change import ChangeBatch, Position
from ghostpy.model.keys import Bound, Key, KeyRange, Mark
from ghostpy.model.leftover import Leftover
from ghostpy.model.names import TableName
from ghostpy.model.plan import Plan
from ghostpy.model.progress import Progress, RunReport


class ChangeStream(Protocol):
    """Which rows of the source changed, at least once each, in the order of their commits.

    No change that commits after the position given to `open` is left out. After a loss of the connection the stream goes on by
    itself from the last complete transaction, so changes may come again; they never go missing.
    """

    async def start(self) -> Position:
        """The place to follow from: all changes before it are visible to reads."""

    async def open(self, start: Position) -> None:
        """Begin to follow from `start`. Raises StreamLost where the server no longer holds it."""

    async def read(self) -> ChangeBatch:
        """The next changes; waits for them, but never longer than about a second (then: a batch without keys).

        One caller at a time. Raises SourceChanged at DDL, TRUNCATE or statement-format DML on the source, and StreamLost where
        following cannot go on.
        """

    async def fence(self) -> None:
        """Return once every change that `read` has returned is visible to reads on the server.

        A dialect that fences key by key, by the marks, has nothing to do here.
        """

    async def end(self) -> Position:
        """The end of the stream now: what committed before this call lies before it."""

    def passed(self, position: Position) -> bool:
        """Whether all changes before `position` have been returned by `read`."""

    async def close(self) -> None:
        """Stop following and deregister. Never raises; safe to call twice."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What copying one chunk did. `dirty`: shadow rows that stood in the way, deleted; their keys must be resynced."""

    rows: int
    dirty: Collection[Key] = ()


class Copying(Protocol):
    """Copies ranges of the source into the shadow, by SQL on the server. Up to N callers at a time, on disjoint ranges."""

    async def next_bound(self, low: Bound | None, rows: int) -> Bound | None:
        """The key that lies `rows` rows above `low` in the source now; None where fewer rows are left."""

    async def copy(self, chunk: KeyRange) -> Copied:
        """Copy the rows of `chunk` in one transaction: all or none of them.

        Raises DataDoesNotFit, naming example rows, where a row cannot be stored.
        """


@dataclass(frozen=True, slots=True)
class Resynced:
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

    async def count_differences(self, chunk: KeyRange) -> tuple[int, bool]:
        """(rows of the source, equal?) of a chunk, both tables as of one moment."""

    async def differences(self, chunk: KeyRange) -> Sequence[Key]:
        """The keys in `chunk` whose rows differ or stand in one table only, both tables as of one moment."""

    async def still_different(self, keys: Sequence[Key]) -> Sequence[Key]:
        """Those of `keys` whose rows differ now, both tables as of one moment."""


class NameOwner(Enum):
    """Who answers to the source's name."""

    SOURCE = "source"
    SHADOW = "shadow"
    UNKNOWN = "unknown"


class Frozen(Protocol):
    """The session that holds the source's lock."""

    async def resync(self, keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
        """As `Resyncing.resync`, by the session that holds the lock."""

    async def exchange(self) -> None:
        """Exchange the names. Raises CutOverInDoubt where the answer was lost: then ask `Exchanging.owner`."""


class Exchanging(Protocol):
    """The lock and the exchange of names."""

    async def prepare(self) -> None:
        """What can be done before the lock is asked for, so that it is held for less time."""

    def frozen(self, *, timeout: float) -> AbstractAsyncContextManager[Frozen]:
        """Hold all writers of the source off; leaving the context lets them go on.

        Waits at most `timeout` seconds for the lock, else raises LockTimeout. Leaving never raises.
        """

    async def owner(self) -> NameOwner:
        """Who owns the source's name, looked up after it is certain that no session of ours can still change it."""


class Housekeeping(Protocol):
    """The tables that a run makes and removes."""

    async def lock_run(self) -> None:
        """Take the server-side lock of this table; it ends with our sessions. Raises AlreadyRunning."""

    async def create_ledger(self) -> None: ...

    async def beat(self, number: int) -> None:
        """Write heartbeat `number` (counting up) to the ledger; it comes back in `ChangeBatch.heartbeat`."""

    async def create_shadow(self) -> None:
        """Make the shadow, perhaps without indexes that are quicker built on a full table."""

    async def build_key(self) -> None:
        """Build the index that resync finds rows by, where `Parts.bare` says that the shadow has none. Nothing else writes it meanwhile."""

    async def build_indexes(self) -> None:
        """Build what else `create_shadow` left out. Takes its time; the shadow may be written meanwhile."""

    async def finish(self) -> None:
        """What is left to do once the names are exchanged, beside the application's writes."""

    async def drop_shadow(self) -> None: ...

    async def drop_ledger(self) -> None: ...

    async def drop_old(self) -> None: ...

    def left_behind(self, tables: Sequence[TableName]) -> str:
        """What may be left where these tables could not be dropped, and who removes it, in words."""

    async def estimate_rows(self) -> int: ...

    async def count_rows(self) -> int:
        """The exact number of rows; reads the whole table."""

    async def writes(self) -> int:
        """How many writing statements the whole server has executed so far; for differences only."""

    async def check_source(self) -> None:
        """Raises SourceChanged where the source is not the table any more that the plan was made for."""

    async def alter_in_place(self, lock_timeout: int) -> bool:
        """Make the change on the source itself in the server's own online way; False where the server will not.

        Waits at most `lock_timeout` seconds at a time for the table.
        """


@dataclass(frozen=True, slots=True)
class Parts:
    """What a dialect gives for one plan. `uncompared` names the new columns that verification cannot compare.

    `bare`: the shadow is copied without any index, so nothing can be resynced before `Housekeeping.build_key`.
    """

    stream: ChangeStream
    copying: Copying
    resyncing: Resyncing
    comparing: Comparing
    exchanging: Exchanging
    uncompared: tuple[str, ...] = ()
    bare: bool = False


class Dialect(Protocol):
    """A kind of server, for one run."""

    @property
    def address(self) -> str:
        """Where the server is, for messages."""

    @property
    def housekeeping(self) -> Housekeeping: ...

    async def open(self) -> None:
        """Connect and ask for the server's facts. Raises ConnectionFailed."""

    async def plan(self) -> Plan:
        """Decide what to do, and leave nothing behind. Raises PlanRefused with all findings, or MissingPrivilege."""

    def parts(self, plan: Plan) -> Parts: ...

    async def close(self) -> None:
        """End all sessions. Never raises."""


class Leftovers(Protocol):
    """What runs have made in a database, and have left there if they are dead."""

    async def find(self) -> Sequence[Leftover]:
        """All of it, that of runs under way as well."""

    async def remove(self, leftover: Leftover) -> None:
        """Remove one of a dead run. Raises AlreadyRunning where a run is under way after all."""


class Observer(Protocol):
    """Is told what happens; must return at once and must not raise."""

    def progressed(self, progress: Progress) -> None:
        """A snapshot, several times a second."""

    def happened(self, text: str, *, warning: bool = False) -> None:
        """Something worth a line in the log."""

    def ended(self, report: RunReport) -> None:
        """The run ended well."""
