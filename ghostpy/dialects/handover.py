"""From the thread that reads a change stream to the event loop: bounded, merging, never dropping."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Generic, Protocol, Self, TypeVar

from ghostpy.errors import GhostpyError
from ghostpy.model.keys import Key, Mark

BREATH = 0.005
"""Seconds for a thread to let pass where little came, and nothing more is there: each hand-over wakes threads and the engine, which costs several
times what the decoding of a transaction does."""


class Mergeable(Protocol):
    """What was found in a stream and not yet read."""

    keys: dict[Key, Mark]

    def add(self, later: Self) -> None:
        """Take in what was found after this."""

    def rest(self) -> Self:
        """What still holds once this was read: the place, and no keys."""


News = TypeVar("News", bound=Mergeable)


class Handover(Generic[News]):
    """One thread puts, one coroutine takes. `limit`: keys that may wait; beyond it the thread waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop, nothing: News, *, limit: int) -> None:
        self._loop = loop
        self._limit = limit
        self._space = threading.Condition()
        self._news = nothing
        self._told = nothing.rest()
        self._fresh = False
        self._closed = False
        self._error: GhostpyError | None = None
        self._waiting: asyncio.Future[None] | None = None

    def put(self, news: News, *, timeout: float | None = None) -> bool:
        """Add `news`; blocks while there are too many keys. Called by the thread.

        False, and nothing added, where there is no room within `timeout` seconds.
        """
        with self._space:
            if not self._room(timeout):
                return False
            self._news.add(news)
            self._wake()
            return True

    def _room(self, timeout: float | None) -> bool:
        deadline = None if timeout is None else time.monotonic() + timeout
        while len(self._news.keys) >= self._limit and not self._closed:
            if not self._space.wait(None if deadline is None else max(0.0, deadline - time.monotonic())):
                return False
        return True

    def fail(self, error: GhostpyError) -> None:
        """Nothing more will come. May be called anywhere; the first error counts."""
        with self._space:
            self._error = self._error or error
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
            if self._error is not None and self._news == self._told:
                raise self._error
            taken = self._news
            self._news, self._told = taken.rest(), taken.rest()
            # An error stays to be told.
            self._fresh = self._error is not None
            self._space.notify_all()
            return taken

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
