"""Compares two tables that no run is about: once over all rows, and again, later, over those that differed.

Nobody follows a change stream here, so a difference proves nothing while somebody writes. What tells is time: a row that differs in
the very same way after a while differs; one that is equal by then was caught between two writes; one that is another row at each look is
being written all the time, and nothing can be said of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from ghostpy.engine.chunker import Chunker
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.ranges import Ranges
from ghostpy.engine.retry import retried
from ghostpy.engine.tasks import together
from ghostpy.model.difference import Comparison, Difference
from ghostpy.model.keys import Key
from ghostpy.protocols import Examining, Gate, Ranging

_LOOKS = 4
"""Beside the first one."""
_KEYS_AT_ONCE = 1000
_AT_LEAST = 10
"""Differences asked for in one chunk, whatever there is room for."""


class Comparer:
    """One pass over both tables, by several workers, in slices with rests between them."""

    def __init__(
        self,
        examining: Examining,
        ranging: Ranging,
        chunker: Chunker,
        gate: Gate,
        knobs: Knobs,
        *,
        limit: int,
        again_after: float,
        tell: Callable[[Comparison], None],
    ) -> None:
        """`limit`: differences to find at most; `again_after`: seconds between two looks at a difference."""
        self._examining = examining
        self._ranges = Ranges(ranging, chunker, knobs.retries)
        self._chunker = chunker
        self._gate = gate
        self._knobs = knobs
        self._limit = limit
        self._again_after = again_after
        self._tell = tell
        self._suspects: dict[Key, Difference] = {}
        self._found = Comparison()

    async def run(self) -> Comparison:
        """Look at all rows, and at the differing ones until they are told apart."""
        while not self._ranges.complete and not self._found.gave_up:
            await self._gate.opened()
            began = time.monotonic()
            deadline = began + self._knobs.slice_seconds
            await together(*(self._look(deadline) for _ in range(self._knobs.workers)), name="compare")
            self._tell(self._found)
            if self._knobs.nice_ratio and not self._ranges.complete:
                await asyncio.sleep((time.monotonic() - began) * self._knobs.nice_ratio)
        await self._settle()
        return self._found

    async def _look(self, deadline: float) -> None:
        """Each worker does one chunk at least."""
        while (handed := await self._ranges.next()) is not None:
            chunk, size = handed
            began = time.monotonic()
            rows, equal = await retried(self._knobs.retries, self._examining.count_differences, chunk)
            if chunk.high is not None:
                self._chunker.finished(size, time.monotonic() - began)
            self._found.rows += rows
            if not equal:
                room = max(self._limit - len(self._suspects), 0) + _AT_LEAST
                found = await retried(self._knobs.retries, self._examining.found_in, chunk, room)
                self._suspects.update((each.key, each) for each in found)
                if len(self._suspects) > self._limit and not self._found.gave_up:
                    self._found.gave_up, self._found.given_up_at = True, chunk.high
            if time.monotonic() >= deadline or self._gate.reason or self._found.gave_up:
                return

    async def _settle(self) -> None:
        suspects = self._suspects
        for _ in range(_LOOKS):
            if not suspects:
                break
            await asyncio.sleep(self._again_after)
            now = {each.key: each for each in await self._seen_now(list(suspects))}
            # Standing is what differs as it did before; the same row may also be back after a change and its undoing: that differs, too.
            self._found.standing += [each for key, each in now.items() if suspects[key] == each]
            self._found.settled += len(suspects) - len(now)
            suspects = {key: each for key, each in now.items() if suspects[key] != each}
        self._found.moving += suspects

    async def _seen_now(self, keys: Sequence[Key]) -> list[Difference]:
        found: list[Difference] = []
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            await self._gate.opened()
            part = keys[start : start + _KEYS_AT_ONCE]
            found += await retried(self._knobs.retries, self._examining.found_among, part)
        return found
