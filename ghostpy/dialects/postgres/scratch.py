"""A table of our own, like the shadow, into which a sample is copied: in a transaction that nobody else sees, and that is rolled back."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.clone.altered import Altered
from ghostpy.dialects.postgres.clone.clone import build_clone
from ghostpy.dialects.postgres.misfits import keys_of, with_example
from ghostpy.dialects.postgres.pairing import Pairing
from ghostpy.dialects.postgres.replay import path_of, run_under
from ghostpy.dialects.postgres.rows import POOL_SETTINGS
from ghostpy.dialects.postgres.session import Session
from ghostpy.dialects.postgres.statements import Statements
from ghostpy.dialects.postgres.target import Target
from ghostpy.model.keys import Bound, KeyRange
from ghostpy.model.plan import Plan

_LOCK = "5s"
_TIME = "20s"
"""For one statement of the sample: each takes a fraction of a second, unless the server is in trouble."""
_DOING = "copying a sample"


class SampleTable:
    """Fulfils `Scratch`, on one session."""

    def __init__(self, session: Session, plan: Plan, altered: Altered) -> None:
        self._session = session
        self._plan = plan
        self._altered = altered
        self._statements = Statements(plan)
        self._pairing = Pairing.of(self._statements)

    async def rows(self) -> int | None:
        """What ANALYZE has found is good enough, and a count reads the whole table."""
        return None

    async def next_bound(self, low: Bound | None, rows: int) -> Bound | None:
        found = await self._session.query(self._statements.next_bound(low, rows), doing=_DOING)
        return tuple(map(str, found[0])) if found else None

    async def copy(self, chunk: KeyRange) -> int:
        of, doing = self._statements, f"copying rows of {self._plan.source.name}"
        await self._session.execute("SAVEPOINT chunk", doing=doing)
        try:
            return await self._session.execute(of.copy_chunk(chunk), doing=doing)
        except errors.DataDoesNotFit as error:
            await self._session.execute("ROLLBACK TO chunk", doing=doing)
            keys = await keys_of(self._session, of, of.within(chunk, of.source_key))
            raise await with_example(self._session, of, keys, error, within=True) from error

    async def build_indexes(self) -> float:
        began, path = time.monotonic(), path_of(self._plan.names.shadow, self._plan.source.name)
        for index in self._altered.indexes:
            await run_under(self._session, path, index.create, doing=f"{_DOING}: building {index.name}")
        return time.monotonic() - began

    async def compare(self, chunk: KeyRange) -> None:
        pairing = self._pairing
        if pairing.same_order:
            await self._session.query(pairing.side_by_side(chunk), doing=_DOING)
            return
        await self._session.query(pairing.count(chunk), doing=_DOING)
        await self._session.query(pairing.differing_in(chunk) + " LIMIT 1", doing=_DOING)

    async def size(self) -> int | None:
        # A partitioned table has its rows in its partitions; a plain one has no tree.
        table = self._statements.shadow
        size = await self._session.scalar(
            "SELECT coalesce((SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(%s::regclass)), "
            "pg_total_relation_size(%s::regclass))::int8",
            [table, table],
            doing=_DOING,
        )
        return int(size)

    async def log_position(self) -> int | None:
        position = await self._session.scalar(
            "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::int8", doing="asking for the end of the WAL"
        )
        return int(position)


@asynccontextmanager
async def sample_table(session: Session, plan: Plan, target: Target) -> AsyncIterator[SampleTable]:
    """`session` is in autocommit and outside of a transaction."""
    probe, divided = plan.names.probe, target.alter.partitioning
    options = {**POOL_SETTINGS, "lock_timeout": _LOCK, "statement_timeout": _TIME}
    there = replace(plan, names=replace(plan.names, shadow=probe))
    async with session.transaction(keep=False, doing=_DOING):
        await session.execute(
            "; ".join([f"CREATE SCHEMA {quote.name(probe.schema)}", *_local(options)]),
            doing="making a table for a sample",
        )
        altered = await build_clone(
            session, plan.source.name, probe, target.alter.statements(quote.table(probe)), divided
        )
        yield SampleTable(session, there, altered)


def _local(options: dict[str, str]) -> list[str]:
    return [f"SET LOCAL {name} = {quote.text(value)}" for name, value in options.items()]
