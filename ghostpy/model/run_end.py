"""How a run ended, well or not."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class RunEnd(Struct, frozen=True):
    """What the process is about to say with its exit code. `message` is what is told on stderr; nothing where all went well."""

    exit_code: int
    finished: datetime
    error: str = ""
    """The class of the error."""
    message: str = ""
    trace: str = ""
    """Only where it was asked for."""

    @property
    def well(self) -> bool:
        return self.exit_code == 0
