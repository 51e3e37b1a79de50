"""Copies the source into the shadow, chunk by chunk, with several workers on disjoint ranges."""

from __future__ import annotations

import time

from ghostpy.engine.backlog import Backlog
from ghostpy.engine.chunker import Chunker
from ghostpy.engine.ranges import Ranges
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.retry import retried
from ghostpy.engine.tasks import together
from ghostpy.model.keys import KeyRange
from ghostpy.protocols import Copying
from ghostpy.settings import CopySettings


class Copier:
    """Copies in slices. Between slices no chunk is in flight."""

    def __init__(
        self, copying: Copying, chunker: Chunker, backlog: Backlog, recorder: Recorder, settings: CopySettings
    ) -> None:
        self._copying = copying
        self._chunker = chunker
        self._ranges = Ranges(copying, chunker, settings.retries)
        self._backlog = backlog
        self._recorder = recorder
        self._settings = settings

    @property
    def complete(self) -> bool:
        """Between slices: whether all is copied."""
        return self._ranges.complete

    @property
    def copied(self) -> KeyRange:
        """What is in the shadow, between slices and after the first one: all keys up to the low watermark."""
        return KeyRange(None, None if self.complete else self._ranges.low)

    async def slice(self, seconds: float) -> None:
        """Copy for about `seconds`, longer while no key is dirty and no rest is asked for.

        Every chunk that was begun is finished.
        """
        deadline = time.monotonic() + seconds
        await together(*(self._worker(deadline) for _ in range(self._settings.workers)), name="copy")

    async def _worker(self, deadline: float) -> None:
        while (handed := await self._ranges.next()) is not None:
            chunk, size = handed
            began = time.monotonic()
            result = await retried(self._settings.retries, self._copying.copy, chunk)
            seconds = time.monotonic() - began
            self._backlog.add_unmarked(result.dirty)
            if chunk.high is not None:
                self._chunker.finished(size, seconds)
            self._recorder.rows_copied += result.rows
            self._recorder.chunk_rows, self._recorder.chunk_seconds = size, seconds
            if (self._backlog or self._settings.nice_ratio) and time.monotonic() >= deadline:
                return
