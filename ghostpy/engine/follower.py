"""Reads the change stream into the backlog."""

from __future__ import annotations

import asyncio

from ghostpy.engine.backlog import Backlog
from ghostpy.engine.recorder import Recorder
from ghostpy.errors import SourceChanged
from ghostpy.model.change import ChangeBatch, Position
from ghostpy.protocols import ChangeStream


class Follower:
    """Runs beside everything else, from before the copy until after the exchange."""

    def __init__(self, stream: ChangeStream, backlog: Backlog, recorder: Recorder) -> None:
        self.stream = stream
        self._backlog = backlog
        self._recorder = recorder
        self.position: Position | None = None
        """All changes before it are in the backlog, or were."""
        self._moved = asyncio.Event()
        self._room = asyncio.Event()
        self._foreign = asyncio.Event()
        self._foreign.set()

    async def run(self) -> None:
        """Follow until cancelled. Raises what ends the run: SourceChanged, StreamLost, …"""
        while True:
            batch = await self._read()
            # Without a pause since they were read: a checkpoint may be made at any other moment.
            self._backlog.add(batch.keys)
            self.position = batch.position
            self._recorder.changes_seen += batch.events
            self._recorder.stream_position = batch.position.text
            self._recorder.backlog = len(self._backlog)
            if batch.heartbeat is not None:
                self._recorder.beat_seen(batch.heartbeat)
            self._moved.set()
            while self._backlog.full:
                self._room.clear()
                await self._room.wait()

    async def _read(self) -> ChangeBatch:
        try:
            return await self.stream.read()
        except SourceChanged:
            await self._foreign.wait()
            raise

    def exchange_begins(self) -> None:
        """From now on a change of the source that the stream tells of is the exchange itself: nobody else can lock it."""
        self._foreign.clear()

    def exchange_failed(self) -> None:
        """It is certain that nothing was exchanged."""
        self._foreign.set()

    def made_room(self) -> None:
        """Keys were taken from the backlog: a follower that waits for room looks again."""
        self._recorder.backlog = len(self._backlog)
        self._room.set()

    async def moved(self, *, timeout: float) -> None:
        """Wait until something more was read, at most `timeout` seconds."""
        self._moved.clear()
        try:
            async with asyncio.timeout(timeout):
                await self._moved.wait()
        except TimeoutError:
            pass

    async def reach(self, position: Position) -> bool:
        """Wait until everything before `position` is in the backlog; False where the backlog is full before that."""
        while not self.stream.passed(position):
            if self._backlog.full:
                return False
            await self.moved(timeout=0.05)
        return True
