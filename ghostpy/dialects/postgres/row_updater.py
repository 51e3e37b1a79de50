"""Updates rows in place, and writes down in the same transaction which are done.

The ledger's row is locked before anything else of a chunk is done, and read under that lock: so a session of a dead run, or one whose answer
was lost, has either come to its end before, or can do nothing any more.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from ghostpy import errors
from ghostpy.dialects import backfill_text, whose
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.housekeeping import drop_our_schema
from ghostpy.dialects.postgres.inspect import table_oid
from ghostpy.dialects.postgres.names import MADE_BY_US
from ghostpy.dialects.postgres.session import Session, SessionPool
from ghostpy.dialects.postgres.update_statements import UpdateStatements
from ghostpy.model.backfill import BackfillCourse
from ghostpy.model.keys import Bound, KeyRange
from ghostpy.model.names import TableName

_SHORT_WAIT, _PATIENT_WAIT = "20ms", "400ms"
"""Both below the usual deadlock_timeout of a second: whoever looks for a deadlock first is its victim, and we have given way by then."""
_COMMITTING = "noting down which rows are done"


class RowUpdater:
    """Fulfils `Updating`. `ledger`: its table, in a schema of its own."""

    def __init__(self, pool: SessionPool, source: TableName, ledger: TableName) -> None:
        self._pool = pool
        self._source = source
        self._name = ledger
        self._ledger = quote.table(ledger)
        self._last: Bound | None = None
        self._statements: UpdateStatements | None = None

    def expect(self, statements: UpdateStatements) -> None:
        """What was planned."""
        self._statements = statements

    async def saved(self) -> BackfillCourse | None:
        async with self._pool.session() as session:
            if await table_oid(session, self._name) is None:
                return None
            async with session.transaction(keep=False, doing="reading the ledger"):
                return await self._locked(session, wait=_PATIENT_WAIT)

    async def begin(self, change: Mapping[str, str]) -> BackfillCourse:
        async with self._pool.session() as session:
            last = await session.query(self._of.last_bound(), doing="looking for the last row")
            course = BackfillCourse(
                change=dict(change), last=tuple(map(str, last[0])) if last else None, complete=not last
            )
            await drop_our_schema(session, self._name.schema)
            schema, oid = quote.name(self._name.schema), await table_oid(session, self._source)
            rows = {
                "source": str(self._source),
                "oid": str(oid),
                whose.ROW: whose.this_run(),
                backfill_text.ROW: backfill_text.written(course),
            }
            values = ", ".join(f"({quote.text(name)}, {quote.text(text)})" for name, text in rows.items())
            async with session.transaction(doing="creating the ledger"):
                await session.execute(
                    f"CREATE SCHEMA {schema}; "
                    f"COMMENT ON SCHEMA {schema} IS {quote.text(f'{MADE_BY_US}backfill of {self._source}')}; "
                    f"CREATE TABLE {self._ledger} (id text PRIMARY KEY, value text NOT NULL); "
                    f"INSERT INTO {self._ledger} VALUES {values}, ('begun', clock_timestamp()::text)",
                    doing="creating the ledger",
                )
        self._last = course.last
        return course

    async def go_on(self, course: BackfillCourse) -> None:
        async with self._pool.session() as session:
            await session.execute(
                f"UPDATE {self._ledger} SET value = {quote.text(whose.this_run())} WHERE id = {quote.text(whose.ROW)}",
                doing="noting the run in the ledger",
            )
        self._last = course.last

    async def next_bound(self, low: Bound | None, rows: int) -> Bound | None:
        async with self._pool.session() as session:
            found = await session.query(self._of.next_bound(low, rows, self._last), doing="looking for the next chunk")
        bound = tuple(map(str, found[0])) if found else None
        return None if bound == self._last else bound

    async def update(self, course: BackfillCourse, high: Bound | None, rows: int, *, patient: bool) -> BackfillCourse:
        began, of, chunk = time.monotonic(), self._of, KeyRange(course.low, high or course.last)
        async with (
            self._pool.session() as session,
            session.transaction(doing=_COMMITTING),
        ):
            found = await self._locked(session, wait=_PATIENT_WAIT if patient else _SHORT_WAIT)
            if found is None:
                raise backfill_text.cannot_read(f"{self._name} has lost its row")
            done = backfill_text.checked(found, course, self._name)
            if done is not None:
                return done
            try:
                updated = await session.execute(of.update(chunk), doing=f"updating rows of {self._source}")
            except errors.DataDoesNotFit as error:
                raise backfill_text.does_not_fit(error, of.plan.copy_key, chunk.high or ()) from error
            passed = rows if high else int(await session.scalar(of.count(chunk), doing="counting rows"))
            now = backfill_text.after(course, high, updated=updated, passed=passed, seconds=time.monotonic() - began)
            await session.execute(
                f"UPDATE {self._ledger} SET value = {quote.text(backfill_text.written(now))} "
                f"WHERE id = {quote.text(backfill_text.ROW)}",
                doing=_COMMITTING,
            )
        return now

    async def drop(self, *, unused: bool = False) -> bool:
        async with self._pool.session() as session:
            if unused and await table_oid(session, self._name) is not None:
                async with session.transaction(keep=False, doing="reading the ledger"):
                    course = await self._locked(session, wait=_PATIENT_WAIT)
                if course is not None and course.number > 0:
                    return False
            await drop_our_schema(session, self._name.schema)
        return True

    @property
    def _of(self) -> UpdateStatements:
        assert self._statements is not None
        return self._statements

    async def _locked(self, session: Session, *, wait: str) -> BackfillCourse | None:
        """What the ledger says, locked until the end of the transaction; no lock is waited for longer than `wait` in all of it."""
        await session.execute(f"SET LOCAL lock_timeout = '{wait}'", doing="setting a time limit")
        text = await session.scalar(
            f"SELECT value FROM {self._ledger} WHERE id = {quote.text(backfill_text.ROW)} FOR UPDATE",
            doing="reading the ledger",
        )
        return None if text is None else backfill_text.read(str(text))
