"""Waiting where the run rests, with its checkpoints going on: the stream is followed all the while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

from ghostpy.engine.checkpoints import Checkpoints
from ghostpy.protocols import Gate

_LOOK = 0.5


async def opened(gate: Gate, checkpoints: Checkpoints) -> None:
    """Return once the gate is open. No chunk and no resync may be under way."""
    while gate.reason:
        try:
            async with asyncio.timeout(_LOOK):
                await gate.opened()
        except TimeoutError:
            await checkpoints.due()


async def rested(seconds: float, checkpoints: Checkpoints) -> None:
    """Return after so many seconds."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        await asyncio.sleep(min(left, _LOOK))
        await checkpoints.due()


async def done(work: Coroutine[Any, Any, None], checkpoints: Checkpoints, *, name: str) -> None:
    """Return once `work` is done, which touches neither rows nor the backlog."""
    task = asyncio.create_task(work, name=name)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=_LOOK)
            await checkpoints.due()
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
