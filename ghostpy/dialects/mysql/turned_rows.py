"""The resync of a revert: from the new table into the old one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ghostpy import errors
from ghostpy.dialects.mysql.conflicts import colliding, in_the_way, to_key
from ghostpy.dialects.mysql.driver_errors import DuplicateEntry
from ghostpy.dialects.mysql.misfits import with_example
from ghostpy.dialects.mysql.session import Session, SessionPool
from ghostpy.dialects.mysql.turned_statements import TurnedStatements
from ghostpy.model.keys import Key, KeyRange, Mark
from ghostpy.protocols import Resynced

_CONFLICT_ATTEMPTS = 10
_KEYS_LOCKED = 100
"""In one transaction, where rows are locked: the more of them are held, the likelier a transaction of the application's is in the way."""
_EVERYTHING = KeyRange(None, None)


class TurnedResyncer:
    """Fulfils `Resyncing` on the sessions of a pool."""

    def __init__(self, pool: SessionPool, statements: TurnedStatements) -> None:
        self._pool = pool
        self._statements = statements

    async def resync(self, keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
        wanted, of = list(keys), self._statements
        size = _KEYS_LOCKED if of.holds_rows else len(wanted)
        async with self._pool.session() as session:
            for start in range(0, len(wanted), size):
                await _resynced(session, of, wanted[start : start + size])
        return Resynced(done=len(keys), pending={})


async def _resynced(session: Session, of: TurnedStatements, keys: Sequence[Key]) -> None:
    for _ in range(_CONFLICT_ATTEMPTS):
        try:
            await _brought_over(session, of, keys, of.update_keys(keys))
            await session.commit()
            return
        except DuplicateEntry as error:
            refused = error
            await session.rollback()
            if await _exchanged_values(session, of, keys):
                return
        except errors.DataDoesNotFit as error:
            await session.rollback()
            raise await with_example(session, of, keys, error) from error
    raise errors.DuplicateRows(f"{refused.message}; {of.plan.source.name} is untouched")


async def resync_frozen(session: Session, of: TurnedStatements, keys: Mapping[Key, Mark]) -> Resynced:
    """`Resyncing.resync` by the session that holds the lock. Raises TransientError where that must be done without it."""
    wanted = list(keys)
    try:
        await _brought_over(session, of, wanted, of.update_keys_frozen(wanted))
        await session.commit()
    except DuplicateEntry as error:
        await session.rollback()
        raise errors.TransientError(f"{error.message}; this is resolved without the lock") from error
    except errors.DataDoesNotFit as error:
        await session.rollback()
        raise await with_example(session, of, wanted, error) from error
    return Resynced(done=len(keys), pending={})


async def _brought_over(session: Session, of: TurnedStatements, keys: Sequence[Key], update: str) -> None:
    doing = f"resyncing rows of {of.plan.source.name}"
    gone = [to_key(of, row[0]) for row in await session.query(of.gone(keys), doing=doing)]
    if gone:
        await session.execute(of.delete_keys(gone), doing=doing)
    await session.execute(update, doing=doing)
    missing = [to_key(of, row[0]) for row in await session.query(of.missing(keys), doing=doing)]
    if missing:
        await session.execute(of.insert_keys(missing, _EVERYTHING), doing=doing)


async def _exchanged_values(session: Session, of: TurnedStatements, wanted: Sequence[Key]) -> bool:
    """Bring rows over together with those whose values they take. False where that did not come off, and may another time.

    Deleting what is in the way would lose the values of dropped columns. So all rows that stand in each other's way are replaced at
    once, with the new table's rows held meanwhile: none but those can be in the way. Raises DuplicateRows.
    """
    keys = set(wanted)
    while True:
        await session.query(of.locked(keys), doing="holding rows that exchange values")
        more = await in_the_way(session, of, of.among(keys, of.source_key)) - keys
        if not more:
            break
        keys |= more
    collision = await colliding(session, of, of.among(keys, of.source_key))
    if collision is not None:
        await session.rollback()
        raise collision
    try:
        await _brought_over(session, of, list(keys), of.replace_keys(keys))
        await session.commit()
    except DuplicateEntry:
        await session.rollback()
        return False
    return True
