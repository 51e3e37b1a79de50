"""How long a chunk may take: short while the application writes, longer while it does not.

Every commit on the server waits behind a chunk's own write to the log, so chunks are short where there are commits to wait. Where
there are none, longer ones spare the copy a part of its own commits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from ghostpy.engine.chunker import Chunker
from ghostpy.protocols import Housekeeping
from ghostpy.settings import CopySettings

_INTERVAL = 0.5
_QUIET = 60.0
"""Writing statements per second on the whole server; our own heartbeat and chunks make some 10 to 30."""


class Pace:
    """Looks at the server's activity until cancelled."""

    def __init__(self, housekeeping: Housekeeping, chunkers: Sequence[Chunker], settings: CopySettings) -> None:
        self._housekeeping = housekeeping
        self._chunkers = chunkers
        self._settings = settings

    async def run(self) -> None:
        before, then = await self._housekeeping.writes(), time.monotonic()
        while True:
            await asyncio.sleep(_INTERVAL)
            written, now = await self._housekeeping.writes(), time.monotonic()
            quiet = (written - before) / (now - then) < _QUIET
            for chunker in self._chunkers:
                chunker.target_seconds = self._settings.quiet_chunk_seconds if quiet else self._settings.chunk_seconds
            before, then = written, now
