"""What a run makes and removes in the database, and its lock."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects import checkpoint_text, whose
from ghostpy.dialects.postgres import quote, revert_record
from ghostpy.dialects.postgres.clone.clone import build_clone
from ghostpy.dialects.postgres.clone.lent_sequences import give_back
from ghostpy.dialects.postgres.definition import definition_of
from ghostpy.dialects.postgres.earlier_run import COMPLETED, EXCHANGED, LATER, EarlierRun
from ghostpy.dialects.postgres.fingerprint import check_unchanged
from ghostpy.dialects.postgres.in_place.staged import carry_out, remove_leftovers
from ghostpy.dialects.postgres.in_place.steps import Step
from ghostpy.dialects.postgres.indexes import ShadowIndexes
from ghostpy.dialects.postgres.inspect import table_oid
from ghostpy.dialects.postgres.lasting import LastingSession
from ghostpy.dialects.postgres.later import carry_out_later
from ghostpy.dialects.postgres.names import LEDGER, MADE_BY_US
from ghostpy.dialects.postgres.replay import path_of, run_under
from ghostpy.dialects.postgres.session import LONGEST_WAIT, Session
from ghostpy.dialects.postgres.wal.slot import deregister, message_prefix, registration_name
from ghostpy.dialects.postgres.work import Work
from ghostpy.model.checkpoint import Checkpoint
from ghostpy.model.names import HelperNames, TableName
from ghostpy.model.revertible import Revertible
from ghostpy.settings import ConnectSettings

log = logging.getLogger("ghostpy.postgres")

_SERVER_BACK_WITHIN = 30.0
_GIVEN_UP_WITHIN = 2.0
_BEATS_BETWEEN_LOOKS = 50
_LARGEST_CHECKPOINT = 32 << 20
"""Characters."""
_CREATION_LOCK = "5s"
_THINGS = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s"

LOCK_CLASS = 0x67687079
"""First half of the advisory lock's key; the second is the table's OID."""


class Housekeeper:
    """Fulfils `Housekeeping`.

    The lock and the heartbeat share a session: where the lock is lost with its session, the next heartbeat tells.
    """

    def __init__(
        self,
        settings: ConnectSettings,
        attempts: int,
        happened: Callable[[str], None],
        *,
        sessions: tuple[Session, LastingSession] | None = None,
    ) -> None:
        self.settings = settings
        self.attempts = attempts
        self.happened = happened
        self._locking, self._working = sessions or (
            Session(settings, purpose="heartbeat"),
            LastingSession(settings, purpose="housekeeping"),
        )
        self._source = TableName("", "")
        self._names: HelperNames | None = None
        self._database = 0
        self._registration = ""
        self._work: Work | None = None
        self._indexes: ShadowIndexes | None = None
        self._later: list[str] | None = None
        self._noted: Revertible | None = None
        self._finished = False

    @property
    def noted(self) -> Revertible | None:
        """What was noted last, for the exchange to write down."""
        return self._noted

    @property
    def sessions(self) -> tuple[Session, LastingSession]:
        """Those that it works on."""
        return self._locking, self._working

    @property
    def session(self) -> Session:
        """The working session, for questions before the run."""
        return self._working

    @property
    def registration(self) -> str:
        """What the slot is called; empty before the run's lock is taken."""
        return self._registration

    def aim(self, source: TableName, names: HelperNames) -> None:
        """The table, once its name is resolved."""
        self._source, self._names = source, names

    def expect(self, work: Work, indexes: ShadowIndexes | None) -> None:
        """What was planned."""
        self._work, self._indexes = work, indexes

    async def open(self) -> None:
        """Connect. Raises ConnectionFailed."""
        await self._locking.open()
        await self._working.open()

    async def close(self) -> None:
        """End the sessions, and with them the lock. Never raises."""
        await self._working.close()
        if self._locking.is_open:
            # What comes next wants it at once, and the server takes its time to end a session.
            with contextlib.suppress(errors.GhostpyError, TimeoutError):
                async with asyncio.timeout(_GIVEN_UP_WITHIN):
                    await self._locking.query("SELECT pg_advisory_unlock_all()", doing="giving up the lock")
        await self._locking.close()

    async def lock_run(self) -> None:
        oid = await table_oid(self._locking, self._source)
        if oid is None:
            return  # the plan will say so
        database = await self._locking.scalar(
            "SELECT oid FROM pg_database WHERE datname = current_database()", doing="asking for the database"
        )
        self._database = int(database)
        self._registration = registration_name(self._database, oid)
        await self._lock(oid)
        # What a run that died has let go must be the table's again before this one looks at it.
        await give_back(self._locking, self._helpers.ledger)

    async def _lock(self, oid: int) -> None:
        got = await self._locking.scalar(
            f"SELECT pg_try_advisory_lock({LOCK_CLASS}, {lock_number(oid)})", doing="taking the run's lock"
        )
        if not got:
            raise errors.AlreadyRunning(
                f"another run is changing {self._source} on {self.settings.address}: it holds the lock; nothing was changed"
            )

    async def remove_leftovers(self) -> None:
        """Remove what a change in steps that died has left on the source."""
        if await table_oid(self._working, self._source) is not None:
            await remove_leftovers(
                self.settings,
                self._source,
                lock_timeout=LONGEST_WAIT,
                attempts=self.attempts,
                happened=self.happened,
            )

    @property
    def _earlier(self) -> EarlierRun:
        return EarlierRun(self._working, self._source, self._helpers)

    def call_old(self, old: TableName) -> None:
        """What the old table is to be called: as an earlier run has said."""
        self._names = replace(self._helpers, old=old)

    async def saved(self) -> Checkpoint | None:
        if await table_oid(self._working, self._source) is None:
            return None  # the plan will say so
        return await self._earlier.saved()

    async def save(self, checkpoint: Checkpoint) -> bool:
        rows = await asyncio.to_thread(self._rows, checkpoint)
        if sum(map(len, rows.values())) > _LARGEST_CHECKPOINT:
            return False
        values = ", ".join(f"({quote.text(name)}, {quote.text(text)})" for name, text in rows.items())
        # By the session that holds the run's lock: a run that has lost it writes none.
        await self._locking.execute(
            f"INSERT INTO {quote.table(self._helpers.ledger)} VALUES {values} ON CONFLICT (id) DO UPDATE SET value = excluded.value",
            doing="writing a checkpoint",
        )
        return True

    def _rows(self, checkpoint: Checkpoint) -> dict[str, str]:
        return checkpoint_text.written(checkpoint)

    async def exchanged(self, earlier: Checkpoint) -> bool:
        if not await self._earlier.exchanged(earlier.old):
            return False
        self._later = await self._earlier.later()
        return True

    async def discard(self) -> None:
        if not await self._earlier.rows():
            return
        noted = await self.revertible()
        if noted is None:
            await self.drop_ledger()
        elif not noted.settled:
            # A ledger that an exchange can be taken back by is kept until another run makes its own.
            await self.settle(noted)

    async def identity(self) -> str:
        return str(
            await self._working.scalar(
                "SELECT system_identifier::text FROM pg_control_system()", doing="asking who the server is"
            )
        )

    async def is_here(self, noted: str) -> bool:
        return noted == await self.identity()

    async def adopt(self) -> None:
        if await table_oid(self._working, self._helpers.shadow) is None:
            raise errors.CannotResume(f"the shadow {self._helpers.shadow} of the earlier run is not there any more")
        await self._note_run()

    async def _note_run(self) -> None:
        await self._do(
            f"INSERT INTO {quote.table(self._helpers.ledger)} VALUES ({quote.text(whose.ROW)}, {quote.text(whose.this_run())}) "
            "ON CONFLICT (id) DO UPDATE SET value = excluded.value",
            "noting the run in the ledger",
        )

    async def create_ledger(self) -> None:
        names = self._helpers
        schema = quote.name(names.shadow.schema)
        if await self._let_go_of_earlier():
            self.happened(f"the change of {self._source} before this one cannot be taken back any more")
        await self._drop_schema(names.shadow.schema)
        await self._do(
            f"CREATE SCHEMA {schema}; "
            f"COMMENT ON SCHEMA {schema} IS {quote.text(f'{MADE_BY_US}shadow of {self._source}')}; "
            f"CREATE TABLE {quote.table(names.ledger)} (id text PRIMARY KEY, value text NOT NULL); "
            f"INSERT INTO {quote.table(names.ledger)} VALUES ('source', {quote.text(str(self._source))}), "
            f"('oid', {quote.text(str(self._expected.oid))}), ('begun', clock_timestamp()::text), "
            f"({quote.text(whose.ROW)}, {quote.text(whose.this_run())}), "
            f"({quote.text(LATER)}, {quote.text(json.dumps(self._after_exchange))})",
            "creating the ledger",
        )

    async def beat(self, number: int) -> None:
        await self._locking.query(
            f"SELECT pg_logical_emit_message(true, {quote.text(message_prefix(self._registration))}, 'beat {number}')",
            doing="writing the heartbeat",
        )
        if number % _BEATS_BETWEEN_LOOKS == 0 and self._work is not None:
            # The stream tells of the key's columns only: without a look now and then a postponed run would go on in vain for days.
            await check_unchanged(self._locking, self._source, self._work.fingerprint, unless_exchanged=True)

    async def create_shadow(self) -> None:
        async with self._working.transaction(doing="creating the shadow"):
            await self._do(f"SET LOCAL lock_timeout = '{_CREATION_LOCK}'", "creating the shadow")
            work = self._expected
            await build_clone(self._working, self._source, self._helpers.shadow, work.alters, work.partitioning)

    async def build_key(self) -> None:
        if self._indexes is not None:
            await self._indexes.build_key(self._working)

    async def build_indexes(self) -> None:
        (altered, _), names = self._expected.by_shadow, self._helpers
        if self._indexes is not None:
            await self._indexes.build_others(self._working)
        doing = "completing the new table"
        path = path_of(names.shadow, self._source)
        if COMPLETED not in await self._earlier.rows():
            done = f"INSERT INTO {quote.table(names.ledger)} VALUES ({quote.text(COMPLETED)}, 'yes')"
            statements = [*altered.before_exchange, done]
            complete = partial(run_under, self._working, path, statements, doing=doing, on=names.shadow)
            await self._working.once(complete, doing=doing)
        # The new table's first queries must find statistics, and index-only scans a visibility map.
        vacuum = f"VACUUM (ANALYZE) {quote.table(names.shadow)}"
        await self._working.repeat(partial(self._do, vacuum, "analyzing the new table"))

    @property
    def _after_exchange(self) -> list[str]:
        altered, dependants = self._expected.by_shadow
        return [*altered.after_exchange, *dependants.later]

    async def finish(self) -> None:
        statements = self._after_exchange if self._later is None else self._later
        await self._working.repeat(partial(self._carried_out, statements))
        self._finished = True

    async def _carried_out(self, statements: list[str]) -> None:
        await carry_out_later(self._working, self._source, statements, log.warning)

    async def revertible(self) -> Revertible | None:
        return await revert_record.read(self._working, self._helpers.ledger)

    async def note(self, revertible: Revertible) -> None:
        """Only for the exchange, which writes it down in its own transaction.

        The table that comes is locked as the one that goes is: from the exchange on other runs ask for its lock.
        """
        self._noted = replace(revertible, server=await self.identity())
        oid = await table_oid(self._working, self._helpers.shadow)
        if oid is not None:
            await self._lock(oid)

    async def settle(self, revertible: Revertible) -> None:
        await self._at_last(partial(self._settled, revertible))

    async def _settled(self, noted: Revertible) -> None:
        if not self._finished:
            statements = await self._earlier.later()
            await self._working.repeat(partial(self._carried_out, statements))
            self._finished = True
        await give_back(self._working, self._helpers.ledger)
        # Where the table has come from that has the name now, if it was an old one. What somebody has put there is not ours to remove.
        left = noted.aside.schema
        if not await self._working.scalar(_THINGS, [left], doing="looking for a schema"):
            await self._drop_schema(left)
        await self._do(revert_record.settle(self._helpers.ledger), "tidying the ledger up")

    async def _let_go_of_earlier(self) -> bool:
        """Give up what an earlier exchange was to be taken back by, whose stream nobody would read any more; whether there was any."""
        with contextlib.suppress(errors.CannotResume):
            noted = await revert_record.noted_in(self._working, self._helpers.ledger)
            if noted is not None:
                await deregister(self._working, revert_record.behind(noted).slot)
                return True
        return False

    async def drop_shadow(self) -> None:
        """Gone with its schema, which the ledger is dropped with."""

    async def drop_ledger(self) -> None:
        """Drop what we made but the old table: the shadow's schema, and the old table's where the table is not in it.

        The slot too, where the stream could not: it holds WAL until the disk is full.
        """
        await self._at_last(self._drop_ours)

    async def _drop_ours(self) -> None:
        if self._registration:
            await deregister(self._working, self._registration)
            # Behind an exchange the source is another table than the one that the ledger's run has registered.
            planned = (await self._earlier.rows()).get("oid")
            if planned is not None:
                await deregister(self._working, registration_name(self._database, int(planned)))
        await self._let_go_of_earlier()
        await self._drop_schema(self._helpers.ledger.schema)
        if await table_oid(self._working, self._helpers.old) is None:
            await self._drop_schema(self._helpers.old.schema)

    async def note_exchanged(self) -> None:
        await self._at_last(
            partial(
                self._do,
                f"INSERT INTO {quote.table(self._helpers.ledger)} VALUES ({quote.text(EXCHANGED)}, 'yes') ON CONFLICT DO NOTHING",
                "noting the exchange down",
            )
        )

    async def drop_old(self) -> None:
        await self._at_last(partial(self._drop_schema, self._helpers.old.schema))

    def left_behind(self, tables: Sequence[TableName]) -> str:
        schemas = " and ".join(dict.fromkeys(f"the schema {table.schema}" for table in tables))
        return f"{schemas} and a replication slot, which holds WAL, may be left behind: `ghostpy cleanup --execute` removes them"

    async def estimate_rows(self) -> int:
        # The planner knows a way also where no statistics were ever gathered.
        plan = await self._working.scalar(
            f"EXPLAIN (FORMAT JSON) SELECT FROM ONLY {quote.table(self._source)}", doing="estimating the rows"
        )
        return int(plan[0]["Plan"]["Plan Rows"])

    async def count_rows(self) -> int:
        """The exact number of rows; reads the whole table."""
        return int(
            await self._working.scalar(f"SELECT count(*) FROM {quote.table(self._source)}", doing="counting the rows")
        )

    async def writes(self) -> int:
        # Transactions that write get numbers, in order.
        return int(
            await self._locking.scalar(
                "SELECT pg_snapshot_xmax(pg_current_snapshot())::text", doing="asking for the server's activity"
            )
        )

    async def definition(self) -> str:
        return await definition_of(self._working, self._source)

    async def check_source(self) -> None:
        await check_unchanged(self._working, self._source, self._expected.fingerprint)

    async def alter_in_place(self, lock_timeout: int) -> bool:
        """Carry the planned steps out on the source itself; True, or an error that says what is left."""
        await self._carry_out(self._expected.steps, lock_timeout)
        if await revert_record.noted_in(self._working, self._helpers.ledger) is not None:
            self.happened(f"the change of {self._source} before this one cannot be taken back any more")
            await self.drop_ledger()
        return True

    async def _carry_out(self, steps: Sequence[Step], lock_timeout: float) -> None:
        await carry_out(
            self.settings,
            self._source,
            steps,
            lock_timeout=min(lock_timeout, LONGEST_WAIT),
            attempts=self.attempts,
            happened=self.happened,
        )

    @property
    def _helpers(self) -> HelperNames:
        assert self._names is not None
        return self._names

    @property
    def _expected(self) -> Work:
        assert self._work is not None
        return self._work

    async def _at_last(self, drop: Callable[[], Awaitable[None]]) -> None:
        """Drop what is ours. A session that is lost is replaced, as soon as there is another to be had."""
        deadline = time.monotonic() + _SERVER_BACK_WITHIN
        while True:
            try:
                await self._working.replace()
                await drop()
                return
            except (errors.ConnectionFailed, errors.TransientError):
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.2)

    async def _drop_schema(self, schema: str) -> None:
        await drop_our_schema(self._working, schema)

    async def _do(self, sql: str, doing: str) -> None:
        await self._working.execute(sql, doing=doing)


async def drop_our_schema(session: Session, schema: str) -> None:
    """Drop a schema that a run made, with its tables; one of the same name that is not ours is left alone.

    Nothing outside goes with it: where somebody has made a view of one of the tables, the server's refusal says so.
    """
    tables = await session.query(
        "SELECT c.relname FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p') AND NOT c.relispartition "
        "WHERE n.nspname = %s AND starts_with(obj_description(n.oid, 'pg_namespace'), %s)",
        [schema, MADE_BY_US],
        doing="looking for a schema",
    )
    if tables:
        await give_back(session, TableName(schema, LEDGER))
        drops = [f"DROP TABLE {quote.table(TableName(schema, name))}" for (name,) in tables if name is not None]
        script = "; ".join(["BEGIN", *drops, f"DROP SCHEMA {quote.name(schema)}", "COMMIT"])
        try:
            await session.execute(script, doing=f"dropping {schema}")
        except errors.GhostpyError:
            await session.rollback()
            raise


def lock_number(oid: int) -> int:
    """An OID as the four-byte integer that an advisory lock takes."""
    return oid - (1 << 32) if oid >= 1 << 31 else oid
