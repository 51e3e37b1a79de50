"""The server's own ALTER, tried on a clone of the table with a sample of its rows."""

from __future__ import annotations

import time
from contextlib import suppress

from ghostpy import errors
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.facts import ServerFacts
from ghostpy.dialects.mysql.native import Native, native_way
from ghostpy.dialects.mysql.scratch import RowCount, empty_clone, end_of_log, sizes_of
from ghostpy.dialects.mysql.session import Session
from ghostpy.model.names import TableName
from ghostpy.model.plan import Plan
from ghostpy.model.table import Generated
from ghostpy.model.trial import Trial, TrialStep
from ghostpy.planning.alter import AlterText

_FIRST, _GROWTH, _MOST = 100, 4, 50_000
_CHUNK = 0.2
"""Seconds that one statement may take before they stop to grow."""
_DOES = "the server's ALTER"
_DOING = "trying the server's own ALTER on a sample"
_NOT_COUNTED = "the server does not know how many rows there are; ANALYZE the table for a better estimate"


async def native_trial(
    session: Session,
    facts: ServerFacts,
    plan: Plan,
    alter: AlterText,
    *,
    seconds: float,
    count: RowCount,
    native: Native | None,
    empty_seconds: float,
) -> Trial:
    """`native`: how it is made, where that is the plan; else the server chooses. `empty_seconds`: what it took on an empty clone."""
    async with empty_clone(session, plan) as clone:
        began = time.monotonic()
        rows, whole = await _filled(session, plan, clone, seconds)
        took = time.monotonic() - began
        if native is None:
            await _written_out(session, clone)
        before, start = await sizes_of(session, clone), await end_of_log(session, facts)
        done = await _altered(session, clone, alter, native)
        end, after = await end_of_log(session, facts), await sizes_of(session, clone)
    total = rows if whole else await count.known()
    known = total or plan.source.row_estimate
    sizes = None if before is None or after is None else _written(done, before, after)
    step = TrialStep(
        does=_DOES,
        seconds=done.seconds,
        fixed=min(done.seconds, empty_seconds),
        times=max(known / rows, 1.0) if rows else 1.0,
        sorts=done.builds or (done.rewrites and done.algorithm != "COPY"),
        bytes=None if sizes is None else sum(sizes),
        sorted_bytes=0 if sizes is None else sizes[1],
        # A statement, on each replica carried out anew.
        log_bytes=end[1] - start[1] if end[1] is not None and start[1] is not None and end[0] == start[0] else None,
        log_grows=False,
    )
    return Trial(rows, took, (step,), "" if whole or known > rows else _NOT_COUNTED)


async def _filled(session: Session, plan: Plan, clone: TableName, seconds: float) -> tuple[int, bool]:
    """How many rows are in it then, and whether they are all there are."""
    names = ", ".join(quote.name(each.name) for each in plan.source.columns if each.generated is Generated.NO)
    copy = f"INSERT INTO {quote.table(clone)} ({names}) SELECT {names} FROM {quote.table(plan.source.name)}"
    began, rows, size = time.monotonic(), 0, _FIRST
    while (at := time.monotonic()) - began < seconds:
        try:
            # In the order of whatever index the server reads, which is the same each time.
            copied = await session.execute(f"{copy} LIMIT {size} OFFSET {rows}", doing=_DOING)
        except errors.DataDoesNotFit:
            if not rows:
                raise
            break  # rows that somebody has added meanwhile have moved the others
        rows += copied
        if copied < size:
            return rows, True
        if time.monotonic() - at < _CHUNK / _GROWTH:
            size = min(size * _GROWTH, _MOST)
    return rows, False


async def _written_out(session: Session, clone: TableName) -> None:
    """Where the server writes a table anew it first writes out its pages in memory that are changed: here all of them are, of the table next to none.

    Pages that such a rewrite makes are written out at its end.
    """
    with suppress(errors.ServerError):
        await session.execute(f"ALTER TABLE {quote.table(clone)} FORCE, ALGORITHM=INPLACE, LOCK=NONE", doing=_DOING)


async def _altered(session: Session, clone: TableName, alter: AlterText, native: Native | None) -> Native:
    """How the server made the change, with the seconds that it took."""
    if native is None:
        found = await native_way(session, clone, alter)
        if found is not None:
            return found
    request = f"{native.request}, " if native is not None else ""
    began = time.monotonic()
    await session.execute(f"ALTER TABLE {quote.table(clone)} {request}{alter.clauses}", doing=_DOING)
    took = time.monotonic() - began
    if native is None:
        return Native("COPY", "SHARED", rewrites=True, builds=False, seconds=took)
    return Native(native.algorithm, native.lock, native.rewrites, native.builds, took)


def _written(done: Native, before: tuple[int, int], after: tuple[int, int]) -> tuple[int, int]:
    """Bytes of rows, and of indexes, that stand on the disk beside what was there before."""
    if done.rewrites:
        return after
    return max(0, after[0] - before[0]), max(0, after[1] - before[1])
