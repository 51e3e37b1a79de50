"""From the thread that reads the stream to the event loop: bounded, merging, never dropping."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field

from ghostpy.dialects.mysql.binlog_place import BinlogPlace
from ghostpy.dialects.mysql.gtid import GtidSet
from ghostpy.errors import GhostpyError
from ghostpy.model.keys import Key, Mark


@dataclass(slots=True)
class News:
    """What was found and not yet read."""

    keys: dict[Key, Mark] = field(default_factory=dict)
    events: int = 0
    gtids: GtidSet = field(default_factory=GtidSet)
    place: BinlogPlace | None = None
    heartbeat: int | None = None


class Handover:
    """One thread puts, one coroutine takes. `limit`: keys that may wait; beyond it the thread waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, limit: int) -> None:
        self._loop = loop
        self._limit = limit
        self._space = threading.Condition()
        self._news = News()
        self._fresh = False
        self._closed = False
        self._error: GhostpyError | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._told: tuple[BinlogPlace | None, int | None] = (None, None)

    def put(self, news: News) -> None:
        """Add `news`; blocks while there are too many keys. Called by the thread."""
        with self._space:
            while len(self._news.keys) >= self._limit and not self._closed:
                self._space.wait()
            held = self._news
            if held.keys:
                held.keys.update(news.keys)
            else:
                held.keys = news.keys
            held.events += news.events
            held.gtids.update(news.gtids)
            held.place = news.place
            held.heartbeat = news.heartbeat
            self._wake()

    def fail(self, error: GhostpyError) -> None:
        """Nothing more will come. Called by the thread."""
        with self._space:
            self._error = error
            self._wake()

    def _wake(self) -> None:
        self._fresh = True
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not self._closed:
            self._loop.call_soon_threadsafe(_resolve, waiting)

    async def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for something to take; tell whether there is."""
        with self._space:
            if self._fresh:
                return True
            waiting = self._waiting = self._loop.create_future()
        await asyncio.wait((waiting,), timeout=timeout)
        with self._space:
            self._waiting = None
            return self._fresh

    def take(self) -> News:
        """What was found since the last call. Raises the thread's error once all before it was taken."""
        with self._space:
            if self._error is not None and not self._fresh_news():
                raise self._error
            taken = self._news
            self._news = News(place=taken.place, heartbeat=taken.heartbeat)
            # An error stays to be told.
            self._fresh = self._error is not None
            self._told = taken.place, taken.heartbeat
            self._space.notify_all()
            return taken

    def _fresh_news(self) -> bool:
        held = self._news
        return bool(held.keys) or bool(held.gtids) or (held.place, held.heartbeat) != self._told

    def raise_if_ended(self) -> None:
        """Raise the thread's error, if there is one."""
        with self._space:
            if self._error is not None:
                raise self._error

    def close(self) -> None:
        """Let the thread go on, for nobody will take any more."""
        with self._space:
            self._closed = True
            self._space.notify_all()


def _resolve(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
