"""Rounds: a slice of copying, then a slice of resyncing, with equal shares while few keys are dirty, so that neither starves the other."""

from __future__ import annotations

import asyncio
import time

from ghostpy.engine.backlog import Backlog
from ghostpy.engine.checkpoints import Checkpoints
from ghostpy.engine.copier import Copier
from ghostpy.engine.effort import Effort
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.resting import done, opened
from ghostpy.engine.rests import Rests
from ghostpy.engine.resync import BacklogWorker
from ghostpy.model.checkpoint import Course
from ghostpy.model.progress import Phase
from ghostpy.protocols import Gate, Housekeeping

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
        gate: Gate,
        effort: Effort,
        rests: Rests,
        course: Course,
        checkpoints: Checkpoints,
    ) -> None:
        self._copier = copier
        self._worker = worker
        self._backlog = backlog
        self._course = course
        self._checkpoints = checkpoints
        self._housekeeping = housekeeping
        self._recorder = recorder
        self._gate = gate
        self._effort = effort
        self._rests = rests

    async def run(self) -> None:
        """Return once every range is copied; keys may be dirty still."""
        while not self._copier.complete:
            await opened(self._gate, self._checkpoints)
            with self._rests.work():
                copying = await self._slice()
            copied = None if self._course.bare else self._copier.copied
            await self._rests.taken(copied, copying=copying)

    async def _slice(self) -> float:
        """One round; how many seconds of it were copying."""
        began = time.monotonic()
        await self._copier.slice(self._effort.slice_seconds, at_most=self._checkpoints.seconds)
        copying = time.monotonic() - began
        if self._course.bare and (self._copier.complete or self._backlog.full):
            await done(self._housekeeping.build_key(), self._checkpoints, name="key")
            self._course.bare = False
        if not self._course.bare:
            await self._worker.slice(self._copier.copied, self._effort.slice_seconds * self._backlog.urgency)
        await self._checkpoints.due()
        return copying

    async def build_indexes(self) -> None:
        """Build what the copy did without, while dirty keys go on being resynced."""
        if self._course.indexed:
            return
        self._recorder.enter(Phase.INDEXES)
        building = asyncio.create_task(self._housekeeping.build_indexes(), name="indexes")
        try:
            while not building.done():
                with self._rests.work():
                    await self._worker.slice(self._copier.copied, self._effort.slice_seconds)
                await self._checkpoints.due()
                await asyncio.wait([building], timeout=_POLL)
            await building
            self._course.indexed = True
        finally:
            building.cancel()
            await asyncio.gather(building, return_exceptions=True)
