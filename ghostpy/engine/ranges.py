"""Hands out a table's ranges in the key's order, one after the other, to several workers."""

from __future__ import annotations

import asyncio

from ghostpy.engine.chunker import Chunker
from ghostpy.engine.retry import retried
from ghostpy.model.keys import Bound, KeyRange
from ghostpy.protocols import Ranging


class Ranges:
    """One pass over the source, or over what is above `low` of it. `low` is the upper bound of the last range handed out."""

    def __init__(
        self, ranging: Ranging, chunker: Chunker, retries: int, *, low: Bound | None = None, complete: bool = False
    ) -> None:
        self._ranging = ranging
        self._chunker = chunker
        self._retries = retries
        self._one_at_a_time = asyncio.Lock()
        self.low = low
        self.complete = complete
        """Whether all ranges are handed out."""

    async def next(self) -> tuple[KeyRange, int] | None:
        """The next range and how many rows it was meant to have; None at the end."""
        async with self._one_at_a_time:
            if self.complete:
                return None
            low, rows = self.low, self._chunker.rows
            high = await retried(self._retries, self._ranging.next_bound, low, rows)
            # The last range has no upper bound: what is inserted above it from now on is in the stream.
            self.low, self.complete = high, high is None
            return KeyRange(low, high), rows
