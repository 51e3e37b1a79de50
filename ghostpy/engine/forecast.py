"""Tells early where a run will not come to its end: more and more keys are dirty, or the change stream falls behind, further and further."""

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
_MANY = 0.1
"""Of the backlog's limit."""
_SOON = 1800.0
"""Seconds until the backlog would be full."""
_IN_MINUTES = 120.0
"""Seconds from which on they are told in minutes."""
_STREAMING = frozenset({Phase.COPY, Phase.INDEXES, Phase.VERIFY, Phase.IN_STEP, Phase.POSTPONED, Phase.CUT_OVER})
_ALL_COPIED = frozenset({Phase.VERIFY, Phase.IN_STEP, Phase.POSTPONED, Phase.CUT_OVER})
"""Phases in which nothing waits for anything but its resync."""


class Forecast:
    """Looks at the backlog and at the lag of the stream; a rest that somebody asked for says nothing of what is possible.

    Once told, it is told again when what was told of has doubled.
    """

    def __init__(self, recorder: Recorder, *, tell: Callable[[str], None]) -> None:
        self._recorder = recorder
        self._tell = tell
        self._seen: deque[Progress] = deque(maxlen=_OVER + 1)
        self._worth_telling = _BEHIND
        self._keys_told = 0

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
        if self._seen and self._seen[-1].phase is not progress.phase:
            self._seen.clear()
        self._seen.append(progress)
        if len(self._seen) > _OVER:
            self._look_at_backlog(self._seen[0], progress)
            self._look_at_lag(self._seen[0], progress)

    def _look_at_backlog(self, before: Progress, progress: Progress) -> None:
        keys, limit = progress.backlog, progress.backlog_limit
        more = (keys - before.backlog) / (progress.elapsed - before.elapsed)
        growing = all(each.backlog > before.backlog for each in list(self._seen)[_OVER // 2 :])
        if (
            not growing
            or not self._stays(before, progress)
            or keys < max(limit * _MANY, 2 * self._keys_told)
            or keys >= limit
        ):
            return
        full = (limit - keys) / more
        if full > _SOON:
            return
        self._keys_told = keys
        self._tell(
            f"{keys} keys are dirty, and {more * 60:.0f} more each minute: rows are changed faster than they are resynced. In {_spoken(full)} "
            f"there are as many as are held (max-backlog={limit}); from then on the change stream falls behind, and at this rate the run "
            "does not end. Allow it more (--max-impact, --workers; also by `ghostpy control`), or run it when less is written"
        )

    @staticmethod
    def _stays(before: Progress, progress: Progress) -> bool:
        """Whether there is nothing to come that would let keys be resynced faster than they were.

        Beside the copy they have half of the time, or none while the shadow is bare: where more than half of what was changed is left, the
        other half of the time would not be enough.
        """
        if progress.phase in _ALL_COPIED:
            return True
        applied = progress.changes_applied - before.changes_applied
        return 0 < applied < progress.backlog - before.backlog

    def _look_at_lag(self, before: Progress, progress: Progress) -> None:
        lag, took = progress.stream_lag, progress.elapsed - before.elapsed
        if lag < self._worth_telling or lag - before.stream_lag < took * _FASTER:
            return
        self._worth_telling = 2 * lag
        limit = (
            ""
            if progress.pause_limit is None
            else f"; the server keeps what it has not read for about {progress.pause_limit / 3600:.1f} hours"
        )
        self._tell(
            f"the change stream is {lag:.0f} s behind, and falls {(lag - before.stream_lag) / took * 60:.0f} s further behind in a minute: rows are "
            f"changed faster than they are resynced, and at this rate the run does not end{limit}. Allow it more (--max-impact, --workers, "
            "--max-backlog; also by `ghostpy control`), or run it when less is written"
        )


def _spoken(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= _IN_MINUTES else f"{max(seconds, 1):.0f} s"
