"""A time limit for each test: one that hangs fails, and tells where all its threads stood.

`@pytest.mark.limit(seconds)` sets another one. It holds for the set-up, the call and the tear-down, each on its own.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

_LIMIT, _SOAK_LIMIT = 180.0, 3600.0
# What is raised may be caught, by an event loop for one, so it is raised again; and where not even that helps, the process ends.
_AGAIN = 10.0
_LAST = 60.0

_stderr = os.dup(2)  # the tests' own is captured


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "limit(seconds): how long the test may take, where it is not 180 s")
    # A shell has its background jobs ignore Ctrl-C, and so would all programs that the tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with _limited(item, "its set-up"):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with _limited(item, "it"):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    with _limited(item, "its tear-down"):
        return (yield)


@contextmanager
def _limited(item: pytest.Item, what: str) -> Iterator[None]:
    seconds = _limit_of(item)

    def over(number: int, frame: FrameType | None) -> None:
        pytest.fail(f"{item.nodeid}: {what} took longer than {seconds:g} s. All threads:\n{_stacks()}", pytrace=False)

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    faulthandler.dump_traceback_later(seconds + _LAST, file=_stderr, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _limit_of(item: pytest.Item) -> float:
    marker = item.get_closest_marker("limit")
    if marker is not None:
        return float(marker.args[0])
    return _SOAK_LIMIT if item.get_closest_marker("soak") else _LIMIT


def _stacks() -> str:
    with tempfile.TemporaryFile() as written:
        faulthandler.dump_traceback(file=written, all_threads=True)
        written.seek(0)
        return written.read().decode(errors="replace")
