"""Trying the same thing again where that is safe."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from ghostpy.errors import TransientError

P = ParamSpec("P")
T = TypeVar("T")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0


async def retried(attempts: int, operation: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `operation(*args, **kwargs)`, called up to `attempts` times where it raises TransientError.

    Pauses grow from 20 ms to 1 s.
    """
    return await retried_telling(_nobody, attempts, operation, *args, **kwargs)


async def retried_telling(
    failed: Callable[[TransientError], Awaitable[None]],
    attempts: int,
    operation: Callable[P, Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """As `retried`; `failed(error)` is awaited after each attempt that is followed by another."""
    pause = _FIRST_PAUSE
    for _ in range(attempts - 1):
        try:
            return await operation(*args, **kwargs)
        except TransientError as error:
            await failed(error)
            # Jitter: two workers that met in a deadlock must not meet again.
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, _LONGEST_PAUSE)
    return await operation(*args, **kwargs)


async def _nobody(error: TransientError) -> None:
    return
