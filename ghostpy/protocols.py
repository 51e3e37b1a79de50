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
from typing import Any, Protocol

from ghostpy.model.backfill import BackfillCourse
from ghostpy.model.change import ChangeBatch, Position
from ghostpy.model.checkpoint import Checkpoint
from ghostpy.model.difference import Difference
from ghostpy.model.disk import Disk
from ghostpy.model.expansion import Expansion, Steps
from ghostpy.model.finding import Finding
from ghostpy.model.keys import Bound, Key, KeyRange, Mark
from ghostpy.model.leftover import Leftover
from ghostpy.model.moment import Moment
from ghostpy.model.names import TableName
from ghostpy.model.plan import Plan
from ghostpy.model.progress import Progress, RunReport
from ghostpy.model.revertible import Revertible
from ghostpy.model.schema_difference import SchemaDifference
from ghostpy.model.script import Note, Script, Seen, Statement, TableStanding
from ghostpy.model.standing import Standing
from ghostpy.model.trial import Trial
from ghostpy.settings import TargetSettings, ThrottleSettings


class ChangeStream(Protocol):
    """Which rows of the source changed, at least once each, in the order of their commits.

    No change that commits after the position given to `open` is left out. After a loss of the connection the stream goes on by
    itself from the last complete transaction, so changes may come again; they never go missing.
    """

    async def start(self) -> Position:
        """The place to follow from: all changes before it are visible to reads."""

    def noted(self, position: Position) -> str:
        """A place that was reached, as text for `resumed`."""

    async def resumed(self, noted: str) -> Position:
        """The place to follow from, where an earlier run noted it down. Raises StreamLost where it cannot be followed from."""

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

    def kept(self, position: Position) -> None:
        """What a later run needs of all that lies before `position` is on the server: it need not hold it for us any more."""

    async def close(self, *, keep: bool = False) -> None:
        """Stop following and deregister, unless a later run is to go on (`keep`). Never raises; safe to call twice."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What copying one chunk did. `dirty`: shadow rows that stood in the way, deleted; their keys must be resynced."""

    rows: int
    dirty: Collection[Key] = ()


class Ranging(Protocol):
    """Cuts the source into ranges of its copy key."""

    async def next_bound(self, low: Bound | None, rows: int) -> Bound | None:
        """The key that lies `rows` rows above `low` in the source now; None where fewer rows are left."""


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


class Examining(Protocol):
    """Compares two tables, and tells of the rows that differ how they do."""

    async def count_differences(self, chunk: KeyRange) -> tuple[int, bool]:
        """As `Comparing.count_differences`."""

    async def found_in(self, chunk: KeyRange, limit: int) -> Sequence[Difference]:
        """Rows in `chunk` that differ or stand in one table only, both tables as of one moment; `limit` of them at most."""

    async def found_among(self, keys: Sequence[Key]) -> Sequence[Difference]:
        """Those of `keys` whose rows differ now, both tables as of one moment."""


@dataclass(frozen=True, slots=True)
class Pair:
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
        """Exchange the names. Raises CutOverInDoubt where the answer was lost: then ask `Exchanging.owner`.

        Raises BadMoment, now and then and with nothing exchanged, where writers would have been held for less time at another moment.
        """


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


@dataclass(frozen=True, slots=True)
class Parts:
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


class Server(Protocol):
    """Who is worked on."""

    @property
    def address(self) -> str:
        """Where the server is, for messages."""

    @property
    def version(self) -> str:
        """The server's, as it tells it; once it is connected."""


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


class Vitals(Protocol):
    """How the server and its replicas fare. Each kind of question has a session of its own, which is made anew when it is lost.

    Questions may be cancelled at any time. They raise what a statement raises, and UsageError where there is no such figure.
    """

    async def open(self, settings: ThrottleSettings) -> None:
        """Make the sessions that the signals asked for will need: without one, the gate would stay closed for good.

        Raises ConnectionFailed, and what a look for replicas raises.
        """

    async def figure(self, name: str) -> float:
        """One of the server's own figures, by its name."""

    @property
    def burdens(self) -> Mapping[str, float]:
        """Figures that tell how much old versions of rows pile up, and by how much each may grow in a run before people are told."""

    async def disk(self) -> Disk | None:
        """The disk that the server's tables are on; None where it cannot be seen, as from another machine."""

    async def asked(self, sql: str) -> float:
        """The number that a user's own query gives."""

    async def own_lag(self) -> float | None:
        """Seconds that the server worked on is behind its own primary; None where it is one."""

    async def replicas(self) -> Sequence[str]:
        """The replicas that follow the server now, as far as it tells: names that `lag` takes."""

    async def lag(self, replica: str) -> float:
        """Seconds that a replica is behind. `replica`: one that was found, or `host[:port]`, reached with the run's own account."""

    async def pause_limit(self) -> float | None:
        """Seconds until the server removes what a run that ends now would go on from; None without a limit that it tells of."""

    async def close(self) -> None:
        """End all sessions. Never raises."""


class Gate(Protocol):
    """Whether the run may work now. Asked before every piece of work but those under the cut-over's lock."""

    @property
    def reason(self) -> str | None:
        """Why the run must rest, in a few words; None while it may work."""

    @property
    def hibernating(self) -> bool:
        """Whether not even a heartbeat may be written."""

    @property
    def standing(self) -> Standing:
        """What it goes by, and what it found."""

    async def opened(self) -> None:
        """Return once there is no reason to rest; at once where there is none."""


class Moments(Protocol):
    """Lets somebody outside act at a moment of the run, and veto it."""

    async def reached(self, moment: Moment, detail: str = "") -> None:
        """Return when all is done that is to be done then. `detail`: what happened, where the moment's name does not say it.

        Raises HookFailed where the run must not go on; whether a failure counts for that much depends on the moment.
        """


class Observer(Protocol):
    """Is told what happens; must return at once and must not raise."""

    def planned(self, plan: Plan, definition: str) -> None:
        """It is decided what is done. `definition`: the source as SQL text before that, or nothing where it could not be asked for."""

    def progressed(self, progress: Progress) -> None:
        """A snapshot, several times a second."""

    def happened(self, text: str, *, warning: bool = False) -> None:
        """Something worth a line in the log."""

    def ended(self, report: RunReport) -> None:
        """The run ended well."""
