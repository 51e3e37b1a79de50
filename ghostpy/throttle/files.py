"""Flag files: one that pauses the run while it exists, one that ends it."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from ghostpy.errors import Panicked
from ghostpy.throttle.blocking import Blocking

_INTERVAL = 0.25
_PATIENCE = 5.0


class FlagFile:
    """Fulfils `Signal`. A path that cannot be looked at counts as a reason to rest."""

    name = "flag-file"
    interval = _INTERVAL
    patience = _PATIENCE

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.there = False
        """Whether it existed when it was looked for last."""
        self._exists = Blocking(partial(_exists, path)) if path else None

    @property
    def asked_for(self) -> bool:
        return self.path is not None

    async def look(self) -> str | None:
        self.there = self._exists is not None and await self._exists.result()
        return self.name if self.there else None


class PanicFile(FlagFile):
    """Fulfils `Signal`; ends the run."""

    name = "panic-file"

    async def look(self) -> str | None:
        if await super().look():
            raise Panicked(f"found panic-file {self.path}. Aborting without cleanup")
        return None


def _exists(path: Path) -> bool:
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
