"""Writes the heartbeat: it shows how far behind the stream is, and that the run's lock is still held."""

from __future__ import annotations

import asyncio

from ghostpy.engine.recorder import Recorder
from ghostpy.engine.retry import retried
from ghostpy.protocols import Housekeeping


class Heartbeat:
    """Beats every `seconds` until cancelled; fails where the ledger cannot be written any more."""

    def __init__(self, housekeeping: Housekeeping, recorder: Recorder, seconds: float, attempts: int) -> None:
        self._housekeeping = housekeeping
        self._recorder = recorder
        self._seconds = seconds
        self._attempts = attempts

    async def run(self) -> None:
        number = 0
        while True:
            number += 1
            self._recorder.beat_sent(number)
            await retried(self._attempts, self._housekeeping.beat, number)
            await asyncio.sleep(self._seconds)
