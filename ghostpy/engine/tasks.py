"""One supervisor: named tasks that live and die together, and one error out of several."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from ghostpy import errors

T = TypeVar("T")

# Where several tasks fail at once, the cause goes before what it led to.
_TELLING = (
    errors.CutOverInDoubt,
    errors.SourceChanged,
    errors.StreamLost,
    errors.DataDoesNotFit,
    errors.PlanRefused,
    errors.ServerGone,
)


async def together(*parts: Coroutine[Any, Any, None], name: str) -> None:
    """Run equal parts side by side; the first failure cancels the others and is raised by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part, name=name)
    except BaseExceptionGroup as failures:
        raise most_telling(failures) from failures


async def supervised(story: Coroutine[Any, Any, T], helpers: Mapping[str, Coroutine[Any, Any, None]]) -> T:
    """The result of `story`, while `helpers` run beside it for as long as it does.

    A helper that fails ends the story, and its error is raised.
    """
    try:
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(helper, name=name) for name, helper in helpers.items()]
            try:
                result = await story
            finally:
                for task in beside:
                    task.cancel()
    except BaseExceptionGroup as failures:
        raise most_telling(failures) from failures
    return result


def most_telling(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error of a group that says best what happened."""
    flat = list(_flattened(failures))
    for kind in _TELLING:
        for failure in flat:
            if isinstance(failure, kind):
                return failure
    for failure in flat:
        if isinstance(failure, errors.GhostpyError):
            return failure
    return flat[0]


def _flattened(failures: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for failure in failures.exceptions:
        if isinstance(failure, BaseExceptionGroup):
            found.extend(_flattened(failure))
        else:
            found.append(failure)
    return found
