"""A long sleep after a critical load: nothing is asked and nothing is written, not even a heartbeat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

LEAVING = "leaving hibernation"
_SAME = timedelta(seconds=2)


class Hibernation:
    """`elapsed` gives seconds that no jump of the clock touches; `now` gives the time with its zone, which is only shown."""

    def __init__(self, now: Callable[[], datetime], elapsed: Callable[[], float]) -> None:
        self._now = now
        self._elapsed = elapsed
        self._until: float | None = None
        self._shown = now()

    def begin(self, seconds: float) -> None:
        self._until = self._elapsed() + seconds
        self._shown = self._now() + timedelta(seconds=seconds)

    @property
    def under_way(self) -> bool:
        return self._until is not None and self._elapsed() < self._until

    @property
    def left(self) -> bool:
        """Whether there was one that nobody has ended yet by `forget`."""
        return self._until is not None and self._elapsed() >= self._until

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
        until = self._now() + timedelta(seconds=self._until - self._elapsed())
        if abs(until - self._shown) > _SAME:  # the clock was set
            self._shown = until
        return f"critical-load-hibernate until {self._shown.astimezone():%Y-%m-%d %H:%M:%S %Z}"
