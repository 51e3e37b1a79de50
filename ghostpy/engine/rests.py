"""The rests between two pieces of work, as long as the effort says."""

from __future__ import annotations

from ghostpy.engine.backlog import Backlog
from ghostpy.engine.checkpoints import Checkpoints
from ghostpy.engine.effort import Effort
from ghostpy.engine.pieces import Pieces
from ghostpy.engine.pulse import Pulse
from ghostpy.engine.resting import rested
from ghostpy.engine.resync import BacklogWorker
from ghostpy.model.keys import KeyRange

_PRESSING = 0.5


class Rests(Pieces):
    """Measures each piece of work, and takes the rest that is due for it. The time of a rest belongs to dirty keys where too many of them wait."""

    def __init__(
        self, effort: Effort, pulse: Pulse, backlog: Backlog, worker: BacklogWorker, checkpoints: Checkpoints
    ) -> None:
        super().__init__(effort, pulse)
        self._backlog = backlog
        self._worker = worker
        self._checkpoints = checkpoints

    async def taken(self, copied: KeyRange | None, *, copying: float) -> None:
        """Return after the rest that is due for the last piece of work.

        `copied`: as for `BacklogWorker.slice`; None where nothing can be resynced yet. `copying`: seconds of the work that were copying.
        """
        rest = self.rest_due(copying)
        if not rest:
            return
        if copied is not None and self._backlog.pressure > _PRESSING:
            # Resting on, the run would never come to its end; the copy keeps its share all the same.
            with self._pulse.at_work():
                await self._worker.slice(copied, rest)
            await self._checkpoints.due()
        else:
            await rested(rest, self._checkpoints)
