"""The time in which the old table is kept in step, until the exchange is to be taken back, or is not any more."""

from __future__ import annotations

import asyncio
import time

from ghostpy.engine.checkpoints import Checkpoints
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.resting import opened
from ghostpy.engine.rests import Rests
from ghostpy.engine.resync import BacklogWorker
from ghostpy.model.keys import KeyRange
from ghostpy.model.progress import Phase
from ghostpy.protocols import Gate, Observer

_EVERYTHING = KeyRange(None, None)
_POLL = 0.1


class Window:
    """Lasts `seconds`. With none at all, the exchange is taken back at once."""

    def __init__(
        self,
        seconds: float,
        worker: BacklogWorker,
        checkpoints: Checkpoints,
        recorder: Recorder,
        observer: Observer,
        gate: Gate,
        knobs: Knobs,
        rests: Rests,
    ) -> None:
        self._seconds = seconds
        self._worker = worker
        self._checkpoints = checkpoints
        self._recorder = recorder
        self._observer = observer
        self._gate = gate
        self._knobs = knobs
        self._rests = rests
        self._wanted = seconds <= 0

    def revert(self) -> None:
        """Take the exchange back, as soon as that can be."""
        self._wanted = True

    async def run(self) -> bool:
        """Return True once the cut-over is to come, False once the window has ended without."""
        self._recorder.enter(Phase.IN_STEP)
        end = time.monotonic() + self._seconds
        if not self._wanted:
            self._observer.happened("the old table is kept in step: `ghostpy revert` goes back to it")
        while not self._wanted:
            if time.monotonic() >= end:
                return False
            await opened(self._gate, self._checkpoints)
            with self._rests.work():
                await self._worker.slice(_EVERYTHING, self._knobs.slice_seconds)
            await self._checkpoints.due()
            await asyncio.sleep(_POLL)
        return True
