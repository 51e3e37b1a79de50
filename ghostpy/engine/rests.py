"""The rests between two pieces of work, as long as the effort says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ghostpy.engine.backlog import Backlog
from ghostpy.engine.checkpoints import Checkpoints
from ghostpy.engine.effort import Effort
from ghostpy.engine.pulse import Pulse
from ghostpy.engine.resting import rested
from ghostpy.engine.resync import BacklogWorker
from ghostpy.model.keys import KeyRange

_PRESSING = 0.5


class Rests:
    """Measures each piece of work, and takes the rest that is due for it. The time of a rest belongs to dirty keys where too many of them wait."""

    def __init__(
        self, effort: Effort, pulse: Pulse, backlog: Backlog, worker: BacklogWorker, checkpoints: Checkpoints
    ) -> None:
        self._effort = effort
        self._pulse = pulse
        self._backlog = backlog
        self._worker = worker
        self._checkpoints = checkpoints
        self._worked = 0.0

    @contextmanager
    def work(self) -> Iterator[None]:
        """A piece of work, for the length of the block."""
        began = time.monotonic()
        with self._pulse.at_work():
            yield
        self._worked = time.monotonic() - began

    async def taken(self, copied: KeyRange | None, *, copying: float) -> None:
        """Return after the rest that is due for the last piece of work.

        `copied`: as for `BacklogWorker.slice`; None where nothing can be resynced yet. `copying`: seconds of the work that were copying.
        """
        rest = self._effort.rest(self._worked, copying)
        if not rest:
            return
        if copied is not None and len(self._backlog) > self._backlog.limit * _PRESSING:
            # Resting on, the run would never come to its end; the copy keeps its share all the same.
            with self._pulse.at_work():
                await self._worker.slice(copied, rest)
            await self._checkpoints.due()
        else:
            await rested(rest, self._checkpoints)
