"""Housekeeping for a revert: the old table is the shadow, and is never made or dropped."""

from __future__ import annotations

import asyncio

from ghostpy import errors
from ghostpy.dialects import checkpoint_text
from ghostpy.dialects.mysql import quote, revert_record
from ghostpy.dialects.mysql.earlier_run import EarlierRun
from ghostpy.dialects.mysql.housekeeping import Housekeeper
from ghostpy.dialects.mysql.inspect import table_exists
from ghostpy.model.checkpoint import Checkpoint
from ghostpy.model.revertible import Revertible

_PREFIX = "back."
"""Of the ids of its checkpoint's rows: one of a change and one of its revert are never taken for each other."""


class TurnedHousekeeper(Housekeeper):
    """Fulfils `Housekeeping`, on the sessions, and with the lock, of the housekeeper before."""

    def __init__(self, before: Housekeeper, revertible: Revertible) -> None:
        self._revertible = revertible
        names = revert_record.names(revertible, before.ledger)
        super().__init__(before.settings, revertible.source, names, "", sessions=before.sessions)
        self.facts = before.facts

    def _rows(self, checkpoint: Checkpoint) -> dict[str, str]:
        return {f"{_PREFIX}{name}": text for name, text in super()._rows(checkpoint).items()}

    async def saved(self) -> Checkpoint | None:
        """The last checkpoint of this very revert."""
        await self._earlier.orphans_gone()
        rows = await self._working.query(
            f"SELECT id, text FROM {quote.table(self.ledger)} WHERE id LIKE '{_PREFIX}%' AND text IS NOT NULL",
            doing="reading the ledger",
        )
        found = {str(row[0]).removeprefix(_PREFIX): str(row[1]) for row in rows}
        checkpoint = await asyncio.to_thread(checkpoint_text.read, found)
        return checkpoint if checkpoint is not None and checkpoint.old == self._revertible.aside else None

    async def adopt(self) -> None:
        earlier = EarlierRun(self._working, self._source, self._names)
        await earlier.orphans_gone()
        await earlier.take_back()
        if not await table_exists(self._working, self._names.shadow):
            raise errors.CannotResume(f"the old table {self._names.shadow} is not there any more", hint="")
        await self._note_run()

    async def discard(self) -> None:
        """Nothing: what there is, is the application's."""

    async def create_shadow(self) -> None:
        raise AssertionError("the old table is there")

    async def drop_shadow(self) -> None:
        raise AssertionError("the old table holds the application's rows")

    async def drop_old(self) -> None:
        raise AssertionError("a revert keeps the table that it comes from")
