"""Looks at all rows of a table that is expanded, or to be: do they fit, are they in step? The same SQL on both kinds of servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any, Protocol

from msgspec import Struct

from ghostpy import errors
from ghostpy.dialects import expansion_walk as walk
from ghostpy.dialects.expansion_text import StepSql
from ghostpy.model.column_map import CopyKey
from ghostpy.model.expansion import Fit, Steps
from ghostpy.model.keys import Bound, KeyRange
from ghostpy.model.table import Column

_DOING = "looking at the rows"


class Asked(Protocol):
    """A session."""

    async def query(self, sql: str, *, doing: str) -> list[tuple[Any, ...]]: ...

    async def execute(self, sql: str, *, doing: str) -> int: ...


class Along(Protocol):
    """The statements of a walk along a table's key."""

    source_key: list[str]

    @property
    def bounds(self) -> str: ...

    def next_bound(self, low: Bound | None, rows: int) -> str: ...

    def within(self, chunk: KeyRange, names: list[str], /) -> str: ...


class Walked(Struct, frozen=True):
    """`of`: the table as it stands behind FROM; `temporary`: a name for a temporary table; `typed`: a column's type in a definition."""

    key: CopyKey
    along: Along
    of: str
    temporary: str
    typed: Callable[[Column], str]
    shown: Callable[[object], str]


class ExpansionRows:
    """Over one session, which does nothing else meanwhile."""

    def __init__(self, session: Asked, sql: StepSql, walked: Walked) -> None:
        self._session = session
        self._sql = sql
        self._walked = walked

    async def steps(self) -> Steps:
        """How many rows are in step."""
        sql, rows, differing, waiting = self._sql, 0, 0, 0
        examples: list[str] = []
        async for chunk in walk.chunks(self._next_bound):
            of = f"FROM {self._walked.of} WHERE {self._within(chunk)}"
            [(some, wrong, empty)] = await self._session.query(
                f"SELECT COUNT(*), {_count(sql.out_of_step)}, {_count(sql.to_fill)} {of}", doing=_DOING
            )
            rows, differing, waiting = rows + int(some), differing + int(wrong), waiting + int(empty)
            if wrong + empty and len(examples) < walk.EXAMPLES:
                order, limit = ", ".join(self._walked.along.source_key), walk.EXAMPLES - len(examples)
                found = await self._session.query(
                    f"SELECT {self._walked.along.bounds} {of} AND (({sql.out_of_step}) OR ({sql.to_fill})) ORDER BY {order} LIMIT {limit}",
                    doing=_DOING,
                )
                examples += [self._shown(_bound(row)) for row in found]
        return Steps(rows, differing, tuple(examples), waiting)

    async def fit(self) -> Fit:
        """Store what `up` gives, and what `down` makes of that, in a temporary table of the same types: so the server says what fits."""
        rows = changed = 0
        examples: list[str] = []
        async with self._temporary() as temporary:
            async for chunk in walk.chunks(self._next_bound):
                try:
                    await temporary.up_and_down(chunk)
                except errors.DataDoesNotFit:
                    up = await walk.misfits(temporary.up, chunk, self._next_bound)
                    down = [] if up else await walk.misfits(temporary.up_and_down, chunk, self._next_bound)
                    return Fit(rows, tuple(map(self._shown, up)), tuple(map(self._shown, down)))
                some, other = await temporary.counted()
                rows, changed = rows + some, changed + other
                if other and len(examples) < walk.EXAMPLES:
                    found = await temporary.changed(walk.EXAMPLES - len(examples))
                    examples += [self._shown(_bound(row)) for row in found]
        return Fit(rows, changed=changed, changed_examples=tuple(examples))

    async def _next_bound(self, low: Bound | None, rows: int) -> Bound | None:
        found = await self._session.query(self._walked.along.next_bound(low, rows), doing=_DOING)
        return _bound(found[0]) if found else None

    def _within(self, chunk: KeyRange) -> str:
        return self._walked.along.within(chunk, self._walked.along.source_key)

    def _shown(self, key: Bound) -> str:
        pairs = zip(self._walked.key.source_columns, key, strict=True)
        return ", ".join(f"{column.name} = {self._walked.shown(literal)}" for column, literal in pairs)

    @asynccontextmanager
    async def _temporary(self) -> AsyncIterator[_Temporary]:
        temporary = _Temporary(self._session, self._sql, self._walked)
        await temporary.make()
        try:
            yield temporary
        finally:
            await temporary.drop()


