"""Whether a stream hands small transactions over together, and holds nothing back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from ghostpy.dialects.handover import BREATH


async def read_beside(follow: Any, write: Callable[[], object], *, events: int) -> None:
    """Read while `write` makes so many changes, one a transaction. Each hand-over wakes threads: they must be few, and soon at the end."""
    began = time.monotonic()
    writing = asyncio.create_task(asyncio.to_thread(write))
    while not writing.done():
        await follow.read()
    behind = follow.batches
    while follow.events < events:
        await follow.read()
    took = time.monotonic() - began
    await writing
    assert follow.batches < took / BREATH + 200
    assert follow.batches - behind < 20
