"""A part of the table copied for trial, into a table that is gone again, to see what it takes."""

from __future__ import annotations

import time

from msgspec import Struct

from ghostpy.model.keys import KeyRange
from ghostpy.protocols import Scratch

_FIRST = 10
_MOST = 50_000
_CHUNK = 0.2
"""Seconds that a chunk may take before chunks stop to grow."""
_GROWTH = 4


class Sample(Struct, frozen=True):
    """Times in seconds, for all `rows` that were looked at. `whole`: they are all there are; `counted`: how many there are, where that is known."""

    rows: int
    whole: bool
    copying: float
    indexing: float
    comparing: float
    bytes: int | None
    log_bytes: int | None
    counted: int | None = None


async def sampled(scratch: Scratch, seconds: float) -> Sample:
    """Copy from the beginning of the key for about `seconds`; build the indexes of that, and compare it.

    Raises DataDoesNotFit as a copy does.
    """
    before = await scratch.log_position()
    chunks, copying, size = list[KeyRange](), 0.0, _FIRST
    rows, low, whole = 0, None, False
    while copying < seconds and not whole:
        began = time.monotonic()
        high = await scratch.next_bound(low, size)
        chunk = KeyRange(low, high)
        looked_at = await scratch.copy(chunk)
        took = time.monotonic() - began
        copying += took
        rows += size if high is not None else looked_at
        chunks.append(chunk)
        low, whole = high, high is None
        if took < _CHUNK / _GROWTH:
            size = min(size * _GROWTH, _MOST)
    indexing = await scratch.build_indexes()
    after = await scratch.log_position()
    began = time.monotonic()
    for chunk in chunks:
        await scratch.compare(chunk)
    comparing = time.monotonic() - began
    return Sample(
        rows=rows,
        whole=whole,
        copying=copying,
        indexing=indexing,
        comparing=comparing,
        bytes=await scratch.size(),
        counted=rows if whole else await scratch.rows(),
        log_bytes=None if before is None or after is None else max(0, after - before),
    )
