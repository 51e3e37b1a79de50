"""All rows of a table, chunk by chunk along its key, with rests: for looking at them without being in anybody's way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from ghostpy import errors
from ghostpy.model.keys import Bound, KeyRange

ROWS = 2_000
"""Of a chunk."""
_REST = 0.5
"""Rest after each chunk, as a multiple of the time that it took."""
EXAMPLES = 5

NextBound = Callable[[Bound | None, int], Awaitable[Bound | None]]
"""The key so many rows above a bound; None where there are fewer."""


async def chunks(next_bound: NextBound) -> AsyncIterator[KeyRange]:
    """Ranges that hold all rows that are there all the time. Whoever takes them does the work in between."""
    low: Bound | None = None
    while True:
        began = time.monotonic()
        high = await next_bound(low, ROWS)
        yield KeyRange(low, high)
        if high is None:
            return
        low = high
        await asyncio.sleep(_REST * (time.monotonic() - began))


async def misfits(work: Callable[[KeyRange], Awaitable[None]], chunk: KeyRange, next_bound: NextBound) -> list[Bound]:
    """The keys of rows in a chunk over which the server refuses the work, for a value that does not fit; at most `EXAMPLES`.

    They are looked for by halves.
    """
    found: list[Bound] = []
    waiting = [(chunk, ROWS)]
    while waiting and len(found) < EXAMPLES:
        part, rows = waiting.pop()
        try:
            await work(part)
        except errors.DataDoesNotFit:
            first = await next_bound(part.low, 1)
            if rows == 1:
                found += [first] if first else []
                continue
            middle = await next_bound(part.low, rows // 2)
            if middle is not None and middle != part.high:
                waiting.append((KeyRange(middle, part.high), rows - rows // 2))
                waiting.append((KeyRange(part.low, middle), rows // 2))
            else:
                waiting.append((part, rows // 2))
    return found


async def in_turns(attempts: int, seconds: float, lock: Callable[[], Awaitable[None]]) -> None:
    """Do what waits for a lock up to `seconds`, again and again; in between the application has twice that time, for it waits behind us.

    Raises CutOverFailed where no attempt got it.
    """
    for attempt in range(attempts):
        try:
            await lock()
            return
        except errors.TransientError as error:
            if attempt == attempts - 1:
                raise errors.CutOverFailed(f"{error.message}; nothing was changed by this step") from error
        await asyncio.sleep(2 * seconds)
