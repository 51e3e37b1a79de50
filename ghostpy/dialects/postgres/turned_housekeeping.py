"""Housekeeping for a revert: the old table is the shadow, and is never made or dropped."""

from __future__ import annotations

import asyncio
from functools import partial

from ghostpy import errors
from ghostpy.dialects import checkpoint_text
from ghostpy.dialects.postgres import quote, revert_record
from ghostpy.dialects.postgres.housekeeping import Housekeeper
from ghostpy.dialects.postgres.inspect import table_oid
from ghostpy.dialects.postgres.turning import check_shape
from ghostpy.dialects.postgres.wal.slot import message_prefix
from ghostpy.model.checkpoint import Checkpoint
from ghostpy.model.names import TableName
from ghostpy.model.revertible import Revertible

_PREFIX = "back."
"""Of the ids of its checkpoint's rows: one of a change and one of its revert are never taken for each other."""
_BEATS_BETWEEN_LOOKS = 50


class TurnedHousekeeper(Housekeeper):
    """Fulfils `Housekeeping`, on the sessions, and with the lock, of the housekeeper before."""

    def __init__(self, before: Housekeeper, revertible: Revertible, ledger: TableName) -> None:
        super().__init__(before.settings, before.attempts, before.happened, sessions=before.sessions)
        self._revertible = revertible
        self._behind = revert_record.behind(revertible)
        self._registration = self._behind.slot
        self.aim(revertible.source, revert_record.names(revertible, ledger))

    async def lock_both(self) -> None:
        """Take the run's lock of the old table as well, which the stream is named after. Raises AlreadyRunning."""
        for oid in (self._behind.source_oid, self._behind.old_oid):
            await self._lock(oid)

    def _rows(self, checkpoint: Checkpoint) -> dict[str, str]:
        return {f"{_PREFIX}{name}": text for name, text in super()._rows(checkpoint).items()}

    async def saved(self) -> Checkpoint | None:
        """The last checkpoint of this very revert."""
        await self._earlier.orphans_gone()
        found = await self._earlier.rows()
        rows = {name.removeprefix(_PREFIX): text for name, text in found.items() if name.startswith(_PREFIX)}
        checkpoint = await asyncio.to_thread(checkpoint_text.read, rows)
        return checkpoint if checkpoint is not None and checkpoint.old == self._revertible.aside else None

    async def adopt(self) -> None:
        if await table_oid(self._working, self._helpers.shadow) != self._behind.old_oid:
            # Perhaps by a session of a run that was killed, which the server has finished just now.
            raise errors.CannotResume(
                f"the old table {self._helpers.shadow} is not there any more", hint="Say the same command again."
            )
        await self._note_run()

    async def discard(self) -> None:
        """Nothing: what there is, is the application's."""

    async def beat(self, number: int) -> None:
        await self._locking.query(
            f"SELECT pg_logical_emit_message(true, {quote.text(message_prefix(self._registration))}, 'beat {number}')",
            doing="writing the heartbeat",
        )
        if number % _BEATS_BETWEEN_LOOKS == 0:
            # The stream tells of the key's columns only. Where another table has the name by now, that may be our own doing.
            await check_shape(self._locking, self._revertible, unless_exchanged=True)

    async def check_source(self) -> None:
        await check_shape(self._working, self._revertible)

    async def finish(self) -> None:
        statements = await self._earlier.later()
        await self._working.repeat(partial(self._carried_out, statements))
        self._finished = True

    async def create_shadow(self) -> None:
        raise AssertionError("the old table is there")

    async def create_ledger(self) -> None:
        raise AssertionError("the ledger is there")

    async def drop_old(self) -> None:
        raise AssertionError("a revert keeps the table that it comes from")
