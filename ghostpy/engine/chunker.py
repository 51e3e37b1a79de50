"""How many rows the next chunk takes."""

from __future__ import annotations

from collections import deque
from statistics import fmean, linear_regression, pstdev

SMALLEST, LARGEST = 10, 100_000
_START = 500
_GROWTH = 2.0
_REMEMBERED = 8
_FAR = 4.0
"""So many times as long as expected: it may be the server that has changed, or a hiccup."""
_FEWEST = 3
"""Chunks that an expectation is founded on."""
_ALIKE = 0.1
"""Sizes that differ by less than this part tell nothing new of what a chunk takes whatever its size."""


class Chunker:
    """Steers rows per chunk towards a time per chunk, by what the last few chunks took for so many rows.

    Every chunk takes some time whatever its size: its round trips, its commit, which may have to wait for a standby far away, and for a
    processor. Where that alone is longer than the time that is wanted, a smaller chunk would be no shorter, and chunks would become ever
    smaller. So a chunk is allowed at least as long for its rows as it takes without any.

    With `fixed` the size is that. The size at most doubles from one chunk to the next, and shrinks at once: a chunk that took too long
    held the application up already.
    """

    def __init__(self, target_seconds: float, *, fixed: int | None = None) -> None:
        self.target_seconds = target_seconds
        self.fixed = fixed
        self._rows = fixed or _START
        self._seen: deque[tuple[int, float]] = deque(maxlen=_REMEMBERED)
        self._far: tuple[int, float] | None = None
        """The last chunk, where it took far longer than expected."""
        self._whatever = 0.0
        """Seconds that every chunk takes."""

    @property
    def rows(self) -> int:
        return self.fixed or self._rows

    def finished(self, rows: int, seconds: float) -> None:
        """A chunk of `rows` rows (all those looked at, whether a filter let them through or not) took `seconds`."""
        if rows <= 0 or seconds <= 0:
            return
        if len(self._seen) >= _FEWEST and seconds > _FAR * self._expected(rows):
            if self._far is None:
                self._far = rows, seconds
                self._set(min(self._rows, self.target_seconds * rows / seconds))
                return
            # Twice in a row: what was seen before is of another server.
            self._seen.clear()
            self._whatever = 0.0
        if self._far is not None:
            self._seen.append(self._far)
            self._far = None
        self._seen.append((rows, seconds))
        each = self._each()
        most = self._rows * _GROWTH
        if len(self._seen) == _REMEMBERED and not self._telling:
            # Nothing says what a chunk would take that has no rows, until one of another size has been seen.
            self._set(rows / _GROWTH if rows > SMALLEST else most)
        else:
            self._set(min(most, max(self.target_seconds - self._whatever, self._whatever) / each) if each else most)

    def _set(self, rows: float) -> None:
        self._rows = round(max(SMALLEST, min(LARGEST, rows)))

    def _expected(self, rows: int) -> float:
        each = self._each()
        return self._whatever + each * rows

    @property
    def _telling(self) -> bool:
        """Whether sizes differ enough."""
        return pstdev(rows for rows, _ in self._seen) > _ALIKE * fmean(rows for rows, _ in self._seen)

    def _each(self) -> float:
        """Seconds a row, besides what every chunk takes, by the straight line nearest to what was seen."""
        sizes, seconds = zip(*self._seen, strict=True)
        size, took = fmean(sizes), fmean(seconds)
        if self._telling:
            slope, _ = linear_regression(sizes, seconds)
            self._whatever = max(0.0, took - size * max(slope, 0.0))
        return max(0.0, took - self._whatever) / size
