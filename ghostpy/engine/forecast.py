"""Tells early where a run will not come to its end: the change stream falls behind, further and further."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from ghostpy.engine.recorder import Recorder
from ghostpy.model.progress import Phase, Progress

_EVERY = 10.0
_OVER = 6
"""Looks that a forecast is made from: a minute."""
_BEHIND = 30.0
_FASTER = 0.25
"""Seconds by which the lag grows in a second."""
_STREAMING = frozenset({Phase.COPY, Phase.INDEXES, Phase.VERIFY, Phase.IN_STEP, Phase.POSTPONED, Phase.CUT_OVER})


class Forecast:
    """Looks at the lag of the stream; a rest that somebody asked for says nothing of what is possible.

    Once told, it is told again when the lag has doubled.
    """

    def __init__(self, recorder: Recorder, *, tell: Callable[[str], None]) -> None:
        self._recorder = recorder
        self._tell = tell
        self._seen: deque[tuple[float, float]] = deque(maxlen=_OVER + 1)
        self._worth_telling = _BEHIND

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look(self._recorder.snapshot())
            await asyncio.sleep(_EVERY)

    def look(self, progress: Progress) -> None:
        """One look at where the run is."""
        if progress.phase not in _STREAMING or progress.throttle_reason is not None:
            self._seen.clear()
            return
        self._seen.append((progress.elapsed, progress.stream_lag))
        (since, before), (now, lag) = self._seen[0], self._seen[-1]
        if len(self._seen) <= _OVER or lag < self._worth_telling or lag - before < (now - since) * _FASTER:
            return
        self._worth_telling = 2 * lag
        limit = (
            ""
            if progress.pause_limit is None
            else f"; the server keeps what it has not read for about {progress.pause_limit / 3600:.1f} hours"
        )
        self._tell(
            f"the change stream is {lag:.0f} s behind, and falls {(lag - before) / (now - since) * 60:.0f} s further behind in a minute: rows are "
            f"changed faster than they are resynced, and at this rate the run does not end{limit}. Allow it more (--max-impact, --workers, "
            "--max-backlog; also by `ghostpy control`), or run it when less is written"
        )
