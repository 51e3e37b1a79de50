"""The comparison beside an application that writes: what is looked at again, when, and what becomes of rows that stay wrong."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import pytest
from open_gate import OpenGate

from ghostpy import errors
from ghostpy.engine.backlog import Backlog
from ghostpy.engine.chunker import Chunker
from ghostpy.engine.effort import Effort
from ghostpy.engine.follower import Follower
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.pulse import Pulse
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.rests import Rests
from ghostpy.engine.resync import BacklogWorker
from ghostpy.engine.verifier import Verifier
from ghostpy.model.change import ChangeBatch, Position
from ghostpy.model.checkpoint import Course
from ghostpy.model.keys import Bound, Key, KeyRange, Mark
from ghostpy.protocols import Resynced
from ghostpy.settings import CopySettings


class World:
    """Both tables, by numbers, and the stream. `hot`: rows that are changed at each look; `spoils`: how often a resync writes a row wrongly."""

    def __init__(
        self,
        rows: int,
        *,
        hot: Sequence[int] = (),
        spoils: Mapping[int, int] | None = None,
        spelled_otherwise: bool = False,
    ) -> None:
        self.source = dict.fromkeys(range(1, rows + 1), 0)
        self.shadow = dict(self.source)
        self._hot = hot
        self._spelled: type[int] | type[str] = str if spelled_otherwise else int
        self._spoils = dict(spoils or {})
        self._log: list[int] = []
        self._read = 0
        self.looked_again: list[int] = []

    def write(self, key: int) -> None:
        self.source[key] += 1
        self._log.append(key)

    # --- the stream -------------------------------------------------------------------------------------------------

    async def read(self) -> ChangeBatch:
        while self._read == len(self._log):
            await asyncio.sleep(0)
        new, self._read = self._log[self._read :], len(self._log)
        return ChangeBatch({self._spelled(key): 0 for key in new}, len(new), Position(self._read, ""))

    async def fence(self) -> None:
        await asyncio.sleep(0)

    async def end(self) -> Position:
        return Position(len(self._log), "")

    def passed(self, position: Position) -> bool:
        assert isinstance(position.token, int)
        return self._read >= position.token

    # --- rows -------------------------------------------------------------------------------------------------------

    async def next_bound(self, low: Bound | None, rows: int) -> Bound | None:
        above = sorted(key for key in self.source if low is None or key > int(low[0]))
        return (str(above[rows - 1]),) if len(above) >= rows else None

    async def compare(self, chunk: KeyRange) -> tuple[int, Sequence[Key]]:
        for key in self._hot:
            self.write(key)
        low, high = (None if bound is None else int(bound[0]) for bound in (chunk.low, chunk.high))
        keys = [key for key in self.source if (low is None or key > low) and (high is None or key <= high)]
        return len(keys), self._differing(keys)

    async def still_different(self, keys: Sequence[Key]) -> Sequence[Key]:
        known = [key for key in keys if isinstance(key, int)]
        self.looked_again += known
        return self._differing(known)

    def _differing(self, keys: Sequence[int]) -> list[Key]:
        return [key for key in keys if self.source[key] != self.shadow[key]]

    async def resync(self, keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
        for spelled in keys:
            assert isinstance(spelled, int | str)
            key = int(spelled)
            self.shadow[key] = self.source[key]
            if self._spoils.get(key, 0):
                self._spoils[key] -= 1
                self.shadow[key] -= 1000
        return Resynced(len(keys), {})


class Worker(BacklogWorker):
    """Remembers whether the pass was at its end when the whole backlog was to be worked off."""

    verifier: Verifier
    worked_off: list[bool]

    async def up_to(self, position: Position, copied: KeyRange) -> None:
        self.worked_off.append(self.verifier.complete)
        await super().up_to(position, copied)


async def _compared(world: World, *, told: list[str]) -> tuple[Recorder, Worker]:
    async def due() -> None:
        return

    backlog, recorder, gate = Backlog(1000), Recorder(), OpenGate()
    knobs = Knobs.of(CopySettings(workers=2, slice_seconds=0.001, resync_keys=10, retries=1))
    effort = Effort(knobs)
    follower = Follower(world, backlog, recorder)  # type: ignore[arg-type]
    worker = Worker(backlog, follower, world.resync, recorder, gate, knobs)
    noted = SimpleNamespace(due=due)
    verifier = Verifier(
        world,
        world,  # type: ignore[arg-type]
        Chunker(1, fixed=5),
        backlog,
        worker,
        follower,
        recorder,
        SimpleNamespace(happened=lambda text, warning=False: told.append(text)),  # type: ignore[arg-type]
        gate,
        knobs,
        effort,
        Rests(effort, Pulse(), backlog, worker, noted),  # type: ignore[arg-type]
        Course(),
        noted,  # type: ignore[arg-type]
    )
    worker.verifier, worker.worked_off = verifier, []
    following = asyncio.create_task(follower.run())
    try:
        async with asyncio.timeout(30):
            await verifier.run()
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
    return recorder, worker


def compared(world: World) -> tuple[Recorder, Worker, list[str]]:
    """What a pass over all rows leads to: figures, the worker, and what was told."""
    told: list[str] = []
    return *asyncio.run(_compared(world, told=told)), told


def test_rows_that_are_changed_all_the_time_do_not_hold_the_comparison_up() -> None:
    world = World(500, hot=range(1, 50))
    recorder, worker, told = compared(world)
    assert recorder.rows_verified == 500
    assert recorder.differences_repaired == 0
    assert told == []
    assert all(worker.worked_off), "all dirty keys are waited for at the end, and not before"


def test_a_row_that_differs_for_no_reason_is_repaired_and_looked_at_once_more() -> None:
    world = World(100, hot=[3])
    world.shadow[77] = -1
    recorder, _, told = compared(world)
    assert recorder.differences_repaired == 1
    assert "77" in told[0]
    assert world.shadow[77] == world.source[77]
    assert world.looked_again.count(77) == 5, "four times before it is repaired, and once behind that"


def test_a_row_that_was_dirty_when_it_was_looked_at_is_looked_at_again_once_it_is_resynced() -> None:
    world = World(100, spoils={42: 1})
    world.write(42)
    recorder, _, _ = compared(world)
    assert 42 in world.looked_again
    assert recorder.differences_repaired == 1
    assert world.shadow[42] == world.source[42]


def test_a_key_that_the_stream_spells_otherwise_is_no_row_that_differs_for_no_reason() -> None:
    world = World(100, hot=[3], spelled_otherwise=True)
    world.write(42)
    recorder, _, told = compared(world)
    assert recorder.differences_repaired == 0, told
    assert world.shadow == world.source


def test_a_row_that_no_repair_mends_ends_the_run() -> None:
    world = World(100, hot=[3], spoils={42: 1000})
    world.shadow[42] = -1
    with pytest.raises(errors.VerifyFailed, match="42"):
        compared(world)
