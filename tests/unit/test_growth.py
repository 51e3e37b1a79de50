"""What piles up on a server is told of once it has grown, and again when it has doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress

from ghostpy.errors import GhostpyError, MissingPrivilege
from ghostpy.throttle.growth import Growth


class _Vitals:
    """As far as it is asked here."""

    burdens: Mapping[str, float] = {"history": 100.0, "hidden": 1.0}

    def __init__(self, *values: float | GhostpyError) -> None:
        self._values: Iterator[float | GhostpyError] = iter(values)
        self.over = asyncio.Event()

    async def figure(self, name: str) -> float:
        if name == "hidden":
            raise MissingPrivilege("may not be asked")
        value = next(self._values, None)
        if value is None:
            self.over.set()
            return 0.0
        if isinstance(value, GhostpyError):
            raise value
        return value


def _told(*values: float | GhostpyError, resting: bool = False) -> list[str]:
    told: list[str] = []

    async def run() -> None:
        vitals = _Vitals(*values)
        growth = Growth(vitals, tell=told.append, every=0.0, resting=lambda: resting)  # type: ignore[arg-type]
        work = asyncio.create_task(growth.run())
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2 if resting else 30):
                await vitals.over.wait()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(run())
    return told


def test_it_is_told_once_and_again_when_it_has_doubled() -> None:
    told = _told(*map(float, (1000, 1099, 1100, 1150, 1199, 1200, 1300, 1400)))
    assert [line.split(" since")[0] for line in told] == [
        "history has grown from 1000 to 1100",
        "history has grown from 1000 to 1200",
        "history has grown from 1000 to 1400",
    ]


def test_what_shrinks_or_cannot_be_asked_is_not_told() -> None:
    assert _told(1000.0, 500.0, MissingPrivilege("no"), 1099.0) == []


def test_nothing_is_asked_while_the_run_hibernates() -> None:
    assert _told(1000.0, 5000.0, resting=True) == []
