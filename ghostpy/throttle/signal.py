"""What every reason to rest has in common."""

from __future__ import annotations

from typing import Protocol


class Signal(Protocol):
    """One source of reasons to rest. It is looked at every `interval` seconds, by one caller at a time.

    A look that raises, or that takes longer than `patience` seconds (it is cancelled then), counts as a reason to rest: a signal that
    fell silent may well have something to tell. CriticalLoad and Panicked are no such failures: they end the run.
    """

    @property
    def name(self) -> str:
        """For the reason, where there is no answer."""

    @property
    def interval(self) -> float: ...

    @property
    def patience(self) -> float: ...

    @property
    def asked_for(self) -> bool:
        """Whether anybody wants it; else it is not looked at."""

    async def look(self) -> str | None:
        """The reason to rest, or None."""
