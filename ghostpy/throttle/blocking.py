"""Calls that may hang, such as a look at a file on a dead network share: on a thread, and never two at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Blocking(Generic[T]):
    """Makes the same call again and again. While one hangs, whoever asks waits for that one."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._under_way: asyncio.Future[T] | None = None

    async def result(self) -> T:
        if self._under_way is None or self._under_way.done():
            self._under_way = _on_a_thread(self._call)
        # Shielded: who is cancelled must not take the answer from the next one.
        return await asyncio.shield(self._under_way)


def _on_a_thread(call: Callable[[], T]) -> asyncio.Future[T]:
    """Not a pool's: the process may end while the call hangs."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
            future.exception()  # nobody may be waiting any more
        else:
            future.set_result(result)  # type: ignore[arg-type]  # a result of None is the call's

    def work() -> None:
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = call()
        except BaseException as error:
            failure = error
        try:
            loop.call_soon_threadsafe(tell, result, failure)
        except RuntimeError:
            return  # the loop has ended

    threading.Thread(target=work, name="ghostpy throttle", daemon=True).start()
    return future
