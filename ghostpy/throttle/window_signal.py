"""`--window`: rest outside of the times given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from ghostpy.throttle import windows


class WindowSignal:
    """Fulfils `Signal`."""

    name = "window"
    interval = 0.5
    patience = 5.0

    def __init__(self, text: str, now: Callable[[], datetime]) -> None:
        self._now = now
        self.windows = windows.parsed(text)

    @property
    def text(self) -> str:
        return self.windows.text

    @property
    def asked_for(self) -> bool:
        return bool(self.windows.each)

    async def look(self) -> str | None:
        now = self._now()
        if self.windows.is_open(now):
            return None
        opens = self.windows.opens_at(now)
        return f"outside window, opens at {self.windows.shown(opens)}" if opens else "outside window"
