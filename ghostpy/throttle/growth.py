"""Tells where old versions of rows pile up on the server while a run is under way: whoever looks at them is held back, and the disk fills."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from ghostpy.errors import GhostpyError
from ghostpy.protocols import Vitals
from ghostpy.throttle.loads import shown

_EVERY, _PATIENCE = 10.0, 5.0


class Growth:
    """Compares each of `Vitals.burdens` with what it was at the first look. `resting`: whether nothing may be asked now."""

    def __init__(
        self,
        vitals: Vitals,
        *,
        tell: Callable[[str], None],
        resting: Callable[[], bool] = lambda: False,
        every: float = _EVERY,
    ) -> None:
        self._vitals = vitals
        self._tell = tell
        self._resting = resting
        self._every = every
        self._first: dict[str, float] = {}
        self._worth_telling: dict[str, float] = {}

    async def run(self) -> None:
        """Look until cancelled. What cannot be asked, for want of a privilege, is left out."""
        while True:
            if not self._resting():
                for name, step in self._vitals.burdens.items():
                    await self._look(name, step)
            await asyncio.sleep(self._every)

    async def _look(self, name: str, step: float) -> None:
        with suppress(GhostpyError, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                value = await self._vitals.figure(name)
            first = self._first.setdefault(name, value)
            if value - first >= self._worth_telling.setdefault(name, step):
                self._worth_telling[name] = 2 * (value - first)
                self._tell(
                    f"{name} has grown from {shown(first)} to {shown(value)} since this run began: somebody's long transaction keeps "
                    f"the server from removing old versions of rows; --max-load={name}=… would make the run rest for it"
                )
