"""Copy keys, and ranges of them.

A *key* names one row of the source. The engine only stores keys and hands them back: to it they are hashable things.
A single integer column gives plain `int`s (small, quick to hash, ordered as the server orders them); any other
copy key gives the text of its literals in SQL, joined by commas, which the dialect writes back as it stands.

A *bound* is a place in the copy key's order, made and read by the dialect only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct

Key: TypeAlias = int | str
Mark: TypeAlias = int
"""The transaction that made a key dirty, where the dialect fences key by key (PostgreSQL: the xid); else 0."""
Bound: TypeAlias = tuple[str, ...]
"""One literal a column of the copy key, in the form that compares in the key's order."""


class KeyRange(Struct, frozen=True):
    """Keys above `low` and up to `high`, which belongs to the range. None: no bound on that side."""

    low: Bound | None
    high: Bound | None

    @property
    def last_number(self) -> int | None:
        """`high` where keys are numbers, which Python orders as the server does."""
        if self.high is None or len(self.high) != 1 or not self.high[0].lstrip("-").isdigit():
            return None
        return int(self.high[0])

    def not_beyond(self, keys: Iterable[Key]) -> list[Key]:
        """`keys` without those that are certainly above `high`."""
        last = self.last_number
        return list(keys) if last is None else [key for key in keys if not isinstance(key, int) or key <= last]
