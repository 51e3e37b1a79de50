"""Ends a run before the server's disk is full: a server that has no room left fails, or stops, for everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from ghostpy.errors import DiskNearlyFull, GhostpyError
from ghostpy.model.disk import Disk
from ghostpy.protocols import Vitals
from ghostpy.settings import ThrottleSettings

_EVERY, _PATIENCE = 5.0, 5.0
_TELL_AT = 4
"""Times the reserve."""


class DiskRoom:
    """Looks at the disk, where it can be seen. `settings.disk_reserve_percent` of it are left to the server; 0: no look at all.

    `resting`: whether nothing may be asked now.
    """

    def __init__(
        self,
        vitals: Vitals,
        settings: ThrottleSettings,
        tell: Callable[[str], None],
        *,
        resting: Callable[[], bool] = lambda: False,
        every: float = _EVERY,
    ) -> None:
        self._vitals = vitals
        self._reserve = settings.disk_reserve_percent
        self._tell = tell
        self._resting = resting
        self._every = every
        self._told = False

    async def run(self) -> None:
        """Look until cancelled. Raises DiskNearlyFull."""
        while True:
            disk = await self._look() if self._reserve and not self._resting() else None
            if disk is not None:
                self._judge(disk)
            await asyncio.sleep(self._every)

    async def _look(self) -> Disk | None:
        with suppress(GhostpyError, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                return await self._vitals.disk()
        return None

    def _judge(self, disk: Disk) -> None:
        left = 100.0 - disk.used_percent
        text = f"the server's disk has {left:.1f} % left ({disk.free >> 20:,} MB)"
        if left < self._reserve:
            raise DiskNearlyFull(f"{text}, less than --disk-reserve-percent={self._reserve:g}: ended before it is full")
        if left < _TELL_AT * self._reserve and not self._told:
            self._told = True
            self._tell(f"{text}; the run is ended at {self._reserve:g} %")
