"""Dirty keys: which rows of the source changed and are not resynced yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain, islice

from ghostpy.model.keys import Key, Mark

_BEYOND = 20
"""Keys that need no resync, for each that may be taken of the others: they cost their look only."""
_MOST_BEYOND = 50_000
"""The same in all: while they are looked at, nothing else is done."""
_MOST_MORE = 3.0
"""Slices of resyncing, besides the usual one, where it is full."""


class Backlog:
    """Dirty keys with the mark of their last change, oldest first. Repeated changes of one row are one key.

    Not bounded by itself: who reads the stream waits while it is `full`.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._keys: dict[Key, Mark] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: Key) -> bool:
        return key in self._keys

    @property
    def full(self) -> bool:
        return len(self._keys) >= self.limit

    @property
    def pressure(self) -> float:
        """How full it is, from 0 to 1."""
        return min(1.0, len(self._keys) / self.limit)

    @property
    def urgency(self) -> float:
        """So many times as long as a slice of copying, dirty keys are worked off behind it: the fuller the backlog is, the sooner the stream
        has to wait for it.
        """
        return 1.0 + _MOST_MORE * self.pressure

    def all(self) -> dict[Key, Mark]:
        """A copy of what is dirty, oldest first."""
        return dict(self._keys)

    def add(self, keys: Mapping[Key, Mark]) -> None:
        """Take in changes that came after all earlier ones."""
        self._keys.update(keys)

    def add_unmarked(self, keys: Iterable[Key]) -> None:
        """Make keys dirty that no change of the stream did; a mark that is there already stays."""
        for key in keys:
            self._keys.setdefault(key, 0)

    def take(self, count: int, *, last: int | None = None) -> tuple[dict[Key, Mark], dict[Key, Mark]]:
        """Remove and return up to `count` keys, the ones that have waited longest; and, apart from these, keys among and behind them that are
        above `last`, where keys are numbers: a later chunk will read them, so behind the fence there is nothing to be done for them.
        """
        beyond: dict[Key, Mark] = {}
        if last is None:
            taken = dict(islice(self._keys.items(), count))
        else:
            taken = {}
            for key, mark in islice(self._keys.items(), min(_BEYOND * count, count + _MOST_BEYOND)):
                if isinstance(key, int) and key > last:
                    beyond[key] = mark
                elif len(taken) < count:
                    taken[key] = mark
                else:
                    break
        if len(taken) + len(beyond) == len(self._keys):
            self._keys.clear()
        else:
            for key in chain(taken, beyond):
                del self._keys[key]
        return taken, beyond

    def put_back(self, keys: Mapping[Key, Mark]) -> None:
        """Return taken keys that are still to be done; a change that came meanwhile is the newer one."""
        for key, mark in keys.items():
            self._keys.setdefault(key, mark)
