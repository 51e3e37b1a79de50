"""Copy, resync and comparison of rows, by SQL on the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from ghostpy import errors
from ghostpy.dialects.postgres.conflicts import resolve
from ghostpy.dialects.postgres.dense_keys import DenseKeys
from ghostpy.dialects.postgres.driver_errors import DuplicateEntry
from ghostpy.dialects.postgres.key_text import is_integer, to_key
from ghostpy.dialects.postgres.misfits import keys_of, with_example
from ghostpy.dialects.postgres.pairing import Pairing
from ghostpy.dialects.postgres.session import Session, SessionPool
from ghostpy.dialects.postgres.snapshot import current_snapshot
from ghostpy.dialects.postgres.statements import Statements
from ghostpy.model.difference import Difference
from ghostpy.model.keys import Bound, Key, KeyRange, Mark
from ghostpy.protocols import Copied, Resynced

# A conflict may pass by itself between the refusal and the look at its cause.
_CONFLICT_ATTEMPTS = 10

POOL_SETTINGS = {
    # Rows are looked up by key here, always: a plan for the whole table, chosen for want of statistics, would take as long as the table is large.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "max_parallel_workers_per_gather": "0",
}


class RowCopier:
    """Fulfils `Copying`."""

    def __init__(self, pool: SessionPool, statements: Statements) -> None:
        self._pool = pool
        self._statements = statements
        self._dense = DenseKeys() if is_integer(statements.plan.copy_key.source_columns) else None
        self._doubtful: dict[KeyRange, tuple[int, int]] = {}
        """Chunks whose COMMIT was sent and not answered: transaction and rows."""

    async def next_bound(self, low: Bound | None, rows: int) -> Bound | None:
        dense, doing = self._dense, "looking for the next chunk"
        if dense is not None and (counted := dense.bound(low, rows)) is not None:
            return counted
        async with self._pool.session() as session:
            found = await session.query(self._statements.next_bound(low, rows), doing=doing)
            high = tuple(map(str, found[0])) if found else None
            if dense is not None and dense.close(low, rows, high):
                assert high is not None
                last = await session.scalar(self._statements.last_key, doing=doing)
                dense.answered(rows, high, last=int(last or high[0]))
        return high

    async def copy(self, chunk: KeyRange) -> Copied:
        of = self._statements
        async with self._pool.session() as session:
            if chunk in self._doubtful:
                transaction, rows = self._doubtful[chunk]
                committed = await _committed(session, transaction)
                del self._doubtful[chunk]
                if committed:
                    return Copied(rows=rows)
            try:
                await session.execute("BEGIN", doing="copying rows")
                transaction = int(
                    await session.scalar("SELECT pg_current_xact_id()::text", doing="beginning a chunk") or 0
                )
                rows = await session.execute(of.copy_chunk(chunk), doing=f"copying rows of {of.plan.source.name}")
                self._doubtful[chunk] = transaction, rows
                await session.execute("COMMIT", doing=f"copying rows of {of.plan.source.name}")
                del self._doubtful[chunk]
            except errors.DataDoesNotFit as error:
                self._doubtful.pop(chunk, None)
                await session.rollback()
                keys = await keys_of(session, of, of.within(chunk, of.source_key))
                raise await with_example(session, of, keys, error) from error
        return Copied(rows=rows)

    async def cut(self, low: Bound) -> None:
        """See `Copying.cut`. In one statement: the shadow may have no index yet."""
        async with self._pool.session() as session:
            await session.execute(
                Pairing.of(self._statements).delete_beyond(low),
                doing="removing rows that were copied after the last checkpoint",
            )


async def _committed(session: Session, transaction: int) -> bool:
    """Whether a transaction of a session that is gone was committed ("pg_xact_status")."""
    status = await session.scalar(
        "SELECT pg_xact_status(%s::text::xid8)", [transaction], doing="asking what became of a transaction"
    )
    return bool(status == "committed")


class Resyncer:
    """Fulfils `Resyncing` on the sessions of a pool."""

    def __init__(self, pool: SessionPool, statements: Statements) -> None:
        self._pool = pool
        self._statements = statements

    async def resync(self, keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
        async with self._pool.session() as session:
            return await resync_on(session, self._statements, keys, copied)


async def resync_on(
    session: Session, of: Statements, keys: Mapping[Key, Mark], copied: KeyRange, *, within: bool = False
) -> Resynced:
    """`Resyncing.resync` on a given session; `within`: as a part of the transaction that is open there.

    The fence: what this session's snapshot shows is what all its later snapshots show, so once a key's transaction is visible here, the
    statements that follow read the row as that transaction left it, or as a later one did.
    """
    snapshot = await current_snapshot(session)
    visible = [key for key, mark in keys.items() if snapshot.shows(mark)]
    pending = {key: mark for key, mark in keys.items() if not snapshot.shows(mark)}
    dirty: set[Key] = set()
    wanted = copied.not_beyond(visible)
    if not wanted:
        return Resynced(done=len(visible), pending=pending)
    doing = f"resyncing rows of {of.plan.source.name}"
    begin, end, undo = ("SAVEPOINT r", "RELEASE r", "ROLLBACK TO r") if within else ("BEGIN", "COMMIT", "ROLLBACK")
    script = "; ".join([begin, *of.store(wanted, copied), end])
    for _ in range(_CONFLICT_ATTEMPTS):
        try:
            await session.execute(script, doing=doing)
            return Resynced(done=len(visible), pending=pending, dirty=dirty)
        except DuplicateEntry as error:
            refused = error
            await session.execute(undo, doing=doing)
            condition = of.in_source(wanted)
            if copied.high is not None:
                condition += f" AND ({of.within(copied, of.source_key)})"
            dirty |= await resolve(session, of, condition)
        except errors.DataDoesNotFit as error:
            await session.execute(undo, doing=doing)
            if within:
                raise
            raise await with_example(session, of, wanted, error) from error
        except errors.TransientError:
            if not within:
                with suppress(errors.GhostpyError):
                    await session.execute(undo, doing=doing)
            raise
    raise errors.DuplicateRows(f"{refused.message}; the source {of.plan.source.name} is untouched")


class RowComparer:
    """Fulfils `Comparing` and `Examining`."""

    def __init__(self, pool: SessionPool, statements: Statements) -> None:
        self._pool = pool
        self._statements = statements
        self._pairing = Pairing.of(statements)

    async def compare(self, chunk: KeyRange) -> tuple[int, Sequence[Key]]:
        pairing = self._pairing
        if pairing.same_order:
            return await self._side_by_side(chunk)
        return await self._counted(chunk), [each.key for each in await self._found(pairing.differing_in(chunk))]

    async def count_differences(self, chunk: KeyRange) -> tuple[int, bool]:
        if not self._pairing.same_order:
            return await self._counted(chunk), not await self.found_in(chunk, 1)
        counted, keys = await self._side_by_side(chunk)
        return counted, not keys

    async def _counted(self, chunk: KeyRange) -> int:
        async with self._pool.session() as session:
            return int(await session.scalar(self._pairing.count(chunk), doing="comparing rows"))

    async def _side_by_side(self, chunk: KeyRange) -> tuple[int, Sequence[Key]]:
        async with self._pool.session() as session, session.transaction(doing="comparing rows"):
            # In the order of the key, and not by a hash of all of the chunk.
            await session.execute("SET LOCAL enable_mergejoin = on", doing="comparing rows")
            rows = await session.query(self._pairing.side_by_side(chunk), doing="comparing rows")
        counted, differing = rows[0]
        return int(counted), [to_key(self._statements.plan.copy_key, text) for text in differing or ()]

    async def still_different(self, keys: Sequence[Key]) -> Sequence[Key]:
        return [each.key for each in await self.found_among(keys)]

    async def found_in(self, chunk: KeyRange, limit: int) -> Sequence[Difference]:
        return await self._found(f"{self._pairing.differing_in(chunk)} LIMIT {limit}")

    async def found_among(self, keys: Sequence[Key]) -> Sequence[Difference]:
        return await self._found(self._pairing.differing_among(keys)) if keys else ()

    async def _found(self, sql: str) -> Sequence[Difference]:
        async with self._pool.session() as session:
            rows = await session.query(sql, doing="comparing rows")
        key = self._statements.plan.copy_key
        return [Difference(to_key(key, text), source, other) for text, source, other in rows]
