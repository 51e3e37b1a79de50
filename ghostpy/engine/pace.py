"""Looks at what the application does and at what we cost it, and steers how hard we work.

Every commit on the server waits behind a chunk's own write to the log, so chunks are short where there are commits to wait, and there are
rests between them. Where nobody else writes, longer chunks spare the copy a part of its own commits, and it never rests.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from ghostpy.engine.chunker import Chunker
from ghostpy.engine.effort import Effort
from ghostpy.engine.pulse import Pulse
from ghostpy.protocols import Activity
from ghostpy.settings import CopySettings

_INTERVAL = 0.5
_ALONE = 60.0
"""Writing statements per second on the whole server; our own heartbeat and chunks make some 10 to 30."""


class Pace:
    """Looks at the server's activity until cancelled."""

    def __init__(
        self,
        activity: Activity,
        chunkers: Sequence[Chunker],
        effort: Effort,
        pulse: Pulse,
        settings: CopySettings,
    ) -> None:
        self._activity = activity
        self._chunkers = chunkers
        self._effort = effort
        self._pulse = pulse
        self._settings = settings

    async def run(self) -> None:
        before, then = await self._activity.writes(), time.monotonic()
        while True:
            await asyncio.sleep(_INTERVAL)
            written, now = await self._activity.writes(), time.monotonic()
            self._steer(alone=(written - before) / (now - then) < _ALONE)
            before, then = written, now

    def _steer(self, *, alone: bool) -> None:
        if self._effort.look(self._pulse.price, alone=alone):
            self._pulse.work_changes()
        usual = self._settings.quiet_chunk_seconds if alone else self._settings.chunk_seconds
        for chunker in self._chunkers:
            chunker.target_seconds = self._effort.chunk_seconds(usual, commit=self._pulse.commit)
