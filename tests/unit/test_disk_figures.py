"""A run leaves some of the server's disk to the server: it warns in time, and ends before there is too little."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from ghostpy.dialects.local_disk import disk_at
from ghostpy.errors import DiskNearlyFull, ServerError, keeps_work
from ghostpy.model.disk import Disk
from ghostpy.settings import ThrottleSettings
from ghostpy.throttle.disk_room import DiskRoom


class _Vitals:
    """As far as it is asked here."""

    def __init__(self, *found: Disk | ServerError | None) -> None:
        self._found = list(found)
        self.over = asyncio.Event()

    async def disk(self) -> Disk | None:
        if not self._found:
            self.over.set()
            return None
        found = self._found.pop(0)
        if isinstance(found, ServerError):
            raise found
        return found


def _told(*found: Disk | ServerError | None, reserve: float = 1.0, resting: bool = False) -> list[str]:
    told: list[str] = []

    async def run() -> None:
        vitals = _Vitals(*found)
        settings = ThrottleSettings(disk_reserve_percent=reserve)
        room = DiskRoom(vitals, settings, told.append, resting=lambda: resting, every=0.0)  # type: ignore[arg-type]
        work = asyncio.create_task(room.run())
        over = asyncio.create_task(vitals.over.wait())
        try:
            async with asyncio.timeout(0.2 if resting or not reserve else 30):
                await asyncio.wait([work, over], return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            assert resting or not reserve
        if work.done():
            await work
        for task in (work, over):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    asyncio.run(run())
    return told


def test_warned_once_and_in_time() -> None:
    roomy, narrow = Disk(free=500 << 20, total=1000 << 20), Disk(free=35 << 20, total=1000 << 20)
    assert _told(roomy, narrow, narrow) == ["the server's disk has 3.5 % left (35 MB); the run is ended at 1 %"]


def test_ended_before_it_is_full() -> None:
    with pytest.raises(DiskNearlyFull, match=r"0\.9 % left \(9 MB\), less than --disk-reserve-percent=1") as ended:
        _told(Disk(free=9 << 20, total=1000 << 20))
    # The copy takes the room, so it goes.
    assert not keeps_work(ended.value)


def test_what_cannot_be_seen_is_no_reason_to_end() -> None:
    assert _told(None, ServerError("gone"), None) == []


def test_no_look_where_none_is_wanted() -> None:
    assert _told(Disk(free=0, total=1000), reserve=0.0) == []


def test_nothing_is_asked_while_the_run_hibernates() -> None:
    assert _told(Disk(free=0, total=1000), resting=True) == []


def test_a_path_of_this_machine_and_another() -> None:
    here = asyncio.run(disk_at("/"))
    assert here is not None
    assert 0 <= here.free <= here.total
    assert asyncio.run(disk_at("/nowhere/at/all")) is None
