"""Asks a run under way to end."""

from __future__ import annotations

import asyncio

from ghostpy.errors import GhostpyError


class Ending:
    """The first wish counts. The run ends with that error between two steps, as it would by a failure of its own."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._error: GhostpyError | None = None

    @property
    def asked(self) -> bool:
        return self._error is not None

    def ask(self, error: GhostpyError) -> None:
        """End the run by `error`: Stopped, Aborted, Panicked, …"""
        if self._error is None:
            self._error = error
            self._asked.set()

    async def run(self) -> None:
        """Wait for a wish, and raise it."""
        await self._asked.wait()
        assert self._error is not None
        raise self._error
