"""What PostgreSQL does itself, tried on a sample of the table's pages: in a transaction that nobody else sees, and that is rolled back.

An index is built there as CREATE INDEX without CONCURRENTLY builds it. What that does more, it does by reading the table, and the index,
once more. Constraints are not validated but the same question asked of the sample: a foreign key to the real table would lock it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.clone.clone import build_clone
from ghostpy.dialects.postgres.facts import ServerFacts
from ghostpy.dialects.postgres.in_place.probe import undone
from ghostpy.dialects.postgres.in_place.steps import Step
from ghostpy.dialects.postgres.page_sample import PageSample
from ghostpy.dialects.postgres.replay import path_of, run_under
from ghostpy.dialects.postgres.session import Session
from ghostpy.dialects.postgres.target import Target
from ghostpy.model.names import TableName
from ghostpy.model.plan import Plan
from ghostpy.model.table import Generated
from ghostpy.model.trial import Trial, TrialStep
from ghostpy.planning.postgres_alter import alone, parse_alter

_DOING = "trying the change on a sample"
_LIMITS = {
    "lock_timeout": "5s",
    "statement_timeout": "20s",
    # Neither a validation nor a rewrite is done by more than one process.
    "max_parallel_workers_per_gather": "0",
}
_AGAIN = 0.25
"""Of the time of a build: what CONCURRENTLY takes to sort the index's places, beside reading the table once more."""
_CHECKING = 1.5
"""Validation looks at a row in a more general way than a query does that only counts."""
_STEP_LOG = 16 << 10
"""Bytes of WAL for the catalogs, a statement."""
_NAME = r'(?:"(?:[^"]|"")+"|[^\s",.()]+)'
_REFERS = re.compile(
    rf"FOREIGN KEY \(({_NAME}(?:, {_NAME})*)\) REFERENCES ({_NAME}(?:\.{_NAME})?)\(({_NAME}(?:, {_NAME})*)\)"
)


async def steps_tried(session: Session, facts: ServerFacts, plan: Plan, steps: Sequence[Step], seconds: float) -> Trial:
    """What each of `steps` takes that is not done at once. `session` is in autocommit and outside of a transaction."""
    slow = [step for step in steps if not step.quick and not step.sql[0].startswith("DROP INDEX")]
    if not slow:
        return Trial(0, 0.0, (), note="no step takes longer for a larger table")
    source, clone = plan.source.name, plan.names.probe
    async with session.transaction(keep=False, doing=_DOING):
        await _begin(session, clone)
        unlogged = await _unlogged(session, source)
        await session.execute(
            f"CREATE {unlogged}TABLE {quote.table(clone)} AS SELECT * FROM ONLY {quote.table(source)} WITH NO DATA",
            doing=_DOING,
        )
        tried = _Tried(session, facts, source, clone)
        empty = [await tried.built(step, 0) if step.alone else 0.0 for step in slow]
        pages = PageSample(session, facts, source, clone, [column.name for column in plan.source.columns])
        rows, took = await pages.taken(seconds)
        await session.execute(f"ANALYZE {quote.table(clone)}", doing=_DOING)
        await tried.read(pages.times)
        found = [await tried.step(step, fixed) for step, fixed in zip(slow, empty, strict=True)]
    return Trial(rows, took, tuple(found))


