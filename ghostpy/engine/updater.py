"""Updates the rows of a table in place, chunk by chunk, one after the other.

The application goes before us: a chunk that meets a row which somebody has locked gives all its own locks back at once, rests, and is tried
again with fewer rows, until it is so small that waiting holds up hardly anybody.

A row that cannot be stored is looked for by halves: what comes before it is updated meanwhile, and the error names it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from ghostpy.engine.chunker import SMALLEST, Chunker
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.recorder import Recorder
from ghostpy.errors import DataDoesNotFit, TransientError
from ghostpy.model.backfill import BackfillCourse
from ghostpy.model.moment import Moment
from ghostpy.protocols import Gate, Moments, Updating

_SHRINK = 4
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
_IMPATIENT = 4
"""Attempts in vain at the smallest size, after which it waits for a row for once."""


class Updater:
    """`begin` comes first. Between slices no chunk is under way."""

    def __init__(
        self,
        updating: Updating,
        chunker: Chunker,
        recorder: Recorder,
        gate: Gate,
        knobs: Knobs,
        moments: Moments,
        *,
        tell: Callable[[str], None],
    ) -> None:
        self._updating = updating
        self._chunker = chunker
        self._recorder = recorder
        self._gate = gate
        self._knobs = knobs
        self._moments = moments
        self._tell = tell
        self.course = BackfillCourse({}, None)
        self.begun = False
        self.pause = 0.0
        """Seconds to rest because the last attempt was in vain."""
        self._shrunk = 1
        self._in_vain = 0
        """Attempts in a row."""
        self._suspects = 0
        """How many of the next rows may be the one that the server refused."""
        self._told = False

    def begin(self, course: BackfillCourse) -> None:
        """Go on from there."""
        self.course, self.begun = course, True
        self._tell_how_far()

    async def slice(self, seconds: float) -> None:
        """Update for about `seconds`, until a rest is asked for, or until an attempt is in vain; what was begun is finished.

        Raises TransientError where as many attempts in a row were in vain as are allowed, DataDoesNotFit where all rows before the one that
        is refused are done.
        """
        end = time.monotonic() + seconds
        while not self.course.complete and await self._chunk():
            if self._gate.reason or time.monotonic() >= end:
                return

    async def _chunk(self) -> bool:
        wanted = self._chunker.rows
        rows = (self._suspects + 1) // 2 or max(min(wanted, SMALLEST), wanted // self._shrunk)
        patient = self._in_vain > _IMPATIENT and (rows <= SMALLEST or self._suspects > 0)
        began = time.monotonic()
        try:
            high = await self._updating.next_bound(self.course.low, rows)
            updating = time.monotonic()
            after = await self._updating.update(self.course, high, rows, patient=patient)
        except TransientError as error:
            await self._failed(error, rows)
            return False
        except DataDoesNotFit:
            if rows == 1:
                raise
            self._suspects = rows
            return True
        now = time.monotonic()
        if high is not None and not self._in_vain and not self._suspects:
            self._chunker.finished(rows, now - updating)
        self._suspects = max(0, self._suspects - rows)
        self._done(after, rows, now - began)
        return True

    def _done(self, after: BackfillCourse, rows: int, seconds: float) -> None:
        self._in_vain, self.pause = 0, 0.0
        # Back to full size step by step: where one row was locked, the next is likely to be.
        self._shrunk = max(1, self._shrunk // 2)
        self.course = after
        self._tell_how_far()
        self._recorder.chunk_copied(rows, seconds)

    def _tell_how_far(self) -> None:
        self._recorder.rows_copied, self._recorder.rows_updated = self.course.rows_passed, self.course.rows_updated

    async def _failed(self, error: TransientError, rows: int) -> None:
        self._in_vain += 1
        if self._in_vain >= self._knobs.retries:
            raise error
        if rows > SMALLEST:
            self._shrunk *= _SHRINK
        longest = min(_FIRST_PAUSE * 2**self._in_vain, _LONGEST_PAUSE)
        self.pause = longest * random.uniform(0.5, 1.0)
        if not self._told:
            self._told = True
            self._tell(f"a chunk gave way, and is tried again with fewer rows: {error.message}")
        await self._moments.reached(Moment.BATCH_COPY_RETRY, error.message)
