"""The resync of a revert: from the new table into the old one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from ghostpy import errors
from ghostpy.dialects.postgres.conflicts import in_the_way
from ghostpy.dialects.postgres.driver_errors import DuplicateEntry
from ghostpy.dialects.postgres.misfits import keys_of, with_example
from ghostpy.dialects.postgres.rows import RowComparer
from ghostpy.dialects.postgres.session import Session, SessionPool
from ghostpy.dialects.postgres.snapshot import current_snapshot
from ghostpy.dialects.postgres.turned_statements import TurnedStatements
from ghostpy.model.keys import Key, KeyRange, Mark
from ghostpy.protocols import Resynced

_CONFLICT_ATTEMPTS = 10
_EVERYTHING = KeyRange(None, None)


class TurnedResyncer:
    """Fulfils `Resyncing` on the sessions of a pool."""

    def __init__(self, pool: SessionPool, statements: TurnedStatements) -> None:
        self._pool = pool
        self._statements = statements

    async def resync(self, keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
        async with self._pool.session() as session:
            return await turned_resync_on(session, self._statements, keys)


class TurnedComparer(RowComparer):
    """Fulfils `Comparing`, and names the row where one of the new table has no place in the old one.

    There is no copy before, in which that would have been noticed.
    """

    def __init__(self, pool: SessionPool, statements: TurnedStatements) -> None:
        super().__init__(pool, statements)
        self._sessions = pool
        self._of = statements

    async def compare(self, chunk: KeyRange) -> tuple[int, Sequence[Key]]:
        try:
            return await super().compare(chunk)
        except errors.DataDoesNotFit as error:
            raise await self._named(self._of.within(chunk, self._of.source_key), error) from error

    async def still_different(self, keys: Sequence[Key]) -> Sequence[Key]:
        try:
            return await super().still_different(keys)
        except errors.DataDoesNotFit as error:
            raise await self._named(self._of.in_source(keys), error) from error

    async def _named(self, condition: str, error: errors.DataDoesNotFit) -> errors.DataDoesNotFit:
        async with self._sessions.session() as session:
            return await with_example(session, self._of, await keys_of(session, self._of, condition), error)


async def turned_resync_on(
    session: Session, of: TurnedStatements, keys: Mapping[Key, Mark], *, within: bool = False
) -> Resynced:
    """`Resyncing.resync` on a given session, fenced as `rows.resync_on` is; `within`: as a part of the transaction that is open there.

    Deleting what is in the way of a row would lose the values of dropped columns. So all rows that stand in each other's way are written
    anew in one statement.
    """
    snapshot = await current_snapshot(session)
    visible = [key for key, mark in keys.items() if snapshot.shows(mark)]
    pending = {key: mark for key, mark in keys.items() if not snapshot.shows(mark)}
    if not visible:
        return Resynced(done=0, pending=pending)
    doing = f"resyncing rows of {of.plan.source.name}"
    begin, end, undo = ("SAVEPOINT r", "RELEASE r", "ROLLBACK TO r") if within else ("BEGIN", "COMMIT", "ROLLBACK")
    wanted: Collection[Key] = visible
    statements = of.store(visible, _EVERYTHING)
    for _ in range(_CONFLICT_ATTEMPTS):
        try:
            await session.execute("; ".join([begin, *statements, end]), doing=doing)
            return Resynced(done=len(visible), pending=pending)
        except DuplicateEntry as error:
            refused = error
            await session.execute(undo, doing=doing)
            wanted = await _in_each_others_way(session, of, visible)
            statements = (of.delete_gone(wanted), of.replace_keys(wanted), of.insert_missing(wanted))
        except errors.DataDoesNotFit as error:
            await session.execute(undo, doing=doing)
            if within:
                raise
            raise await with_example(session, of, list(wanted), error) from error
        except errors.TransientError:
            if not within:
                with suppress(errors.GhostpyError):
                    await session.execute(undo, doing=doing)
            raise
    raise errors.DuplicateRows(f"{refused.message}; {of.plan.source.name} is untouched")


async def _in_each_others_way(session: Session, of: TurnedStatements, keys: Collection[Key]) -> set[Key]:
    """`keys`, and those of the rows whose values they take, and so on. Raises DuplicateRows where the new table has them twice."""
    found = set(keys)
    while True:
        more = await in_the_way(session, of, of.in_source(found)) - found
        if not more:
            return found
        found |= more
