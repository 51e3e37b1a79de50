"""The shadow filled: rounds of copy and resync, then the indexes that the copy did without."""

from __future__ import annotations

from ghostpy.engine.recorder import Recorder
from ghostpy.engine.rounds import Rounds
from ghostpy.model.moment import Moment
from ghostpy.model.progress import Phase
from ghostpy.protocols import Moments


class Filling:
    """From the first row to the last index."""

    def __init__(self, rounds: Rounds, moments: Moments, recorder: Recorder) -> None:
        self._rounds = rounds
        self._moments = moments
        self._recorder = recorder

    async def run(self) -> bool:
        """Return True, for then the cut-over is to come."""
        await self._moments.reached(Moment.BEFORE_ROW_COPY)
        self._recorder.enter(Phase.COPY)
        await self._rounds.run()
        await self._rounds.build_indexes()
        await self._moments.reached(Moment.ROW_COPY_COMPLETE)
        return True
