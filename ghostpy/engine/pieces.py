"""Pieces of work, measured, and the rest that each one calls for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ghostpy.engine.effort import Effort
from ghostpy.engine.pulse import Pulse


class Pieces:
    """One piece at a time."""

    def __init__(self, effort: Effort, pulse: Pulse) -> None:
        self._effort = effort
        self._pulse = pulse
        self._worked = 0.0

    @contextmanager
    def work(self) -> Iterator[None]:
        """A piece of work, for the length of the block."""
        began = time.monotonic()
        with self._pulse.at_work():
            yield
        self._worked = time.monotonic() - began

    def rest_due(self, copying: float | None = None) -> float:
        """Seconds of rest for the last piece of work. `copying`: seconds of it that were copying; all of it, where nothing is said."""
        return self._effort.rest(self._worked, self._worked if copying is None else copying)
