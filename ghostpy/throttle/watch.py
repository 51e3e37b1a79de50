"""Looks at one signal again and again, and knows what it said last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ghostpy.errors import CriticalLoad, GhostpyError, Panicked
from ghostpy.throttle.signal import Signal

_IDLE = 0.1


class Watch:
    """`reason` is the signal's, or tells that it has none to give. None before the first look, or where nobody wants it."""

    def __init__(self, signal: Signal, sleeping: Callable[[], bool], told: Callable[[], None] = lambda: None) -> None:
        """`told` is called after each look."""
        self.signal = signal
        self.reason: str | None = None
        self._told = told
        self._answered = False
        self._sleeping = sleeping
        self._due = asyncio.Event()

    @property
    def waiting(self) -> bool:
        """Whether the signal is wanted, and was not looked at yet."""
        return self.signal.asked_for and not self._answered

    def anew(self) -> None:
        """What it said holds no longer: it is looked at at once."""
        self._answered = False
        self._due.set()

    async def run(self) -> None:
        """Look until cancelled. Raises what must end the run."""
        while True:
            self._due.clear()
            if self._sleeping() or not self.signal.asked_for:
                self.reason, self._answered = None, False
                await self._rest(_IDLE)
                continue
            reason = await self._looked()
            if not self._due.is_set():
                self.reason, self._answered = reason, True
                self._told()
                await self._rest(self.signal.interval)

    async def _looked(self) -> str | None:
        patience = self.signal.patience
        try:
            async with asyncio.timeout(patience) as limit:
                return await self.signal.look()
        except (CriticalLoad, Panicked):
            raise
        except TimeoutError as error:
            if not limit.expired():
                return f"{self.signal.name} {str(error) or 'timed out'}"
            return f"{self.signal.name} did not answer within {patience:g} s"
        except GhostpyError as error:
            return f"{self.signal.name} {error.message}"
        except Exception as error:
            return f"{self.signal.name} {str(error) or type(error).__name__}"

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._due.wait()
        except TimeoutError:
            pass
