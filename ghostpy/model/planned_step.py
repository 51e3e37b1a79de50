"""One step of a change, as a plan tells it."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class Blocks(Enum):
    """Who cannot work on the table while the step's lock is held."""

    NONE = "none"
    WRITERS = "writers"
    ALL = "all"


class Lasts(Enum):
    """For how long the step, and its lock, is held."""

    MOMENT = "moment"
    """However large the table is. To get the lock may take longer; how long is waited for it at a time, `lock` says."""
    GROWS = "grows with the table"


class PlannedStep(Struct, frozen=True):
    does: str
    """In SQL, or in words."""
    lock: str = ""
    """Which lock it takes on what, and until when, in words."""
    blocks: Blocks = Blocks.NONE
    lasts: Lasts = Lasts.MOMENT

    @property
    def text(self) -> str:
        """As one line for people."""
        return f"{self.does} ({self.lock})" if self.lock else self.does
