"""Copies the source into the shadow, chunk by chunk, with several workers on disjoint ranges."""

from __future__ import annotations

import time

from ghostpy.engine.backlog import Backlog
from ghostpy.engine.chunker import Chunker
from ghostpy.engine.effort import Effort
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.ranges import Ranges
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.retry import retried_telling
from ghostpy.engine.tasks import together
from ghostpy.errors import TransientError
from ghostpy.model.checkpoint import Course
from ghostpy.model.keys import KeyRange
from ghostpy.model.moment import Moment
from ghostpy.protocols import Copying, Gate, Moments

_PRESSING = 0.25
"""Of the backlog's limit, dirty."""


class Copier:
    """Copies in slices. Between slices no chunk is in flight."""

    def __init__(
        self,
        copying: Copying,
        chunker: Chunker,
        backlog: Backlog,
        recorder: Recorder,
        gate: Gate,
        knobs: Knobs,
        effort: Effort,
        moments: Moments,
        course: Course,
    ) -> None:
        self._copying = copying
        self._chunker = chunker
        self._ranges = Ranges(copying, chunker, knobs.retries, low=course.low, complete=course.copied)
        self._course = course
        self._backlog = backlog
        self._recorder = recorder
        self._gate = gate
        self._knobs = knobs
        self._effort = effort
        self._moments = moments

    @property
    def complete(self) -> bool:
        """Between slices: whether all is copied."""
        return self._ranges.complete

    @property
    def copied(self) -> KeyRange:
        """What is in the shadow, between slices and after the first one: all keys up to the low watermark."""
        return KeyRange(None, None if self.complete else self._ranges.low)

    async def slice(self, seconds: float, *, at_most: float) -> None:
        """Copy for about `seconds`, or up to `at_most` while no key is dirty and no rest is asked for.

        Every chunk that was begun is finished.
        """
        began = time.monotonic()
        workers = (self._worker(began + seconds, began + at_most) for _ in range(self._workers))
        await together(*workers, name="copy")
        self._course.low, self._course.copied = self._ranges.low, self._ranges.complete

    @property
    def _workers(self) -> int:
        """One where many keys wait that can be resynced: the less is copied meanwhile, the fewer of those that come need it."""
        pressing = not self._course.bare and self._backlog.pressure > _PRESSING
        return 1 if pressing else self._effort.workers

    async def _worker(self, deadline: float, limit: float) -> None:
        while (handed := await self._ranges.next()) is not None:
            chunk, size = handed
            began = time.monotonic()
            result = await retried_telling(self._failed, self._knobs.retries, self._copying.copy, chunk)
            seconds = time.monotonic() - began
            self._backlog.add_unmarked(result.dirty)
            if chunk.high is not None:
                self._chunker.finished(size, seconds)
            self._recorder.rows_copied += result.rows
            self._recorder.chunk_copied(size, seconds)
            now = time.monotonic()
            if self._gate.reason or now >= limit or ((self._backlog or self._effort.rests) and now >= deadline):
                return

    async def _failed(self, error: TransientError) -> None:
        # A size that a hook sets now holds from the next chunk on: this one may have been copied, the answer being lost, and
        # whether it was is looked up by its bounds.
        await self._moments.reached(Moment.BATCH_COPY_RETRY, error.message)