class _Temporary:
    """A table with the key, the old side twice, as it is and as it comes back, and the new side."""

    def __init__(self, session: Asked, sql: StepSql, walked: Walked) -> None:
        self._session, self._sql, self._walked = session, sql, walked
        self._keys = [sql.name(f"ghostpy key {number}") for number in range(len(walked.key.source_columns))]
        self._back = [sql.name(f"ghostpy back {number}") for number in range(len(sql.old))]
        self._old = [sql.name(name) for name in sql.old]

    async def make(self) -> None:
        sql = self._sql
        parts = [f"{key} TEXT" for key in self._keys]
        for name, quoted, back in zip(sql.old, self._old, self._back, strict=True):
            column = sql.columns[name]
            typed = f"{self._walked.typed(column)} {'NULL' if column.nullable else 'NOT NULL'}"
            parts += [f"{quoted} {typed}", f"{back} {typed}"]
        parts += [f"{sql.name(name)} {self._walked.typed(sql.columns[name])} NULL" for name in sql.new]
        await self.drop()
        await self._session.execute(
            f"CREATE TEMPORARY TABLE {self._walked.temporary} ({', '.join(parts)})", doing="making a temporary table"
        )

    async def drop(self) -> None:
        await self._session.execute(f"DROP TABLE IF EXISTS {self._walked.temporary}", doing=_DOING)

    async def up(self, chunk: KeyRange) -> None:
        walked, up = self._walked, self._sql.expansion.up
        await self._session.execute(f"DELETE FROM {walked.temporary}", doing=_DOING)
        into = [*self._keys, *self._old, *self._back, *(self._sql.name(name) for name, _ in up)]
        values = [walked.along.bounds, *self._old, *self._old, *(f"({text})" for _, text in up)]
        within = walked.along.within(chunk, walked.along.source_key)
        await self._session.execute(
            f"INSERT INTO {walked.temporary} ({', '.join(into)}) SELECT {', '.join(values)} FROM {walked.of} WHERE {within}",
            doing="trying --up",
        )

    async def up_and_down(self, chunk: KeyRange) -> None:
        await self.up(chunk)
        down, alias = dict(self._sql.expansion.down), self._sql.name(self._sql.expansion.source.table)
        sets = ", ".join(f"{back} = ({down[name]})" for name, back in zip(self._sql.old, self._back, strict=True))
        await self._session.execute(f"UPDATE {self._walked.temporary} AS {alias} SET {sets}", doing="trying --down")

    async def counted(self) -> tuple[int, int]:
        """All rows, and those that do not come back as they were."""
        of = f"FROM {self._walked.temporary}"
        [(rows, changed)] = await self._session.query(f"SELECT COUNT(*), {_count(self._changed)} {of}", doing=_DOING)
        return int(rows), int(changed)

    async def changed(self, limit: int) -> list[tuple[Any, ...]]:
        """The keys of some of those."""
        return await self._session.query(
            f"SELECT {', '.join(self._keys)} FROM {self._walked.temporary} WHERE {self._changed} LIMIT {limit}",
            doing=_DOING,
        )

    @cached_property
    def _changed(self) -> str:
        sql = self._sql
        triples = zip(sql.old, self._old, self._back, strict=True)
        return " OR ".join(f"NOT ({sql.same(old, back, sql.columns[name])})" for name, old, back in triples)


def _count(condition: str) -> str:
    return f"COALESCE(SUM(CASE WHEN {condition} THEN 1 ELSE 0 END), 0)"


def _bound(row: tuple[object, ...]) -> Bound:
    return tuple(literal.decode("ascii") if isinstance(literal, bytes) else str(literal) for literal in row)
