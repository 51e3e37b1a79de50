"""Writes the heartbeat: it shows how far behind the stream is, and that the run's lock is still held."""

from __future__ import annotations

import asyncio
import time

from ghostpy.engine.pulse import Pulse
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.retry import retried
from ghostpy.protocols import Activity, Gate


class Heartbeat:
    """Beats every `seconds` until cancelled; fails where the ledger cannot be written any more."""

    def __init__(
        self, activity: Activity, recorder: Recorder, gate: Gate, pulse: Pulse, seconds: float, attempts: int
    ) -> None:
        self._activity = activity
        self._recorder = recorder
        self._gate = gate
        self._pulse = pulse
        self._seconds = seconds
        self._attempts = attempts

    async def run(self) -> None:
        # Those of an earlier run may come yet.
        number = self._recorder.last_beat
        while True:
            if not self._gate.hibernating:
                number += 1
                self._recorder.beat_sent(number)
                began = time.monotonic()
                await retried(self._attempts, self._activity.beat, number)
                self._pulse.beaten(began, time.monotonic())
            await asyncio.sleep(self._seconds)
