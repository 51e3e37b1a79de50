"""`--deadline`: stop the run at a time, to be gone on with later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from ghostpy.errors import GhostpyError, Stopped
from ghostpy.throttle.deadlines import WINDOW, deadline
from ghostpy.throttle.local_time import shown
from ghostpy.throttle.windows import Windows


class DeadlineSignal:
    """Fulfils `Signal`, but never gives a reason to rest: it asks for the end by `stop`, once."""

    name = "deadline"
    interval = 0.5
    patience = 5.0

    def __init__(
        self, text: str, windows: Windows, now: Callable[[], datetime], stop: Callable[[GhostpyError], None]
    ) -> None:
        self._now = now
        self._stop = stop
        self._asked = False
        self.set(text, windows)

    def set(self, text: str, windows: Windows) -> None:
        """Raises UsageError where it cannot be read; then nothing is changed."""
        self.moment = deadline(text, self._now(), windows)
        self.text = WINDOW if text.strip().lower() == WINDOW else text.strip()

    @property
    def asked_for(self) -> bool:
        return self.moment is not None

    async def look(self) -> str | None:
        if self.moment is not None and self._now() >= self.moment and not self._asked:
            self._asked = True
            self._stop(Stopped(f"the deadline {shown(self.moment, None)} has come"))
        return None
