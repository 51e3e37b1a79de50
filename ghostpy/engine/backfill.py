"""The story of one backfill."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from ghostpy import errors
from ghostpy.engine.effort import Effort
from ghostpy.engine.pieces import Pieces
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.retry import retried
from ghostpy.engine.tasks import supervised
from ghostpy.engine.updater import Updater
from ghostpy.model.backfill import BackfillCourse
from ghostpy.model.moment import Moment
from ghostpy.model.progress import Phase
from ghostpy.protocols import Gate, Moments, Observer, Updating

_TICK = 0.25
_CLEAN_UP_LIMIT = 30.0


class Backfill:
    """Pieces of work and rests, until all rows up to the bound are done. The run's lock is held by the caller.

    The ledger goes by `finish`, after everybody has heard of the end: without it, the same command would update all rows again.

    `earlier`: how far another run came, which this one goes on with. What goes on `beside` the story (heartbeat, pace, throttle, …) runs as long as it does, and ends it by failing.
    """

    def __init__(
        self,
        updating: Updating,
        updater: Updater,
        change: Mapping[str, str],
        earlier: BackfillCourse | None,
        pieces: Pieces,
        effort: Effort,
        gate: Gate,
        moments: Moments,
        beside: Mapping[str, Callable[[], Coroutine[Any, Any, None]]],
        recorder: Recorder,
        observer: Observer,
        retries: int,
    ) -> None:
        self._updating = updating
        self._updater = updater
        self._change = change
        self._earlier = earlier
        self._pieces = pieces
        self._effort = effort
        self._gate = gate
        self._moments = moments
        self._beside = beside
        self._recorder = recorder
        self._observer = observer
        self._retries = retries
        self.kept = True
        """Whether the ledger is there still, for another run to go on with."""

    @property
    def rows_updated(self) -> int:
        """Those that are known to be: a chunk whose answer was lost at the very end may be done as well."""
        return self._updater.course.rows_updated

    @property
    def begun(self) -> bool:
        """Whether any chunk is known to be done."""
        return self._updater.course.number > 0

    @property
    def complete(self) -> bool:
        """Whether all rows are done."""
        return self._updater.course.complete and self._updater.begun

    async def run(self) -> None:
        """Return once all rows up to the bound are done."""
        try:
            await self._begin()
            helpers = {name: run() for name, run in self._beside.items()}
            await supervised(self._story(), {**helpers, "tick": self._tick()})
        except BaseException as ended:
            # Without a session nobody can tell whether the first chunk is done.
            if not self.begun and not isinstance(ended, (errors.Panicked, errors.ConnectionFailed)):
                await self._give_up()
            raise
        self._recorder.enter(Phase.DONE)
        self._observer.progressed(self._recorder.snapshot())

    async def finish(self) -> None:
        """Remove the ledger."""
        self.kept = not await retried(self._retries, self._updating.drop)

    async def _begin(self) -> None:
        if self._earlier is None:
            self._updater.begin(await retried(self._retries, self._updating.begin, self._change))
        else:
            await retried(self._retries, self._updating.go_on, self._earlier)
            self._updater.begin(self._earlier)

    async def _story(self) -> None:
        await self._moments.reached(Moment.BEFORE_ROW_COPY)
        self._recorder.enter(Phase.UPDATE)
        while not self._updater.course.complete:
            await self._gate.opened()
            with self._pieces.work():
                await self._updater.slice(self._effort.slice_seconds)
            if not self._updater.course.complete:
                await asyncio.sleep(max(self._pieces.rest_due(), self._updater.pause))
        await self._moments.reached(Moment.ROW_COPY_COMPLETE)

    async def _give_up(self) -> None:
        with contextlib.suppress(errors.GhostpyError, TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(_CLEAN_UP_LIMIT):
                self.kept = not await self._updating.drop(unused=True)

    async def _tick(self) -> None:
        while True:
            self._observer.progressed(self._recorder.snapshot())
            await asyncio.sleep(_TICK)
