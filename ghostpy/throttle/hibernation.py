"""A long sleep after a critical load: nothing is asked and nothing is written, not even a heartbeat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

LEAVING = "leaving hibernation"


class Hibernation:
    """`now` gives the time with its zone."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._until: datetime | None = None

    def begin(self, seconds: float) -> None:
        self._until = self._now() + timedelta(seconds=seconds)

    @property
    def under_way(self) -> bool:
        return self._until is not None and self._now() < self._until

    @property
    def left(self) -> bool:
        """Whether there was one that nobody has ended yet by `forget`."""
        return self._until is not None and self._now() >= self._until

    def forget(self) -> None:
        """It is known anew how the server fares."""
        if self.left:
            self._until = None

    @property
    def reason(self) -> str | None:
        if self._until is None:
            return None
        if self.left:
            return LEAVING
        return f"critical-load-hibernate until {self._until.astimezone():%Y-%m-%d %H:%M:%S %Z}"
