"""A table of our own, like the shadow, into which a sample is copied."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.deferred_indexes import DeferredIndexes
from ghostpy.dialects.mysql.facts import ServerFacts
from ghostpy.dialects.mysql.housekeeping import drop_at_last
from ghostpy.dialects.mysql.rows import RowComparer, RowCopier
from ghostpy.dialects.mysql.session import Session, SessionPool
from ghostpy.dialects.mysql.statements import Statements
from ghostpy.dialects.mysql.time_limit import limited
from ghostpy.model.keys import Bound, KeyRange
from ghostpy.model.names import TableName
from ghostpy.model.plan import Plan
from ghostpy.settings import MigrateSettings

_CLEAN_UP_LIMIT = 30.0
_COUNTING = 2
"""Seconds; tables of some millions of rows are counted in that time."""


class SampleTable:
    """Fulfils `Scratch`. The source is read without any lock of its rows."""

    def __init__(
        self,
        session: Session,
        facts: ServerFacts,
        plan: Plan,
        pool: SessionPool,
        deferred: DeferredIndexes,
        count: RowCount,
    ) -> None:
        self._session = session
        self._count = count
        self._plan = plan
        self._facts = facts
        self._deferred = deferred
        statements = Statements(plan, locking=False, zone=facts.time_zone)
        self._copier, self._comparer = RowCopier(pool, statements), RowComparer(pool, statements)
        self._file = ""

    async def rows(self) -> int | None:
        return await self._count.known()

    async def next_bound(self, low: Bound | None, rows: int) -> Bound | None:
        return await self._copier.next_bound(low, rows)

    async def copy(self, chunk: KeyRange) -> int:
        return (await self._copier.copy(chunk)).rows

    async def build_indexes(self) -> float:
        began = time.monotonic()
        await self._deferred.build()
        return time.monotonic() - began

    async def compare(self, chunk: KeyRange) -> None:
        await self._comparer.compare(chunk)

    async def size(self) -> int | None:
        sizes = await sizes_of(self._session, self._plan.names.shadow)
        return None if sizes is None else sum(sizes)

    async def log_position(self) -> int | None:
        file, position = await end_of_log(self._session, self._facts)
        if self._file and file != self._file:
            return None  # another file was begun meanwhile
        self._file = file
        return position


class RowCount:
    """Rows of the source, counted once; None where that takes long."""

    def __init__(self, session: Session, facts: ServerFacts, source: TableName) -> None:
        self._session = session
        self._facts = facts
        self._source = source
        self._asked = False
        self._rows: int | None = None

    async def known(self) -> int | None:
        if not self._asked:
            self._asked, self._rows = True, await self._counted()
        return self._rows

    async def _counted(self) -> int | None:
        # InnoDB's own statistics may be wrong by a factor of two, of small tables most of all.
        count, doing = f"SELECT COUNT(*) FROM {quote.table(self._source)}", "counting rows"
        try:
            async with limited(self._session, self._facts, _COUNTING, doing=doing):
                return int(await self._session.scalar(count, doing=doing) or 0)
        except errors.ConnectionFailed:
            raise
        except errors.GhostpyError:
            return None


async def sizes_of(session: Session, table: TableName) -> tuple[int, int] | None:
    """Bytes of the rows, and of the indexes beside them; None where they cannot be had."""
    doing = "asking for a table's size"
    try:
        # Else they lag behind by seconds. No replica is to do this too.
        await session.query(f"ANALYZE NO_WRITE_TO_BINLOG TABLE {quote.table(table)}", doing=doing)
        rows = await session.query(
            "SELECT DATA_LENGTH, INDEX_LENGTH FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
            f"{quote.text(table.schema)} AND TABLE_NAME = {quote.text(table.table)}",
            doing=doing,
        )
    except errors.ConnectionFailed:
        raise
    except errors.GhostpyError:
        return None
    return (int(rows[0][0] or 0), int(rows[0][1] or 0)) if rows else None


async def end_of_log(session: Session, facts: ServerFacts) -> tuple[str, int | None]:
    """The binlog's file and the place in it; the place is None where there is no binlog."""
    rows = await session.query(facts.binlog_status, doing="asking for the binlog's position")
    return (str(rows[0][0]), int(rows[0][1])) if rows else ("", None)


@asynccontextmanager
async def sample_table(
    session: Session, facts: ServerFacts, plan: Plan, settings: MigrateSettings, count: RowCount
) -> AsyncIterator[SampleTable]:
    """A clone that is altered as the plan says."""
    connect, clone = session.settings, plan.names.probe
    there = replace(plan, names=replace(plan.names, shadow=clone))
    deferred = DeferredIndexes(connect, facts, there, settings.copy.defer_secondary_indexes)
    pool = SessionPool(connect, purpose="sample", size=1)
    async with empty_clone(session, plan):
        try:
            await session.execute(f"ALTER TABLE {quote.table(clone)} {plan.alter}", doing="making a table for a sample")
            await deferred.leave_out(session)
            yield SampleTable(session, facts, there, pool, deferred, count)
        finally:
            await pool.close()


@asynccontextmanager
async def empty_clone(session: Session, plan: Plan) -> AsyncIterator[TableName]:
    """Made under the name of the empty clone of a plan, which nobody keeps anything in; dropped however the block ends."""
    clone, ours = plan.names.probe, True
    try:
        try:
            await session.execute(
                f"CREATE TABLE {quote.table(clone)} LIKE {quote.table(plan.source.name)}",
                doing="making a table for a sample",
            )
        except errors.ServerGone:
            raise
        except errors.GhostpyError:
            ours = False
            raise
        yield clone
    except BaseException as error:
        if ours:
            await _remove(session, clone, error)
        raise
    await _remove(session, clone)


async def _remove(session: Session, clone: TableName, ended: BaseException | None = None) -> None:
    """Raises ServerGone where it may be left behind; where a signal or a defect has `ended` the sample, that says so."""
    try:
        async with asyncio.timeout(_CLEAN_UP_LIMIT):
            await drop_at_last(session, clone)
    except (errors.GhostpyError, TimeoutError) as failure:
        left = f"{clone}, a table with a sample of rows, may be left behind; `ghostpy cleanup --execute` removes it."
        if ended is None or isinstance(ended, errors.GhostpyError):
            raise errors.ServerGone(f"{failure or 'The server does not answer.'} {left}") from failure
        ended.add_note(left)
