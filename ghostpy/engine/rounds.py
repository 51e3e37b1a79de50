"""Rounds: a slice of copying, then a slice of resyncing, with equal shares, so that neither starves the other."""

from __future__ import annotations

import asyncio
import time

from ghostpy.engine.backlog import Backlog
from ghostpy.engine.copier import Copier
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.resync import BacklogWorker
from ghostpy.model.progress import Phase
from ghostpy.protocols import Housekeeping
from ghostpy.settings import CopySettings

_POLL = 0.05


class Rounds:
    """The copy of the whole table.

    A bare shadow takes rows several times as fast as one with an index, but its rows cannot be found again, so dirty keys have to wait. Where
    more of them gather than memory is meant for, the key's index is built at once, and the copy goes on beside it.
    """

    def __init__(
        self,
        copier: Copier,
        worker: BacklogWorker,
        backlog: Backlog,
        housekeeping: Housekeeping,
        recorder: Recorder,
        settings: CopySettings,
        *,
        bare: bool,
    ) -> None:
        self._copier = copier
        self._worker = worker
        self._backlog = backlog
        self._bare = bare
        self._housekeeping = housekeeping
        self._recorder = recorder
        self._settings = settings

    async def run(self) -> None:
        """Return once every range is copied; keys may be dirty still."""
        while not self._copier.complete:
            began = time.monotonic()
            await self._copier.slice(self._settings.slice_seconds)
            rest = (time.monotonic() - began) * self._settings.nice_ratio
            if self._bare and (self._copier.complete or self._backlog.full):
                await self._housekeeping.build_key()
                self._bare = False
            if not self._bare:
                await self._worker.slice(self._copier.copied, self._settings.slice_seconds)
            if rest:
                await asyncio.sleep(rest)

    async def build_indexes(self) -> None:
        """Build what the copy did without, while dirty keys go on being resynced."""
        self._recorder.enter(Phase.INDEXES)
        building = asyncio.create_task(self._housekeeping.build_indexes(), name="indexes")
        try:
            while not building.done():
                await self._worker.slice(self._copier.copied, self._settings.slice_seconds)
                await asyncio.wait([building], timeout=_POLL)
            await building
        finally:
            building.cancel()
            await asyncio.gather(building, return_exceptions=True)
