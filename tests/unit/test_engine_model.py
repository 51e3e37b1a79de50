"""The engine's rounds, backlog, watermark, resync and checkpoints against an oracle: one dictionary that must become another, whatever comes between.

A script says what happens at each place where the engine waits for a server: the application commits, commits become visible (later than
they are in the stream), the run dies. Each mutation takes one of the design's safeguards away; then an example must be found that goes wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from open_gate import OpenGate

from ghostpy.dialects import checkpoint_text
from ghostpy.engine import checkpoints as checkpoints_module
from ghostpy.engine import copier as copier_module
from ghostpy.engine import resync as resync_module
from ghostpy.engine import rounds as rounds_module
from ghostpy.engine.backlog import Backlog
from ghostpy.engine.beginning import Beginning
from ghostpy.engine.checkpoints import Checkpoints
from ghostpy.engine.chunker import Chunker
from ghostpy.engine.copier import Copier
from ghostpy.engine.effort import Effort
from ghostpy.engine.follower import Follower
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.pulse import Pulse
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.rests import Rests
from ghostpy.engine.resync import BacklogWorker
from ghostpy.engine.rounds import Rounds
from ghostpy.model.change import ChangeBatch, Position
from ghostpy.model.checkpoint import Checkpoint, Course
from ghostpy.model.keys import Bound, Key, KeyRange, Mark
from ghostpy.model.names import TableName
from ghostpy.protocols import Copied, Resynced
from ghostpy.settings import CopySettings

_KEYS = st.integers(1, 20)
_ACTIONS = st.one_of(
    st.tuples(st.just("put"), _KEYS, st.integers(0, 99)),
    st.tuples(st.just("delete"), _KEYS, st.just(0)),
    st.tuples(st.just("rekey"), _KEYS, _KEYS),
    st.tuples(st.just("show"), st.integers(1, 3), st.just(0)),
    st.tuples(st.just("crash"), st.just(0), st.just(0)),
)
_SCRIPTS = st.lists(st.lists(_ACTIONS, max_size=2), min_size=20, max_size=60)
_STARTS = st.one_of(st.dictionaries(_KEYS, st.integers(0, 99), max_size=8), st.just({key: key for key in range(2, 20)}))
_EVERYTHING = KeyRange(None, None)


class _Crash(BaseException):
    """The run is dead: nothing that it would still do happens."""


class _Lost(AssertionError):
    """What the engine must never do."""


class _World:
    """The server, and the application. A commit is in the stream at once, and visible to reads some time later.

    Fulfils `ChangeStream`, `Copying`, `Resyncing`, and what of `Housekeeping` is needed.
    """

    def __init__(
        self, start: Mapping[int, int], script: Sequence[Sequence[tuple[str, int, int]]], without: str
    ) -> None:
        self._script = iter(script)
        self._without = without
        self.committed = dict(start)
        self.visible = dict(start)
        self.shadow: dict[int, int] = {}
        self.ledger: dict[str, str] = {}
        self._log: list[dict[int, int | None]] = []
        self._shown = 0
        self._read = 0
        self._epoch = 0

    async def step(self) -> None:
        """Something else gets its turn."""
        epoch = self._epoch
        for kind, a, b in next(self._script, ()):
            if kind == "put":
                self._commit({a: b})
            elif kind == "delete":
                self._commit({a: None})
            elif kind == "rekey" and a in self.committed and a != b:
                self._commit({a: None, b: self.committed[a]})
            elif kind == "show":
                self._show(min(self._shown + a, len(self._log)))
            elif kind == "crash":
                self._epoch += 1
                raise _Crash
        await asyncio.sleep(0)
        if epoch != self._epoch:
            raise _Crash  # another part of the run died meanwhile

    def _commit(self, change: dict[int, int | None]) -> None:
        self._log.append(change)
        _apply(self.committed, change)

    def _show(self, count: int) -> None:
        for change in self._log[self._shown : count]:
            _apply(self.visible, change)
        self._shown = max(self._shown, count)

    def settle(self) -> None:
        self._show(len(self._log))

    @property
    def quiet(self) -> bool:
        """Whether the script is over."""
        rest = list(self._script)
        self._script = iter(rest)
        return not rest

    # --- ChangeStream -----------------------------------------------------------------------------------------------

    async def start(self) -> Position:
        self.settle()
        return Position(len(self._log), "")

    async def open(self, start: Position) -> None:
        assert isinstance(start.token, int)
        self._read = start.token

    def noted(self, position: Position) -> str:
        ahead = len(self._log) if self._without == "the position of what was read" else position.token
        return str(ahead)

    async def resumed(self, noted: str) -> Position:
        # What was read before is fenced anew, see `BinlogStream.resumed`.
        self._show(int(noted))
        return Position(int(noted), "")

    def kept(self, position: Position) -> None:
        return

    async def read(self) -> ChangeBatch:
        while self._read == len(self._log):
            await asyncio.sleep(0)
        new, self._read = self._log[self._read : self._read + 2], min(self._read + 2, len(self._log))
        keys: dict[Key, Mark] = {key: 0 for change in new for key in change}
        return ChangeBatch(keys, len(keys), Position(self._read, ""))

    async def fence(self) -> None:
        await self.step()
        if self._without != "the fence":
            self._show(self._read)

    async def end(self) -> Position:
        await self.step()
        return Position(len(self._log), "")

    def passed(self, position: Position) -> bool:
        assert isinstance(position.token, int)
        return self._read >= position.token

    async def close(self, *, keep: bool = False) -> None:
        return

    # --- Copying and Resyncing --------------------------------------------------------------------------------------

    async def next_bound(self, low: Bound | None, rows: int) -> Bound | None:
        await self.step()
        above = sorted(key for key in self.visible if low is None or key > int(low[0]))
        return (str(above[rows - 1]),) if len(above) >= rows else None

    async def copy(self, chunk: KeyRange) -> Copied:
        await self.step()
        rows = {key: value for key, value in self.visible.items() if _within(key, chunk)}
        await self.step()
        if doubled := rows.keys() & self.shadow.keys():
            raise _Lost(f"copied twice: {doubled}")
        self.shadow.update(rows)
        await self.step()
        return Copied(len(rows))

    async def cut(self, low: Bound) -> None:
        if self._without != "the cut":
            self.shadow = {key: value for key, value in self.shadow.items() if key <= int(low[0])}

    async def resync(self, keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
        await self.step()
        wanted = [
            key for key in keys if isinstance(key, int) and (self._without == "the watermark" or _within(key, copied))
        ]
        rows = {key: self.visible[key] for key in wanted if key in self.visible}
        await self.step()
        for key in wanted:
            self.shadow.pop(key, None)
        self.shadow.update(rows)
        await self.step()
        return Resynced(len(keys), {})

    # --- Housekeeping -----------------------------------------------------------------------------------------------

    async def save(self, checkpoint: Checkpoint) -> bool:
        rows = checkpoint_text.written(checkpoint)
        if self._without == "the keys of the checkpoint":
            rows = checkpoint_text.written(Checkpoint(**{**_fields(checkpoint), "keys": {}}))
        await self.step()
        self.ledger |= rows
        await self.step()
        return True

    async def build_key(self) -> None:
        await self.step()


def _fields(checkpoint: Checkpoint) -> dict[str, Any]:
    return {name: getattr(checkpoint, name) for name in checkpoint.__slots__}


def _apply(rows: dict[int, int], change: Mapping[int, int | None]) -> None:
    for key, value in change.items():
        if value is None:
            rows.pop(key, None)
    rows.update({key: value for key, value in change.items() if value is not None})


def _within(key: int, chunk: KeyRange) -> bool:
    return (chunk.low is None or key > int(chunk.low[0])) and (chunk.high is None or key <= int(chunk.high[0]))


async def _run(world: _World, *, bare: bool) -> None:
    """One run of the engine, from its beginning or from the checkpoint that there is, until the shadow should be right."""
    earlier = checkpoint_text.read(world.ledger)
    if earlier is None:
        world.shadow.clear()
    # So few keys that the stream has to wait for room again and again.
    backlog, recorder, gate = Backlog(3), Recorder(), OpenGate()
    knobs = Knobs.of(CopySettings(workers=2, slice_seconds=3, resync_keys=2, retries=1))
    effort = Effort(knobs)
    follower = Follower(world, backlog, recorder)
    course = earlier.course if earlier else Course(bare=bare)
    worker = BacklogWorker(backlog, follower, world.resync, recorder, gate, knobs)
    noted = Checkpoints(
        world,  # type: ignore[arg-type]
        course,
        backlog,
        follower,
        recorder,
        SimpleNamespace(happened=print),  # type: ignore[arg-type]
        change={},
        old=TableName("", ""),
        seconds=2,
        attempts=1,
        resumed=earlier is not None,
    )
    rests = Rests(effort, Pulse(), backlog, worker, noted)
    copier = Copier(world, Chunker(1, fixed=2), backlog, recorder, gate, knobs, effort, SimpleNamespace(), course)  # type: ignore[arg-type]
    await Beginning(follower, backlog, world, earlier, 1).run()
    following = asyncio.create_task(follower.run())
    try:
        await Rounds(copier, worker, backlog, world, recorder, gate, effort, rests, course, noted).run()  # type: ignore[arg-type]
        while not world.quiet:
            await worker.up_to(await world.end(), _EVERYTHING)
            await noted.due()
        world.settle()
        await worker.up_to(await world.end(), _EVERYTHING)
        while backlog:
            await worker.slice(_EVERYTHING, 10)
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following


async def _told(world: _World, *, bare: bool) -> None:
    while True:
        try:
            await _run(world, bare=bare)
            break
        except _Crash:
            continue
    if world.shadow != world.committed:
        raise _Lost(f"{world.shadow} instead of {world.committed}")


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time goes on by one second at each look at the clock, the same way each time."""
    clock = SimpleNamespace(monotonic=itertools.count().__next__)
    for module in (checkpoints_module, copier_module, resync_module, rounds_module):
        monkeypatch.setattr(module, "time", clock)


_SETTINGS = hypothesis.settings(
    max_examples=300, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture], database=None
)


@pytest.mark.usefixtures("ticking")
@pytest.mark.parametrize("bare", [False, True])
def test_the_shadow_becomes_the_source(bare: bool) -> None:
    @_SETTINGS
    @hypothesis.given(_STARTS, _SCRIPTS)
    def check(start: dict[int, int], script: list[list[tuple[str, int, int]]]) -> None:
        asyncio.run(asyncio.wait_for(_told(_World(start, script, ""), bare=bare), 60))

    check()


@pytest.mark.usefixtures("ticking")
@pytest.mark.parametrize(
    "without",
    ["the fence", "the cut", "the keys of the checkpoint", "the position of what was read", "the watermark"],
)
def test_without_one_of_its_safeguards_it_goes_wrong(without: str) -> None:
    @hypothesis.settings(_SETTINGS, max_examples=2000, phases=[hypothesis.Phase.generate], derandomize=True)
    @hypothesis.given(_STARTS, _SCRIPTS)
    def check(start: dict[int, int], script: list[list[tuple[str, int, int]]]) -> None:
        asyncio.run(asyncio.wait_for(_told(_World(start, script, without), bare=False), 60))

    with pytest.raises(_Lost):
        check()
