"""The lock of a call, taken where another of ours may hold it for a moment still."""

from __future__ import annotations

import asyncio
from typing import Protocol

from ghostpy import errors

_PAUSE = 0.2


class Lockable(Protocol):
    """A server with a lock for what is to be done."""

    async def lock_run(self) -> None:
        """Take it. Raises AlreadyRunning."""


async def locked(server: Lockable, *, attempts: int) -> None:
    """Take the lock, trying five times a second: a session of a run that was killed holds it until its statement ends.

    Raises AlreadyRunning where that was in vain.
    """
    for _ in range(attempts - 1):
        try:
            await server.lock_run()
            return
        except errors.AlreadyRunning:
            await asyncio.sleep(_PAUSE)
    await server.lock_run()
