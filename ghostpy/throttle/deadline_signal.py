"""`--deadline`: stop the run at a time, to be gone on with later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from ghostpy.errors import GhostpyError, Stopped
from ghostpy.throttle.deadlines import WINDOW, deadline, seconds_of
from ghostpy.throttle.local_time import shown
from ghostpy.throttle.windows import Windows


class DeadlineSignal:
    """Fulfils `Signal`, but never gives a reason to rest: it asks for the end by `stop`, once.

    A time is that of the clock (`now`), whoever sets it; a duration has `elapsed` when so many seconds have gone by.
    """

    name = "deadline"
    interval = 0.5
    patience = 5.0

    def __init__(
        self,
        text: str,
        windows: Windows,
        now: Callable[[], datetime],
        elapsed: Callable[[], float],
        stop: Callable[[GhostpyError], None],
    ) -> None:
        self._now = now
        self._elapsed = elapsed
        self._stop = stop
        self._asked = False
        self.set(text, windows)

    def set(self, text: str, windows: Windows) -> None:
        """Raises UsageError where it cannot be read; then nothing is changed."""
        self.moment = deadline(text, self._now(), windows)
        seconds = seconds_of(text.strip())
        self._after = None if seconds is None else self._elapsed() + seconds
        self.text = WINDOW if text.strip().lower() == WINDOW else text.strip()

    @property
    def asked_for(self) -> bool:
        return self.moment is not None

    async def look(self) -> str | None:
        if self.moment is not None and self._has_come(self.moment) and not self._asked:
            self._asked = True
            when = self.moment if self._after is None else self._now()
            self._stop(Stopped(f"the deadline {shown(when, None)} has come"))
        return None

    def _has_come(self, moment: datetime) -> bool:
        return self._now() >= moment if self._after is None else self._elapsed() >= self._after
