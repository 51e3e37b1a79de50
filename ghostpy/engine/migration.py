"""The story of one migration."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from ghostpy import errors
from ghostpy.engine.beginning import Beginning
from ghostpy.engine.checkpoints import Checkpoints
from ghostpy.engine.cutover import CutOver
from ghostpy.engine.filling import Filling
from ghostpy.engine.follower import Follower
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.shadow import Shadow
from ghostpy.engine.tasks import supervised
from ghostpy.engine.verifier import Verifier
from ghostpy.engine.window import Window
from ghostpy.model.progress import Phase
from ghostpy.protocols import Observer

_TICK = 0.25
_LOOK_AHEAD = 2.0


class Migration:
    """Shadow → stream → rounds of copy and resync → verify → cut-over → clean up. The run's lock is held by the caller.

    A revert is the same the other way round: the old table, in the shadow's place, is not filled but kept in step for a while.

    What goes on `beside` the story (heartbeat, pace, throttle, …) runs as long as it does, and ends it by failing.
    """

    def __init__(
        self,
        shadow: Shadow,
        beginning: Beginning,
        checkpoints: Checkpoints,
        follower: Follower,
        filling: Filling | Window,
        verifier: Verifier | None,
        cut_over: CutOver,
        beside: Mapping[str, Callable[[], Coroutine[Any, Any, None]]],
        recorder: Recorder,
        observer: Observer,
    ) -> None:
        self._shadow = shadow
        self._beginning = beginning
        self._checkpoints = checkpoints
        self._follower = follower
        self._filling = filling
        self._verifier = verifier
        self._cut_over = cut_over
        self._beside = beside
        self._recorder = recorder
        self._observer = observer

    async def run(self) -> None:
        """Return once the source has its new schema, or a window has ended."""
        async with self._shadow.built():
            why: BaseException | None = None
            try:
                await self._beginning.run()
                await self._shadow.check_source()
                helpers = {name: run() for name, run in self._beside.items()}
                await supervised(self._story(), {**helpers, "follow": self._follower.run(), "tick": self._tick()})
            except BaseException as ended:
                if not self._shadow.done_before(ended):
                    why = ended
                    self._shadow.kept = not self._shadow.exchanged and await self._checkpoints.kept(ended)
                    raise
            finally:
                await self._follower.stream.close(keep=self._shadow.still_followed(why))
            self._recorder.enter(Phase.CLEAN_UP)
        self._recorder.enter(Phase.DONE)
        self._observer.progressed(self._recorder.snapshot())

    async def _story(self) -> None:
        try:
            if not await self._filling.run():
                return
            if self._verifier is not None:
                self._recorder.enter(Phase.VERIFY)
                await self._verifier.run()
            await self._cut_over.run()
        except (errors.ServerError, errors.DataDoesNotFit):
            # Somebody's DDL makes our statements fail before its event is read: give the stream the time to name the cause.
            with contextlib.suppress(errors.GhostpyError, TimeoutError):
                async with asyncio.timeout(_LOOK_AHEAD):
                    await self._follower.reach(await self._follower.stream.end())
            raise
        finally:
            self._shadow.exchanged = self._cut_over.exchanged

    async def _tick(self) -> None:
        while True:
            self._observer.progressed(self._recorder.snapshot())
            await asyncio.sleep(_TICK)
