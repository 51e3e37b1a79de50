"""One call, carried out: awaited on the loop of the caller, or to its end on a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from ghostpy.api.keywords import Read
from ghostpy.api.telling import OnProgress, Telling
from ghostpy.assembly import migrate
from ghostpy.assembly.became import became, say_what_became
from ghostpy.dialects import names_of
from ghostpy.engine.tasks import most_telling
from ghostpy.errors import GhostpyError, UsageError
from ghostpy.model.plan import Plan
from ghostpy.model.progress import RunReport
from ghostpy.observe.own_thread import OwnThread
from ghostpy.observe.redacting import Redacting

T = TypeVar("T")

_LOOK = 0.2


async def carried_out(read: Read, on_progress: OnProgress | None) -> RunReport | Plan:
    """Raises GhostpyError, with notes on what became of the table. A cancellation has them, too, and leaves what can be gone on with."""
    settings = read.settings
    with OwnThread(Telling(str(names_of(settings)[0]), on_progress)) as watched:
        observer = Redacting(watched, read.redact)
        for note in read.notes:
            observer.happened(note, warning=True)
        try:
            return await migrate(settings, observer)
        except asyncio.CancelledError as ended:
            notes = getattr(ended, "__notes__", ())
            ended.__notes__ = [f"The run was broken off: {became(settings, notes)}"]
            raise
        except BaseExceptionGroup as several:
            telling = most_telling(several)
            raise _told(telling, read) if isinstance(telling, GhostpyError) else telling from several
        except GhostpyError as error:
            raise _told(error, read)  # noqa: B904 (the same one)


def _told(error: GhostpyError, read: Read) -> GhostpyError:
    say_what_became(read.settings, error)
    error.message, error.hint = read.redact(error.message), read.redact(error.hint)
    error.args = tuple(read.redact(each) if isinstance(each, str) else each for each in error.args)
    error.__notes__ = [read.redact(note) for note in getattr(error, "__notes__", ())]
    return error


def to_end(start: Callable[[], Coroutine[Any, Any, T]], instead: str) -> T:
    """What the coroutine gives, on a loop of its own. `instead`: what to await where a loop is running already.

    Raises UsageError there: the loop would be held up. KeyboardInterrupt ends the coroutine as a cancellation does, and has its notes.
    """
    if in_a_loop():
        raise UsageError(
            "This call would hold up the event loop that is running in this thread; nothing was changed.",
            hint=f"Await ghostpy.{instead} there.",
        )
    try:
        with asyncio.Runner() as runner:
            return runner.run(start())
    except KeyboardInterrupt as interrupt:
        for note in getattr(interrupt.__context__, "__notes__", ()):
            interrupt.add_note(note)
        raise


def to_end_beside_a_loop(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The same for a caller that has to wait though a loop is running in its thread: on a thread and a loop of its own.

    What ends the wait, or cancels the caller's task, cancels the coroutine; its clean-up is waited for.
    """
    caller = asyncio.current_task()
    cancelled_before = caller.cancelling() if caller else 0
    results: list[T] = []
    errors: list[BaseException] = []
    began = threading.Event()
    held: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = []

    async def work() -> None:
        task = asyncio.create_task(start())
        held.append((asyncio.get_running_loop(), task))
        began.set()
        results.append(await task)

    def run() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:
            errors.append(error)
        finally:
            began.set()

    thread = threading.Thread(target=run, name="ghostpy")

    def cancel() -> None:
        began.wait()
        if held and thread.is_alive():
            loop, task = held[0]
            with suppress(RuntimeError):  # it has ended just now
                loop.call_soon_threadsafe(task.cancel)
        thread.join()

    thread.start()
    try:
        while thread.is_alive():
            thread.join(_LOOK)
            # The first Ctrl-C only asks the task to end, which cannot notice before this call is over.
            if caller and caller.cancelling() > cancelled_before:
                cancel()
    except BaseException:
        cancel()
        raise
    if errors:
        raise errors[0]
    return results[0]


def in_a_loop() -> bool:
    """Whether an event loop is running in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
