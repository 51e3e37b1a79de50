"""What is known of the comparisons of all rows: the first one, and those that are repeated while the cut-over is postponed."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from msgspec import Struct

from ghostpy.model.passes import Passes


class PassLog(Struct):
    """Written by who compares; `seen` is for those who watch. `every`: seconds between two of them, 0 where none is repeated."""

    every: float = 0.0
    again: int = 0
    rows: int = 0
    repaired: int = 0
    began: float | None = None
    """Of the one under way."""
    ended: float | None = None
    """Of the last complete one that this run has made."""
    _last_rows: int = 0
    _last_seconds: float = 0.0
    _last_repaired: int = 0
    _ended_at: str = ""

    def begin(self) -> None:
        self.began, self.rows, self.repaired = time.monotonic(), 0, 0

    def end(self, *, again: bool) -> None:
        """The one under way has looked at all rows. `again`: it was not the first."""
        now = time.monotonic()
        self._last_rows, self._last_repaired = self.rows, self.repaired
        self._last_seconds = now - (self.began or now)
        self.began, self.ended = None, now
        self._ended_at = datetime.now(UTC).isoformat(timespec="seconds")
        self.again += again

    def abandon(self) -> None:
        """The one under way does not come to its end."""
        self.began = None

    def seen(self) -> Passes:
        now = time.monotonic()
        return Passes(
            every=self.every,
            again=self.again,
            under_way=self.began is not None,
            rows=0 if self.began is None else self.rows,
            last_ended=self._ended_at,
            last_age=None if self.ended is None else now - self.ended,
            last_rows=self._last_rows,
            last_seconds=self._last_seconds,
            last_repaired=self._last_repaired,
        )
