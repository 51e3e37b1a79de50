"""Copy, resync and comparison of rows, by SQL on the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ghostpy import errors
from ghostpy.dialects.mysql.conflicts import resolve, to_key
from ghostpy.dialects.mysql.driver_errors import DuplicateEntry
from ghostpy.dialects.mysql.misfits import keys_of, with_example
from ghostpy.dialects.mysql.pairing import Pairing
from ghostpy.dialects.mysql.session import Session, SessionLost, SessionPool
from ghostpy.dialects.mysql.statements import Statements
from ghostpy.model.difference import Difference
from ghostpy.model.keys import Bound, Key, KeyRange, Mark
from ghostpy.protocols import Copied, Resynced

# A conflict may pass by itself between the refusal and the look at its cause.
_CONFLICT_ATTEMPTS = 10
_CUT_AT_ONCE = 5000
_CHUNKS_BY_PART = 50


class RowCopier:
    """Fulfils `Copying`."""

    def __init__(self, pool: SessionPool, statements: Statements) -> None:
        self._pool = pool
        self._statements = statements
        self._begun: dict[KeyRange, set[Key]] = {}
        """Chunks that are to be tried again: keys of stale rows that were removed for them."""
        self._doubtful: set[KeyRange] = set()
        """Those whose session was lost: copied perhaps, or not."""

    async def next_bound(self, low: Bound | None, rows: int) -> Bound | None:
        async with self._pool.session() as session:
            found = await session.query(self._statements.next_bound(low, rows), doing="looking for the next chunk")
            await session.commit()
        return tuple(_ascii(literal) for literal in found[0]) if found else None

    async def copy(self, chunk: KeyRange) -> Copied:
        of = self._statements
        condition = of.within(chunk, of.source_key)
        dirty = self._begun.pop(chunk, set())
        try:
            async with self._pool.session() as session:
                if chunk in self._doubtful:
                    await self._empty(session, condition)
                for _ in range(_CONFLICT_ATTEMPTS):
                    try:
                        rows = await session.execute(of.copy(chunk), doing=f"copying rows of {of.plan.source.name}")
                        await session.commit()
                        self._doubtful.discard(chunk)
                        return Copied(rows=rows, dirty=dirty)
                    except DuplicateEntry as error:
                        refused = error
                        await session.rollback()
                        dirty |= await resolve(session, of, condition)
                    except errors.DataDoesNotFit as error:
                        await session.rollback()
                        keys = await keys_of(session, of, condition)
                        raise await with_example(session, of, keys, error) from error
        except errors.TransientError as error:
            self._begun[chunk] = dirty
            if isinstance(error, SessionLost):
                # Its COMMIT may have been done: only the answer was lost.
                self._doubtful.add(chunk)
            raise
        raise _unresolved(of, refused)

    async def cut(self, low: Bound) -> None:
        """See `Copying.cut`."""
        of, pairing = self._statements, Pairing.of(self._statements)
        doing = "removing rows that were copied after the last checkpoint"
        async with self._pool.session() as session:
            if not pairing.same_order:
                beyond = [to_key(of, row[0]) for row in await session.query(pairing.beyond(low), doing=doing)]
                for start in range(0, len(beyond), _CUT_AT_ONCE):
                    await session.execute(of.delete_keys(beyond[start : start + _CUT_AT_ONCE]), doing=doing)
                    await session.commit()
                return
            removed = _CUT_AT_ONCE
            while removed == _CUT_AT_ONCE:
                removed = await session.execute(of.delete_beyond(low, _CUT_AT_ONCE), doing=doing)
                await session.commit()

    async def _empty(self, session: Session, condition: str) -> None:
        """Take back what a lost session may have copied.

        Rows that have left the source since then stay: their change is in the stream, and behind the chunk's first copy.
        """
        keys = await keys_of(session, self._statements, condition)
        if keys:
            await session.execute(self._statements.delete_keys(keys), doing="emptying a chunk to copy it again")
        await session.commit()


class Resyncer:
    """Fulfils `Resyncing` on the sessions of a pool."""

    def __init__(self, pool: SessionPool, statements: Statements) -> None:
        self._pool = pool
        self._statements = statements

    async def resync(self, keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
        async with self._pool.session() as session:
            return await resync_on(session, self._statements, keys, copied)


async def resync_on(session: Session, of: Statements, keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
    """`Resyncing.resync` on a given session (autocommit off)."""
    wanted = copied.not_beyond(keys)
    dirty: set[Key] = set()
    if not wanted:
        return Resynced(done=len(keys), pending={})
    doing = f"resyncing rows of {of.plan.source.name}"
    for _ in range(_CONFLICT_ATTEMPTS):
        try:
            if of.writes_over:
                found = await session.selected(of.write_over(wanted, copied), doing=doing)
                if found != len(wanted):
                    # Behind it: a locking read has waited by then for whoever has changed these rows.
                    gone = [to_key(of, row[0]) for row in await session.query(of.gone(wanted), doing=doing)]
                    if gone:
                        await session.execute(of.delete_keys(gone), doing=doing)
            else:
                await session.execute(of.delete_keys(wanted), doing=doing)
                await session.execute(of.insert_keys(wanted, copied), doing=doing)
            await session.commit()
            return Resynced(done=len(keys), pending={}, dirty=dirty)
        except DuplicateEntry as error:
            refused = error
            await session.rollback()
            condition = of.among(wanted, of.source_key)
            if copied.high is not None:
                condition += f" AND ({of.within(copied, of.source_key)})"
            dirty |= await resolve(session, of, condition)
        except errors.DataDoesNotFit as error:
            await session.rollback()
            raise await with_example(session, of, wanted, error) from error
    raise _unresolved(of, refused)


def _unresolved(of: Statements, refused: DuplicateEntry) -> errors.DuplicateRows:
    return errors.DuplicateRows(f"{refused.message}; the source {of.plan.source.name} is untouched")


def _ascii(literal: object) -> str:
    return literal.decode("ascii") if isinstance(literal, bytes) else str(literal)


class RowComparer:
    """Fulfils `Comparing` and `Examining`."""

    def __init__(self, pool: SessionPool, statements: Statements) -> None:
        self._pool = pool
        self._statements = statements
        self.pairing = Pairing.of(statements)
        self._by_part = 0
        """For so many chunks to come: one was not equal, as chunks are into which somebody writes."""

    async def compare(self, chunk: KeyRange) -> tuple[int, Sequence[Key]]:
        if not self.pairing.same_order:
            return await self._counted(chunk), await self._keys(self.pairing.differing_in(chunk))
        if self._by_part:
            return await self._compared_by_part(chunk)
        counted, equal = await self.count_differences(chunk)
        if equal:
            return counted, ()
        self._by_part = _CHUNKS_BY_PART
        return counted, await self._keys(self.pairing.differing_in(chunk))

    async def _compared_by_part(self, chunk: KeyRange) -> tuple[int, Sequence[Key]]:
        async with self._pool.session() as session:
            rows = await session.query(self.pairing.totals_by_part(chunk), doing="comparing rows")
            await session.commit()
        sides: tuple[dict[int, tuple[int, object]], ...] = ({}, {})
        for side, part, counted, digest in rows:
            sides[int(side)][int(part)] = int(counted), digest
        source, shadow = sides
        parts = [part for part in source.keys() | shadow.keys() if source.get(part) != shadow.get(part)]
        # Of several workers another may have come to the end of these chunks meanwhile.
        self._by_part = _CHUNKS_BY_PART if parts else max(0, self._by_part - 1)
        counted = sum(rows for rows, _ in source.values())
        return counted, await self._keys(self.pairing.differing_in(chunk, parts)) if parts else ()

    async def count_differences(self, chunk: KeyRange) -> tuple[int, bool]:
        if not self.pairing.same_order:
            return await self._counted(chunk), not await self.found_in(chunk, 1)
        async with self._pool.session() as session:
            rows = await session.query(self.pairing.totals(chunk), doing="comparing rows")
            await session.commit()
        source_rows, source_digest, shadow_rows, shadow_digest = rows[0]
        return int(source_rows), (source_rows, source_digest) == (shadow_rows, shadow_digest)

    async def _counted(self, chunk: KeyRange) -> int:
        async with self._pool.session() as session:
            counted = int(await session.scalar(self.pairing.count(chunk), doing="comparing rows"))
            await session.commit()
        return counted

    async def still_different(self, keys: Sequence[Key]) -> Sequence[Key]:
        return [each.key for each in await self.found_among(keys)]

    async def found_in(self, chunk: KeyRange, limit: int) -> Sequence[Difference]:
        return await self._found(f"{self.pairing.differing_in(chunk)} LIMIT {limit}")

    async def found_among(self, keys: Sequence[Key]) -> Sequence[Difference]:
        return await self._found(self.pairing.differing_among(keys)) if keys else ()

    async def _keys(self, sql: str) -> Sequence[Key]:
        return [each.key for each in await self._found(sql)]

    async def _found(self, sql: str) -> Sequence[Difference]:
        async with self._pool.session() as session:
            rows = await session.query(sql, doing="comparing rows")
            await session.commit()
        return [Difference(to_key(self._statements, text), source, other) for text, source, other in rows]
