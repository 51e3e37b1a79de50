"""Works dirty keys off: take, fence, resync in parallel on disjoint keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import TypeAlias

from ghostpy.engine.backlog import Backlog
from ghostpy.engine.follower import Follower
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.retry import retried
from ghostpy.engine.tasks import together
from ghostpy.model.change import Position
from ghostpy.model.keys import Key, KeyRange, Mark
from ghostpy.protocols import Gate, Resynced

_NOT_VISIBLE_YET = 0.005

Resync: TypeAlias = Callable[[Mapping[Key, Mark], KeyRange], Awaitable[Resynced]]


class BacklogWorker:
    """Resyncs the backlog, a slice at a time or up to a position. Never while a chunk is in flight (race 2 of the design)."""

    def __init__(
        self,
        backlog: Backlog,
        follower: Follower,
        resync: Resync,
        recorder: Recorder,
        gate: Gate,
        knobs: Knobs,
    ) -> None:
        self._backlog = backlog
        self._follower = follower
        self._resync = resync
        self._recorder = recorder
        self._gate = gate
        self._knobs = knobs

    async def slice(self, copied: KeyRange, seconds: float) -> None:
        """Resync as many keys as are dirty now, for about `seconds` at most, or until the gate closes.

        Whoever went on until none is dirty would, beside a busy application, spend all of the time on ever smaller transactions, each with a
        commit that others wait behind.
        """
        deadline = time.monotonic() + seconds
        left = len(self._backlog)
        while left > 0 and self._backlog and time.monotonic() < deadline and not self._gate.reason:
            left -= await self._lap(copied)

    async def up_to(self, position: Position, copied: KeyRange) -> None:
        """Return once every change before `position` is in the shadow."""
        while not self._follower.stream.passed(position):
            if self._backlog:
                await self._lap(copied)
            else:
                await self._follower.moved(timeout=0.05)
        for _ in range(len(self._backlog) // self._keys_per_lap + 1):
            await self._lap(copied)

    async def up_to_by(self, position: Position, copied: KeyRange, resync: Resync, *, deadline: float) -> None:
        """Like `up_to` under the lock, with no key left dirty, by `resync` alone. Raises TimeoutError at `deadline` (monotonic seconds).

        There is no fence: the lock is had no sooner than whoever changed the table has let go of it, which is after his commit.
        """
        while self._backlog or not self._follower.stream.passed(position):
            if time.monotonic() > deadline:
                raise TimeoutError
            if not self._backlog:
                await self._follower.moved(timeout=0.01)
                continue
            keys, beyond = self._take(self._knobs.resync_keys, copied)
            await self._part(keys | beyond, copied, resync)

    @property
    def _keys_per_lap(self) -> int:
        return self._knobs.resync_keys * self._knobs.workers

    async def _lap(self, copied: KeyRange) -> int:
        """How many keys were taken."""
        keys, beyond = self._take(self._keys_per_lap, copied)
        taken = keys | beyond
        if not taken:
            return 0
        await self._fence(taken)
        parts = _split(keys, self._knobs.workers) + ([beyond] if beyond else [])
        done = self._recorder.keys_resynced
        await together(*(self._part(part, copied, self._resync) for part in parts), name="resync")
        if done == self._recorder.keys_resynced:
            await asyncio.sleep(_NOT_VISIBLE_YET)
        return len(taken)

    def _take(self, count: int, copied: KeyRange) -> tuple[dict[Key, Mark], dict[Key, Mark]]:
        taken = self._backlog.take(count, last=copied.last_number)
        self._follower.made_room()
        return taken

    async def _fence(self, keys: Mapping[Key, Mark]) -> None:
        try:
            await self._follower.stream.fence()
        except BaseException:
            self._backlog.put_back(keys)
            raise

    async def _part(self, keys: Mapping[Key, Mark], copied: KeyRange, resync: Resync) -> None:
        try:
            done = await retried(self._knobs.retries, resync, keys, copied)
        except BaseException:
            # The cut-over tries again after most failures: what was taken must not be lost then.
            self._backlog.put_back(keys)
            raise
        self._backlog.put_back(done.pending)
        self._backlog.add_unmarked(done.dirty)
        self._recorder.keys_resynced += done.done
        # One change may make two keys dirty; what was told to be applied is not taken back for that.
        applied = self._recorder.changes_seen - len(self._backlog)
        self._recorder.changes_applied = max(self._recorder.changes_applied, applied)
        self._recorder.backlog = len(self._backlog)


def _split(keys: dict[Key, Mark], parts: int) -> list[dict[Key, Mark]]:
    size = max(1, -(-len(keys) // parts))
    rest = iter(keys.items())
    split = []
    while part := dict(islice(rest, size)):
        split.append(part)
    return split
