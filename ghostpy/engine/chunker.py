"""How many rows the next chunk takes."""

from __future__ import annotations

from collections import deque
from statistics import median

SMALLEST, LARGEST = 10, 100_000
_START = 500
_GROWTH = 2.0
_REMEMBERED = 5


class Chunker:
    """Steers rows per chunk towards a time per chunk, by the last few chunks' speed.

    With `fixed` the size is that. The size at most doubles from one chunk to the next, and shrinks at once: a chunk that took too long
    held the application up already.
    """

    def __init__(self, target_seconds: float, *, fixed: int | None = None) -> None:
        self.target_seconds = target_seconds
        self.fixed = fixed
        self._rows = fixed or _START
        self._speeds: deque[float] = deque(maxlen=_REMEMBERED)

    @property
    def rows(self) -> int:
        return self.fixed or self._rows

    def finished(self, rows: int, seconds: float) -> None:
        """A chunk of `rows` rows (all those looked at, whether a filter let them through or not) took `seconds`."""
        if rows <= 0 or seconds <= 0:
            return
        self._speeds.append(rows / seconds)
        wanted = min(median(self._speeds), self._speeds[-1] * _GROWTH) * self.target_seconds
        self._rows = round(max(SMALLEST, min(LARGEST, wanted, self._rows * _GROWTH)))
