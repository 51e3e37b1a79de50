"""Work on an event loop of its own, which a first SIGINT or SIGTERM ends cleanly, and a second at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

import uvloop
from msgspec import Struct

from ghostpy.errors import GhostpyError, Interrupted
from ghostpy.protocols import Observer

_SHOW_CURSOR = b"\x1b[?25h\n"

T = TypeVar("T")


class Work(Struct, Generic[T], frozen=True):
    """`became`: what a signal has left, by what the run noted down; `left`: the same where the process ends at once, without asking anybody.

    `failed` may add to an error that ends the run.
    """

    start: Callable[[], Coroutine[Any, Any, T]]
    became: Callable[[Sequence[str]], str]
    left: Callable[[], str]
    failed: Callable[[GhostpyError], None] = lambda _: None


def run_signalled(work: Work[T], observer: Observer) -> T:
    """Do it. Raises GhostpyError, Interrupted after a signal."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_done(work, observer))


async def _done(work: Work[T], observer: Observer) -> T:
    task = asyncio.create_task(work.start(), name="run")
    signals = _Signals(task, work.left, observer)
    with signals:
        try:
            return await task
        except asyncio.CancelledError as ended:
            if signals.first is None:
                raise
            number = signals.first
            became = work.became(getattr(ended, "__notes__", ()))
            raise Interrupted(f"{number.name} ended the run: {became}", signal_number=number) from None
        except GhostpyError as error:
            work.failed(error)
            raise


class _Signals:
    """What the process does at signals while `task` runs. SIGHUP ends nothing: a lost terminal must not end a run."""

    def __init__(self, task: asyncio.Task[Any], left: Callable[[], str], observer: Observer) -> None:
        self.first: signal.Signals | None = None
        self._task = task
        self._left = left
        self._observer = observer

    def __enter__(self) -> _Signals:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, partial(self._end, number))
        loop.add_signal_handler(signal.SIGHUP, self._observer.happened, "SIGHUP: there is nothing to read anew")
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)

    def _end(self, number: signal.Signals) -> None:
        if self.first is None:
            self.first = number
            self._observer.happened(
                f"{number.name}: ending the run; once more to end it without cleaning up", warning=True
            )
            self._task.cancel()
            return
        _abandon(number, self._left())


def _abandon(number: signal.Signals, left: str) -> None:
    """End the process now. Nothing that could wait for a lock or a terminal may be used here."""
    text = f"ghostpy: ended without cleaning up. {left}\n"
    for descriptor, data in ((1, _SHOW_CURSOR if os.isatty(1) else b""), (2, text.encode())):
        try:
            os.set_blocking(descriptor, False)
            os.write(descriptor, data)
        except OSError:
            continue
    os._exit(128 + number)
