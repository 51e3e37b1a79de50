"""The shadow and the ledger for the length of a run: made at its start, and gone at its end, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ghostpy import errors
from ghostpy.model.names import HelperNames
from ghostpy.protocols import Housekeeping, Observer

_CLEAN_UP_LIMIT = 60.0


class Shadow:
    """Owns the run's tables."""

    def __init__(self, housekeeping: Housekeeping, names: HelperNames, observer: Observer, *, drop_old: bool) -> None:
        self._housekeeping = housekeeping
        self._names = names
        self._observer = observer
        self._drop_old = drop_old
        self.exchanged = False
        """Set once the names are exchanged: from then on nothing must be undone."""

    @asynccontextmanager
    async def built(self) -> AsyncIterator[None]:
        """The tables exist within the block; afterwards only what belongs to the outcome is left."""
        try:
            await self._housekeeping.create_ledger()
            await self._housekeeping.create_shadow()
            yield
        except errors.CutOverInDoubt:
            raise  # what is there now is needed by the person who looks
        except BaseException:
            await self._undo()
            raise
        if self._drop_old:
            await self._housekeeping.drop_old()
        await self._housekeeping.drop_ledger()

    async def check_source(self) -> None:
        """Once the stream is followed, later DDL is seen in it; this sees what came between the plan and then."""
        await self._housekeeping.check_source()

    async def _undo(self) -> None:
        left = [self._names.ledger] if self.exchanged else [self._names.shadow, self._names.ledger]
        try:
            async with asyncio.timeout(_CLEAN_UP_LIMIT):
                if not self.exchanged:
                    await self._housekeeping.drop_shadow()
                    left.remove(self._names.shadow)
                await self._housekeeping.drop_ledger()
        except (errors.GhostpyError, TimeoutError, asyncio.CancelledError) as failure:
            self._observer.happened(
                f"left behind, to be dropped by hand: {', '.join(map(str, left))} ({failure or type(failure).__name__})",
                warning=True,
            )
