"""Dirty keys: which rows of the source changed and are not resynced yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from ghostpy.model.keys import Key, Mark

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

    def take(self, count: int) -> dict[Key, Mark]:
        """Remove and return up to `count` keys, the ones that have waited longest."""
        taken = dict(islice(self._keys.items(), count))
        if len(taken) == len(self._keys):
            self._keys.clear()
        else:
            for key in taken:
                del self._keys[key]
        return taken

    def put_back(self, keys: Mapping[Key, Mark]) -> None:
        """Return taken keys that are still to be done; a change that came meanwhile is the newer one."""
        for key, mark in keys.items():
            self._keys.setdefault(key, mark)
