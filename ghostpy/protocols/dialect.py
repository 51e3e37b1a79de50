"""A kind of server, for one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct

from ghostpy.model.checkpoint import Checkpoint
from ghostpy.model.finding import Finding
from ghostpy.model.names import TableName
from ghostpy.model.plan import Plan
from ghostpy.model.revertible import Revertible
from ghostpy.model.trial import Trial
from ghostpy.protocols.change_stream import ChangeStream
from ghostpy.protocols.exchange import Exchanging
from ghostpy.protocols.housekeeping import Activity, Housekeeping
from ghostpy.protocols.rows import Comparing, Copying, Examining, Ranging, Resyncing, Scratch, Updating
from ghostpy.protocols.watching import Vitals


class Server(Protocol):
    """Who is worked on."""

    @property
    def address(self) -> str:
        """Where the server is, for messages."""

    @property
    def version(self) -> str:
        """The server's, as it tells it; once it is connected."""


class Parts(Struct, frozen=True):
    """What a dialect gives for one plan. `uncompared` names the new columns that verification cannot compare.

    `trial`: the exchange only tries itself out, and leaves both tables under the names they had. `bare`: the shadow is copied without any index, so nothing can be resynced before `Housekeeping.build_key`.
    """

    stream: ChangeStream
    copying: Copying
    resyncing: Resyncing
    comparing: Comparing
    exchanging: Exchanging
    uncompared: tuple[str, ...] = ()
    bare: bool = False
    trial: bool = False


class Dialect(Server, Protocol):
    """A kind of server, for one run."""

    @property
    def housekeeping(self) -> Housekeeping: ...

    @property
    def vitals(self) -> Vitals:
        """Of the server that is worked on; from the plan on."""

    async def open(self) -> None:
        """Connect and ask for the server's facts. Raises ConnectionFailed."""

    async def plan(self, earlier: Checkpoint | None = None) -> Plan:
        """Decide what to do, and leave nothing behind. Raises PlanRefused with all findings, or MissingPrivilege.

        `earlier`: what a dead run has left is not in the way, and the old table is called as it is said there.
        """

    async def misfits(self, plan: Plan) -> Sequence[Finding]:
        """Values of the source that the table as `plan` leaves it does not take, or changes; by reads of a bounded time. For a shadow, and for steps."""

    def scratch(self, plan: Plan) -> AbstractAsyncContextManager[Scratch]:
        """For the length of a block, a table of our own into which a sample can be copied; by shadow, and only where nothing is carried out.

        Raises what the server raises where it may not be made, ServerGone where it may be left.
        """

    async def trial(self, plan: Plan, seconds: float) -> Trial | None:
        """Let the server make the change itself, as `plan` says or else by its own ALTER, on a table of our own with the rows that are copied
        into it in about `seconds`, gone again afterwards. The source is only read. None where there is no such way.

        Only where nothing is carried out. Raises what the server raises where it may not be made, ServerGone where it may be left.
        """

    def change(self, plan: Plan) -> Mapping[str, str]:
        """What is done to what, by aspects; none of them may differ where a run goes on with the work of another."""

    def parts(self, plan: Plan) -> Parts: ...

    def revertible(self, plan: Plan) -> Revertible:
        """What is to be noted down in the exchange of `plan`, whose parts are made; the position is not known yet."""

    async def turn(self, revertible: Revertible) -> Plan:
        """The plan that takes an exchange back. From now on `parts` and `housekeeping` are those of the way back, where the old table
        is the shadow: it is never made, and never dropped. Raises PlanRefused, or CannotResume where a table is not what it was.
        """

    async def close(self) -> None:
        """End all sessions. Never raises."""


class BackfillDialect(Server, Protocol):
    """A kind of server, for one backfill."""

    @property
    def activity(self) -> Activity: ...

    @property
    def updating(self) -> Updating:
        """`saved` and `drop` may be called before the plan is made, all else after it."""

    @property
    def vitals(self) -> Vitals: ...

    async def open(self) -> None:
        """Connect and ask for the server's facts. Raises ConnectionFailed."""

    async def lock_run(self) -> None:
        """Take the server-side lock of this table, the same as for a change of it; it ends with our sessions. Raises AlreadyRunning."""

    async def plan(self) -> Plan:
        """Decide along which key rows are updated, and let the server read the expressions; nothing is changed. Raises PlanRefused, MissingPrivilege."""

    def change(self, plan: Plan) -> Mapping[str, str]:
        """What is set where, by aspects; none of them may differ where a run goes on with another."""

    async def count_rows(self) -> int:
        """The exact number of rows; reads the whole table."""

    async def definition(self) -> str:
        """The table as SQL text; for people."""

    async def close(self) -> None:
        """End all sessions. Never raises."""


class Pair(Struct, frozen=True):
    """Two tables to be compared: rows of `source`, as the columns map and the filter make them, should be those of `other`.

    `key`: its columns, quoted. `left_out`: columns that stand in one table only; `uncompared`: those that no faithful comparison is known for.
    """

    source: TableName
    other: TableName
    rows_estimate: int
    columns: tuple[str, ...]
    left_out: tuple[str, ...]
    uncompared: tuple[str, ...]
    key: tuple[str, ...]
    examining: Examining
    ranging: Ranging
    vitals: Vitals
