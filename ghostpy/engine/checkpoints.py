"""Writes down every few seconds how far the run has come, so that what ends it costs no more work than that."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping

from msgspec.structs import replace

from ghostpy.engine.backlog import Backlog
from ghostpy.engine.follower import Follower
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.retry import retried
from ghostpy.errors import GhostpyError, Panicked, Stopped, keeps_work
from ghostpy.model.checkpoint import Checkpoint, Course
from ghostpy.model.names import TableName
from ghostpy.protocols import Housekeeping, Observer

_SHARE = 20
"""A checkpoint that takes long, for it has many keys, is made less often: this many times as long lies between two."""
_LAST_WITHIN = 5.0


class Checkpoints:
    """Makes checkpoints of `course`. `change` and `old`: see `Checkpoint`."""

    def __init__(
        self,
        housekeeping: Housekeeping,
        course: Course,
        backlog: Backlog,
        follower: Follower,
        recorder: Recorder,
        observer: Observer,
        *,
        change: Mapping[str, str],
        old: TableName,
        seconds: float,
        attempts: int,
        resumed: bool,
    ) -> None:
        self._housekeeping = housekeeping
        self._course = course
        self._backlog = backlog
        self._follower = follower
        self._recorder = recorder
        self._observer = observer
        self._change = change
        self._old = old
        self._attempts = attempts
        self.seconds = seconds
        self._next = time.monotonic() + seconds
        self._failed = False
        self._there = resumed

    async def due(self) -> None:
        """Make one, if it is time. To be called between slices of work, never with a chunk or a resync under way."""
        if time.monotonic() >= self._next:
            await self._make()

    async def before_exchange(self) -> None:
        """Make one where there is none: who comes after a run that died behind its exchange must know what it was doing.

        It is no reason to keep the work of a run whose exchange fails.
        """
        if not self._there:
            await self._make()
            self._there = False

    async def kept(self, ended: BaseException) -> bool:
        """Whether the work of a run that ends by `ended` is kept for another; then the last checkpoint is made, if it can be. Never raises.

        What took less time than there is between two checkpoints is not worth being left behind.
        """
        if isinstance(ended, Panicked):
            return True  # nothing may be done any more
        if not keeps_work(ended) or not (self._there or isinstance(ended, Stopped)):
            return False
        with contextlib.suppress(GhostpyError, TimeoutError, asyncio.CancelledError):  # the one before it holds
            async with asyncio.timeout(_LAST_WITHIN):
                await self._make()
        return self._there

    async def _make(self) -> None:
        position = self._follower.position
        if position is None or not self._course.begun:
            return
        began = time.monotonic()
        recorder, course = self._recorder, self._course
        course.rows_copied, course.rows_verified = recorder.rows_copied, recorder.rows_verified
        course.copy_seconds = recorder.copy_elapsed
        stream = self._follower.stream
        # A copy of all of it, made at one moment: the stream is read on while it is written.
        checkpoint = Checkpoint(
            change=self._change,
            course=replace(self._course),
            position=stream.noted(position),
            number=self._recorder.last_beat,
            old=self._old,
            keys=self._backlog.all(),
        )
        if await retried(self._attempts, self._housekeeping.save, checkpoint):
            stream.kept(position)
            self._there, self._failed = True, False
        elif not self._failed:
            self._failed = True
            self._observer.happened(
                f"no checkpoint: {len(checkpoint.keys)} keys are dirty, more than the ledger takes; the one before it holds",
                warning=True,
            )
        took = time.monotonic() - began
        self._next = began + max(self.seconds, took * _SHARE)
