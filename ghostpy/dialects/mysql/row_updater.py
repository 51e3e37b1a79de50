"""Updates rows in place, and writes down in the same transaction which are done.

The ledger's row is locked before anything else of a chunk is done, and read under that lock: so a session of a dead run, or one whose answer
was lost, has either come to its end before, or can do nothing any more.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from ghostpy import errors
from ghostpy.dialects import backfill_text, whose
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.conflicts import shown
from ghostpy.dialects.mysql.earlier_run import BACKFILL_COMMENT, SOURCE
from ghostpy.dialects.mysql.session import Session, SessionPool
from ghostpy.dialects.mysql.update_statements import UpdateStatements
from ghostpy.model.backfill import BackfillCourse
from ghostpy.model.keys import Bound, KeyRange
from ghostpy.model.names import TableName

_COMMITTING = "noting down which rows are done"


class RowUpdater:
    """Fulfils `Updating`. `ledger`: its table; `nowait`: whether the server can refuse to wait for a locked row."""

    def __init__(self, pool: SessionPool, source: TableName, ledger: TableName, *, nowait: bool) -> None:
        self._pool = pool
        self._source = source
        self._name = ledger
        self._ledger = quote.table(ledger)
        self._nowait = nowait
        self._last: Bound | None = None
        self._statements: UpdateStatements | None = None

    def expect(self, statements: UpdateStatements, pool: SessionPool) -> None:
        """What was planned, and the sessions for it."""
        self._statements, self._pool = statements, pool

    async def saved(self) -> BackfillCourse | None:
        async with self._pool.session() as session:
            if not await self._is_there(session):
                return None
            course = await self._locked(session, required=False)
            await session.rollback()
        return course

    async def begin(self, change: Mapping[str, str]) -> BackfillCourse:
        async with self._pool.session() as session:
            last = await session.query(self._of.last_bound(), doing="looking for the last row")
            await session.commit()
            course = BackfillCourse(change=dict(change), last=_bound(last[0]) if last else None, complete=not last)
            await session.execute(f"DROP TABLE IF EXISTS {self._ledger}", doing="removing a stale ledger")
            await session.execute(
                f"CREATE TABLE {self._ledger} (id VARCHAR(32) CHARACTER SET ascii NOT NULL PRIMARY KEY, "
                "number BIGINT UNSIGNED NOT NULL, text MEDIUMTEXT CHARACTER SET utf8mb4, "
                "changed TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)"
                f") ENGINE=InnoDB COMMENT='{BACKFILL_COMMENT}'",
                doing="creating the ledger",
            )
            rows = {
                SOURCE: json.dumps([self._source.table]),
                whose.ROW: whose.this_run(),
                backfill_text.ROW: backfill_text.written(course),
            }
            values = ", ".join(f"({quote.text(name)}, 0, {quote.text(text)})" for name, text in rows.items())
            await session.execute(
                f"INSERT INTO {self._ledger} (id, number, text) VALUES {values}", doing="beginning the ledger"
            )
            await session.commit()
        self._last = course.last
        return course

    async def go_on(self, course: BackfillCourse) -> None:
        async with self._pool.session() as session:
            await session.execute(
                f"UPDATE {self._ledger} SET text = {quote.text(whose.this_run())} WHERE id = '{whose.ROW}'",
                doing="noting the run in the ledger",
            )
            await session.commit()
        self._last = course.last

    async def next_bound(self, low: Bound | None, rows: int) -> Bound | None:
        async with self._pool.session() as session:
            found = await session.query(self._of.next_bound(low, rows, self._last), doing="looking for the next chunk")
            await session.commit()
        bound = _bound(found[0]) if found else None
        return None if bound == self._last else bound

    async def update(self, course: BackfillCourse, high: Bound | None, rows: int, *, patient: bool) -> BackfillCourse:
        began, of, chunk = time.monotonic(), self._of, KeyRange(course.low, high or course.last)
        doing = f"updating rows of {self._source}"
        async with self._pool.session() as session:
            found = await self._locked(session)
            assert found is not None
            done = backfill_text.checked(found, course, self._name)
            if done is not None:
                await session.rollback()
                return done
            if self._nowait and not patient:
                await session.query(of.lock(chunk), doing=doing)
            try:
                updated = await session.execute(of.update(chunk), doing=doing)
            except errors.DataDoesNotFit as error:
                raise backfill_text.does_not_fit(
                    error, of.plan.copy_key, [shown(literal) for literal in chunk.high or ()]
                ) from error
            passed = rows if high else int(await session.scalar(of.count(chunk), doing="counting rows"))
            now = backfill_text.after(course, high, updated=updated, passed=passed, seconds=time.monotonic() - began)
            await session.execute(
                f"UPDATE {self._ledger} SET number = {now.number}, text = {quote.text(backfill_text.written(now))} "
                f"WHERE id = '{backfill_text.ROW}'",
                doing=_COMMITTING,
            )
            await session.execute("COMMIT", doing=_COMMITTING)
        return now

    async def drop(self, *, unused: bool = False) -> bool:
        async with self._pool.session() as session:
            if not await self._is_there(session):
                return True
            if unused:
                course = await self._locked(session, required=False)
                if course is not None and course.number > 0:
                    await session.rollback()
                    return False
            await session.execute(f"DROP TABLE IF EXISTS {self._ledger}", doing=f"dropping {self._name}")
            await session.commit()
        return True

    @property
    def _of(self) -> UpdateStatements:
        assert self._statements is not None
        return self._statements

    async def _locked(self, session: Session, *, required: bool = True) -> BackfillCourse | None:
        """What the ledger says, locked until the end of the transaction."""
        text = await session.scalar(
            f"SELECT text FROM {self._ledger} WHERE id = '{backfill_text.ROW}' FOR UPDATE", doing="reading the ledger"
        )
        if text is not None:
            return backfill_text.read(str(text))
        if required:
            raise backfill_text.cannot_read(f"{self._name} has lost its row")
        return None

    async def _is_there(self, session: Session) -> bool:
        comment = await session.scalar(
            f"SELECT TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = {quote.text(self._name.schema)} "
            f"AND TABLE_NAME = {quote.text(self._name.table)}",
            doing="looking for a ledger",
        )
        await session.rollback()
        return str(comment or "") == BACKFILL_COMMENT


def _bound(row: tuple[object, ...]) -> Bound:
    return tuple(literal.decode("ascii") if isinstance(literal, bytes) else str(literal) for literal in row)
