"""Rounds: a slice of copying, then a slice of resyncing, with equal shares, so that neither starves the other."""

from __future__ import annotations

import asyncio
import time

from ghostpy.engine.copier import Copier
from ghostpy.engine.resync import BacklogWorker
from ghostpy.settings import CopySettings


class Rounds:
    """The copy of the whole table."""

    def __init__(self, copier: Copier, worker: BacklogWorker, settings: CopySettings) -> None:
        self._copier = copier
        self._worker = worker
        self._settings = settings

    async def run(self) -> None:
        """Return once every range is copied; keys may be dirty still."""
        while not self._copier.complete:
            began = time.monotonic()
            await self._copier.slice(self._settings.slice_seconds)
            rest = (time.monotonic() - began) * self._settings.nice_ratio
            await self._worker.slice(self._copier.copied, self._settings.slice_seconds)
            if rest:
                await asyncio.sleep(rest)
