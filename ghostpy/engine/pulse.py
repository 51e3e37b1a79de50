"""The price of our work: how long a commit takes while we work, against one while we rest.

The heartbeat is a commit of our own on the same server, so it waits for what the application's commits wait for: the log, the disk, the
processors. Both figures are taken a moment apart under the same load of the application; what they differ by is ours.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from msgspec import Struct

_REMEMBERED = 48
"""Beats of each kind: some seconds' worth."""
_LATEST = 16
"""Beats, of whatever kind."""
_FEWEST_AT_WORK, _FEWEST_AT_REST = 8, 4
_SETTLED = 0.02
"""Seconds after the end of our work in which the server still writes what came of it."""
_UNFELT = 0.0003
"""Seconds by which a beat may be late for reasons in this process."""


class Price(Struct, frozen=True):
    """How long a commit takes, in seconds."""

    at_work: float
    at_rest: float

    @property
    def more(self) -> float:
        """Seconds by which a commit takes longer while we work."""
        more = self.at_work - self.at_rest
        return more if more > _UNFELT else 0.0

    @property
    def longer(self) -> float:
        """By which part a commit takes longer while we work: 0.5 for three milliseconds instead of two."""
        return self.more / self.at_rest if self.more else 0.0


class Pulse:
    """Tells beats during our work from those during a rest. A beat that saw both tells nothing."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._under_way = 0
        self._since = now()
        self._at_work: deque[float] = deque(maxlen=_REMEMBERED)
        self._at_rest: deque[float] = deque(maxlen=_REMEMBERED)
        self._latest: deque[float] = deque(maxlen=_LATEST)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Work is under way on the server for the length of the block."""
        if not self._under_way:
            self._since = self._now()
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._since = self._now()

    def beaten(self, began: float, ended: float) -> None:
        """A heartbeat was written between these moments of the clock, and no other one just before it."""
        self._latest.append(ended - began)
        if self._under_way and self._since <= began:
            self._at_work.append(ended - began)
        elif not self._under_way and self._since + _SETTLED <= began:
            self._at_rest.append(ended - began)

    def work_changes(self) -> None:
        """What was seen of our work tells nothing of how we work from now on."""
        self._at_work.clear()

    @property
    def commit(self) -> float:
        """Seconds that a commit takes now, whatever else goes on; 0 before the first one."""
        return _usual(self._latest) if self._latest else 0.0

    @property
    def price(self) -> Price | None:
        """None while too few beats have told."""
        if len(self._at_work) < _FEWEST_AT_WORK or len(self._at_rest) < _FEWEST_AT_REST:
            return None
        return Price(_usual(self._at_work), _usual(self._at_rest))


def _usual(seconds: Iterable[float]) -> float:
    """The mean without the very longest: a chunk's commit, which holds up every few of others, must count; one hiccup must not."""
    ordered = sorted(seconds)
    kept = ordered[: max(1, len(ordered) - max(1, len(ordered) // 20))]
    return sum(kept) / len(kept)
