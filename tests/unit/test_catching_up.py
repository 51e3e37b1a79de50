"""When the cut-over asks for the lock: what is left must be little, and where commits are slow it must not wait for a moment that cannot come."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from types import SimpleNamespace

import pytest
from open_gate import OpenGate

from ghostpy.engine import cutover
from ghostpy.engine.backlog import Backlog
from ghostpy.engine.cutover import CutOver
from ghostpy.engine.follower import Follower
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.resync import BacklogWorker
from ghostpy.model.change import ChangeBatch, Position
from ghostpy.model.keys import Key, KeyRange, Mark
from ghostpy.protocols import Resynced
from ghostpy.settings import CopySettings, CutOverSettings


class World:
    """A server whose commits take `commit` seconds, an application that changes `changed` rows meanwhile, and a stream that is `behind`."""

    def __init__(self, *, commit: float, changed: int, behind: float) -> None:
        self._batches: asyncio.Queue[ChangeBatch] = asyncio.Queue()
        self._commit = commit
        self._changed = changed
        self._behind = behind
        self._ends = 0
        self._passed = -1
        self._frozen = False
        self.asked_before_lock = 0

    async def end(self) -> Position:
        await asyncio.sleep(self._commit)
        self._ends += 1
        if not self._frozen:
            self.asked_before_lock += 1
        keys: dict[Key, Mark] = {}
        if not self._frozen:
            keys = {(str(self._ends), str(number)): 0 for number in range(self._changed)}
        end = Position(self._ends, "")
        asyncio.get_running_loop().call_later(self._behind, self._batches.put_nowait, ChangeBatch(keys, len(keys), end))
        return end

    async def read(self) -> ChangeBatch:
        batch = await self._batches.get()
        assert isinstance(batch.position.token, int)
        self._passed = batch.position.token
        return batch

    def passed(self, position: Position) -> bool:
        assert isinstance(position.token, int)
        return self._passed >= position.token

    async def fence(self) -> None:
        return

    async def resync(self, keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
        await asyncio.sleep(self._commit)
        return Resynced(len(keys), {})

    # --- the exchange -----------------------------------------------------------------------------------------------

    async def prepare(self) -> None:
        return

    @contextlib.asynccontextmanager
    async def frozen(self, *, timeout: float) -> AsyncIterator[World]:
        self._frozen = True
        yield self

    async def exchange(self) -> None:
        return


async def _asked(*, commit: float, changed: int, behind: float) -> int:
    async def nothing(*_: object) -> None:
        return

    backlog, recorder, gate = Backlog(100_000), Recorder(), OpenGate()
    world = World(commit=commit, changed=changed, behind=behind)
    knobs = Knobs.of(CopySettings(workers=1, resync_keys=100_000, retries=1))
    follower = Follower(world, backlog, recorder)  # type: ignore[arg-type]
    cut_over = CutOver(
        world,  # type: ignore[arg-type]
        backlog,
        BacklogWorker(backlog, follower, world.resync, recorder, gate, knobs),
        follower,
        recorder,
        SimpleNamespace(happened=print),  # type: ignore[arg-type]
        gate,
        SimpleNamespace(reached=nothing),  # type: ignore[arg-type]
        SimpleNamespace(wanted=False, active=False),  # type: ignore[arg-type]
        CutOverSettings(),
        knobs,
        SimpleNamespace(due=nothing, before_exchange=nothing),  # type: ignore[arg-type]
    )
    following = asyncio.create_task(follower.run())
    async with asyncio.timeout(60):
        await cut_over.run()
    following.cancel()
    assert cut_over.exchanged
    return world.asked_before_lock


@pytest.fixture(autouse=True)
def _shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for as long in a test."""
    monkeypatch.setattr(cutover, "_FEW_WILL_DO", 0.2)
    monkeypatch.setattr(cutover, "_CATCH_UP_LIMIT", 3.0)


def test_with_nothing_left_the_lock_is_asked_for_at_once() -> None:
    assert asyncio.run(_asked(commit=0.0, changed=0, behind=0.0)) == 1


def test_where_commits_are_slow_a_lap_with_few_keys_will_do() -> None:
    assert 2 <= asyncio.run(_asked(commit=0.06, changed=10, behind=0.0)) < 12


def test_with_many_keys_or_far_behind_it_is_tried_for_longer() -> None:
    """Up to the limit, in which there are ten laps or more, where few keys would do after three."""
    assert asyncio.run(_asked(commit=0.06, changed=600, behind=0.0)) > 5
    assert asyncio.run(_asked(commit=0.06, changed=10, behind=0.15)) > 5