async def rewrite_tried(session: Session, facts: ServerFacts, plan: Plan, target: Target, seconds: float) -> Trial:
    """The ALTER as PostgreSQL itself would make it. `session` is in autocommit and outside of a transaction."""
    source, clone = plan.source.name, plan.names.probe
    columns = [column.name for column in plan.source.columns if column.generated is Generated.NO]
    async with session.transaction(keep=False, doing=_DOING):
        await _begin(session, clone)
        made = await build_clone(session, source, clone, ())
        path = path_of(clone, source)
        for index in made.indexes:
            await run_under(session, path, index.create, doing=_DOING)
        alters = target.alter.statements(quote.table(clone))
        await session.execute("SAVEPOINT empty", doing=_DOING)
        began = time.monotonic()
        for alter in alters:
            await session.execute(alter, doing=_DOING)
        fixed = time.monotonic() - began
        await session.execute("ROLLBACK TO empty", doing=_DOING)
        pages = PageSample(session, facts, source, clone, columns)
        rows, took = await pages.taken(seconds)
        before, start = await _files(session, clone), await _wal(session)
        began = time.monotonic()
        for alter in alters:
            await session.execute(alter, doing=_DOING)
        altering = time.monotonic() - began
        end, after = await _wal(session), await _files(session, clone)
    # Files that were not there before stand on the disk beside those that they replace.
    written = {kind: sum(size for file, (of, size) in after.items() if of == kind and file not in before) for kind in ("r", "i")}  # fmt: skip
    step = TrialStep(
        does="the server's ALTER",
        seconds=altering,
        fixed=min(fixed, altering),
        times=pages.times,
        sorts=bool(written["i"]),
        bytes=sum(written.values()),
        sorted_bytes=written["i"],
        log_bytes=None if start is None or end is None else max(0, end - start),
    )
    return Trial(rows, took, (step,))


class _Tried:
    """Steps, each tried on the sample; and what it takes to read that."""

    def __init__(self, session: Session, facts: ServerFacts, source: TableName, clone: TableName) -> None:
        self._session = session
        self._facts = facts
        self._source = source
        self._clone = clone
        self._table = quote.table(clone)
        self._times = 1.0
        self._reading = 0.0

    async def read(self, times: float) -> None:
        """`times`: as many as the whole table has pages for one of the sample."""
        self._times = times
        self._reading = await self._timed(f"SELECT count(*) FROM {self._table}")

    async def step(self, step: Step, fixed: float) -> TrialStep:
        if step.alone:
            return await self._index(step, fixed)
        refers = step.refers or ("" if step.against else await self._foreign_key(step))
        if refers:
            return await self._lookup(step, refers)
        condition = step.against or "true"
        seconds = await self._timed(f"SELECT count(*) FROM {self._table} WHERE NOT ({condition})")
        return TrialStep(step.doing, seconds * _CHECKING, times=self._times, log_bytes=_STEP_LOG, log_grows=False)

    async def built(self, step: Step, number: int) -> float:
        """Seconds that an index takes, which is gone again."""
        async with undone(self._session):
            return await self._built(step, f"sample {number}")

    async def _built(self, step: Step, name: str) -> float:
        (clause,) = parse_alter(step.sql[0]).clauses
        began = time.monotonic()
        await self._session.execute(alone(clause, self._table, name=name), doing=_DOING)
        return time.monotonic() - began

    async def _index(self, step: Step, fixed: float) -> TrialStep:
        start = await _wal(self._session)
        async with undone(self._session):
            await self._scaled_workers()
            seconds = await self._built(step, "sample")
            end = await _wal(self._session)
            name = quote.text(quote.table(self._clone.beside("sample")))
            size = int(await self._session.scalar(f"SELECT pg_relation_size({name}::regclass)", doing=_DOING))
        return TrialStep(
            step.doing,
            seconds + max(0.0, seconds - fixed) * _AGAIN + self._reading,
            min(fixed, seconds),
            times=self._times,
            sorts=True,
            bytes=size,
            sorted_bytes=size,
            log_bytes=None if start is None or end is None else max(0, end - start),
        )

    async def _scaled_workers(self) -> None:
        """As many processes for the sample as for the whole table ("max_parallel_maintenance_workers")."""
        blocks = await self._session.scalar(
            "SELECT setting::int8 FROM pg_settings WHERE name = 'min_parallel_table_scan_size'", doing=_DOING
        )
        scaled = max(1, round(int(blocks) / self._times))
        await self._session.execute(f"SET LOCAL min_parallel_table_scan_size = {scaled}", doing=_DOING)

    async def _foreign_key(self, step: Step) -> str:
        """The definition of the constraint that is there and validated by `step`, if it is a foreign key."""
        (clause,) = parse_alter(step.sql[0]).clauses
        found = await self._session.scalar(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND conname = %s AND contype = 'f'",
            [quote.table(self._source), clause.name],
            doing=_DOING,
        )
        return str(found or "")

    async def _lookup(self, step: Step, refers: str) -> TrialStep:
        """As PostgreSQL itself asks: one join, with the memory of maintenance. By costs, because its other table is read as a whole for any sample."""
        match = _REFERS.match(refers)
        if match is None:  # PERIOD
            raise errors.ServerError(f"what {step.doing} takes cannot be told: {refers}")
        children, parents = (re.findall(_NAME, match[place]) for place in (1, 3))
        pairs = list(zip(children, parents, strict=True))
        on = " AND ".join(f"p.{parent} = c.{child}" for child, parent in pairs)
        given = " AND ".join(f"c.{child} IS NOT NULL" for child, _ in pairs)

        def question(table: str) -> str:
            return (
                f"SELECT {', '.join(f'c.{child}' for child in children)} FROM ONLY {table} c "
                f"LEFT OUTER JOIN {match[2]} p ON {on} WHERE p.{parents[0]} IS NULL AND {given}"
            )

        async with undone(self._session):
            await self._session.execute(
                "SELECT set_config('work_mem', current_setting('maintenance_work_mem'), true)", doing=_DOING
            )
            sample, whole = question(self._table), question(quote.table(self._source))
            costs = [await self._cost(sql) for sql in (sample, whole)]
            seconds = await self._timed(sample)
        times = max(costs[1] / costs[0], 1.0) if costs[0] else self._times
        return TrialStep(step.doing, seconds, times=times, log_bytes=_STEP_LOG, log_grows=False)

    async def _cost(self, sql: str) -> float:
        plan = await self._session.scalar(f"EXPLAIN (FORMAT JSON) {sql}", doing=_DOING)
        return float(plan[0]["Plan"]["Total Cost"])

    async def _timed(self, sql: str) -> float:
        began = time.monotonic()
        await self._session.query(sql, doing=_DOING)
        return time.monotonic() - began


