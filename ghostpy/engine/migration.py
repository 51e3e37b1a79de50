"""The story of one migration."""

from __future__ import annotations

import asyncio
import contextlib

from ghostpy import errors
from ghostpy.engine.cutover import CutOver
from ghostpy.engine.follower import Follower
from ghostpy.engine.heartbeat import Heartbeat
from ghostpy.engine.pace import Pace
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.rounds import Rounds
from ghostpy.engine.shadow import Shadow
from ghostpy.engine.tasks import supervised
from ghostpy.engine.verifier import Verifier
from ghostpy.model.progress import Phase
from ghostpy.protocols import Observer

_TICK = 0.25
_LOOK_AHEAD = 2.0


class Migration:
    """Shadow → stream → rounds of copy and resync → verify → cut-over → clean up. The run's lock is held by the caller."""

    def __init__(
        self,
        shadow: Shadow,
        follower: Follower,
        heartbeat: Heartbeat,
        pace: Pace,
        rounds: Rounds,
        verifier: Verifier | None,
        cut_over: CutOver,
        recorder: Recorder,
        observer: Observer,
    ) -> None:
        self._shadow = shadow
        self._follower = follower
        self._heartbeat = heartbeat
        self._pace = pace
        self._rounds = rounds
        self._verifier = verifier
        self._cut_over = cut_over
        self._recorder = recorder
        self._observer = observer

    async def run(self) -> None:
        """Return once the source has its new schema."""
        async with self._shadow.built():
            try:
                await self._follower.stream.open(await self._follower.stream.start())
                await self._shadow.check_source()
                helpers = {
                    "follow": self._follower.run(),
                    "heartbeat": self._heartbeat.run(),
                    "pace": self._pace.run(),
                    "tick": self._tick(),
                }
                await supervised(self._story(), helpers)
            finally:
                await self._follower.stream.close()
            self._recorder.enter(Phase.CLEAN_UP)
        self._recorder.enter(Phase.DONE)
        self._observer.progressed(self._recorder.snapshot())

    async def _story(self) -> None:
        try:
            self._recorder.enter(Phase.COPY)
            await self._rounds.run()
            await self._rounds.build_indexes()
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