async def _begin(session: Session, clone: TableName) -> None:
    limits = [f"SET LOCAL {name} = {quote.text(value)}" for name, value in _LIMITS.items()]
    await session.execute("; ".join([f"CREATE SCHEMA {quote.name(clone.schema)}", *limits]), doing=_DOING)


async def _unlogged(session: Session, table: TableName) -> str:
    kind = await session.scalar(
        "SELECT relpersistence::text FROM pg_class WHERE oid = %s::regclass", [quote.table(table)], doing=_DOING
    )
    return "UNLOGGED " if kind == "u" else ""


async def _wal(session: Session) -> int | None:
    """The end of the WAL; None where a table that is new is not written to it."""
    level, position = (
        await session.query(
            "SELECT current_setting('wal_level'), (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::int8", doing=_DOING
        )
    )[0]
    return None if level == "minimal" else int(position)


async def _files(session: Session, table: TableName) -> dict[int, tuple[str, int]]:
    """By their numbers the files of a table (`r`) and of its indexes (`i`), with their bytes."""
    rows = await session.query(
        """
        WITH tables AS (SELECT oid, reltoastrelid FROM pg_class WHERE oid = %s::regclass),
             rows AS (SELECT oid FROM tables UNION SELECT reltoastrelid FROM tables WHERE reltoastrelid <> 0)
        SELECT pg_relation_filenode(oid)::int8, 'r', pg_relation_size(oid) FROM rows
        UNION ALL SELECT pg_relation_filenode(indexrelid)::int8, 'i', pg_relation_size(indexrelid) FROM pg_index JOIN rows ON oid = indrelid
        """,
        [quote.table(table)],
        doing=_DOING,
    )
    return {int(file): (str(kind), int(size)) for file, kind, size in rows}
