"""Carries out the steps of a change in place, and undoes them where one of them fails."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from ghostpy import errors
from ghostpy.dialects.postgres.in_place.blockers import blockers, holders
from ghostpy.dialects.postgres.in_place.marks import leftover_steps
from ghostpy.dialects.postgres.in_place.misfit_rows import explained
from ghostpy.dialects.postgres.in_place.steps import Step
from ghostpy.dialects.postgres.session import Session, opened, see_gone
from ghostpy.dialects.postgres.settled import settled
from ghostpy.model.names import TableName
from ghostpy.settings import ConnectSettings

LOCK_WAIT = 0.5
"""Everybody else queues behind a request for a strong lock: rather often and shortly than once and long."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
_CLEAN_UP_LIMIT = 30.0
_WATCH_SECONDS = 10.0
_LONG_STEP_ATTEMPTS = 3
_UNDO_ATTEMPTS = 1000
"""Without a limit of their own: it is the time that is limited."""


async def carry_out(
    settings: ConnectSettings,
    source: TableName,
    steps: Sequence[Step],
    *,
    lock_timeout: float,
    attempts: int = 60,
    happened: Callable[[str], None],
) -> None:
    """Do the steps in order, on a session of our own.

    A quick step waits at most `lock_timeout` seconds for its locks, and is tried `attempts` times, with pauses in between.
    Raises LockTimeout, DuplicateRows or DataDoesNotFit where the rows stand against it, or what the server raises; then the steps
    that were done are undone, and a note on the error says what is left. CutOverInDoubt where nobody can say whether a step was done.
    """
    work = _Work(settings, source, min(lock_timeout, LOCK_WAIT), attempts, happened)
    try:
        for number, step in enumerate(steps):
            happened(step.doing)
            work.rest = steps[number:]
            await work.do(step)
    except BaseException as error:
        error.add_note(await work.undo_all())
        raise
    finally:
        await work.session.close()


async def remove_leftovers(
    settings: ConnectSettings,
    source: TableName,
    *,
    lock_timeout: float,
    attempts: int = 60,
    happened: Callable[[str], None],
) -> bool:
    """Remove what a dead change in steps left on the source, if it left anything; a plan that is made before takes it for the user's."""
    async with opened(settings, purpose="look for leftovers") as session:
        steps = await leftover_steps(session, source)
    if steps:
        await carry_out(settings, source, steps, lock_timeout=lock_timeout, attempts=attempts, happened=happened)
    return bool(steps)


class _Work:
    """The session that does the steps, and how far it came."""

    def __init__(
        self,
        settings: ConnectSettings,
        source: TableName,
        lock_wait: float,
        attempts: int,
        happened: Callable[[str], None],
    ) -> None:
        self.session = Session(settings, purpose="alter")
        self._settings = settings
        self._source = source
        self._lock_wait = lock_wait
        self._attempts = attempts
        self._happened = happened
        self.rest: Sequence[Step] = ()
        """The step that is being done, and those after it."""
        self._to_undo: list[Step] = []
        self._complete = False
        self._committing: tuple[Step, str] | None = None

    async def do(self, step: Step) -> None:
        """Do one step, with all the attempts that it may have."""
        if step.undo is not None and step.alone:
            # It may leave something even where it fails.
            self._to_undo.append(step.undo)
        try:
            await self._tried(step, self._attempts if step.quick else _LONG_STEP_ATTEMPTS)
        except errors.DataDoesNotFit as error:
            raise await explained(self.session, error, self._source, step) from error

    async def _tried(self, step: Step, attempts: int) -> None:
        pause = _FIRST_PAUSE
        for attempt in range(1, attempts + 1):
            try:
                if not self.session.is_open:
                    await self.session.open()
                await self._once(step)
                return
            except errors.TransientError as error:
                if attempt == attempts:
                    raise self._given_up(step, attempts, error) from error
                if attempt == 1:
                    self._happened(f"{step.doing}: {await self._why(error)}; trying again")
                if step.undo is not None and step.alone:
                    await self._once(step.undo)
            # Jitter: what met in a deadlock must not meet again.
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _given_up(self, step: Step, attempts: int, error: errors.TransientError) -> errors.GhostpyError:
        if not step.quick:
            return error
        return errors.LockTimeout(
            f"{step.doing} on {self._settings.address}: the lock could not be had in {attempts} attempts",
            hint="Look for long transactions on the table, then run the same command again.",
        )

    async def _why(self, error: errors.TransientError) -> str:
        with contextlib.suppress(errors.GhostpyError):
            who = await holders(self.session, self._source)
            return f"the lock is held by {who}" if who else "the lock could not be had"
        return error.message

    async def _once(self, step: Step) -> None:
        if step.quick:
            await self._in_transaction(step)
            return
        async with self._watched(step):
            if step.alone:
                for sql in step.sql:
                    await self.session.execute(sql, doing=step.doing)
                self._done(step)
            else:
                await self._in_transaction(step)

    async def _in_transaction(self, step: Step) -> None:
        session, doing = self.session, step.doing
        await session.execute("BEGIN", doing=doing)
        try:
            if step.quick:
                await session.execute(f"SET LOCAL lock_timeout = {max(1, int(self._lock_wait * 1000))}", doing=doing)
            for sql in step.sql:
                await session.execute(sql, doing=doing)
            xid = await session.scalar("SELECT pg_current_xact_id()::text", doing=doing)
        except errors.GhostpyError:
            with contextlib.suppress(errors.GhostpyError):
                await session.execute("ROLLBACK", doing=doing)
            raise
        self._committing = step, str(xid)
        try:
            await session.execute("COMMIT", doing=doing)
        except errors.ServerGone:
            if not await self._settled():
                raise
            return
        self._done(step)

    def _done(self, step: Step) -> None:
        self._committing = None
        if step.undo is not None and not step.alone:
            self._to_undo.append(step.undo)
        if step.completes:
            self._to_undo.clear()
            self._complete = True

    async def _settled(self) -> bool:
        """Whether the step whose COMMIT had no answer was done. Raises CutOverInDoubt where the server does not say."""
        assert self._committing is not None
        step, xid = self._committing
        done = await settled(self._settings, self.session.backend, xid, step.doing)
        self._committing = None
        if done:
            self._done(step)
        return done

    @asynccontextmanager
    async def _watched(self, step: Step) -> AsyncIterator[None]:
        """Tell from time to time what a step waits for."""
        watcher = asyncio.create_task(self._watch(step), name="watch a step")
        try:
            yield
        finally:
            watcher.cancel()
            await asyncio.wait([watcher])

    async def _watch(self, step: Step) -> None:
        told = ""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            with contextlib.suppress(errors.GhostpyError):
                async with opened(self._settings, purpose="watch") as session:
                    pid = self.session.backend.pid if self.session.backend else 0
                    who = await blockers(session, pid)
                if who and who != told:
                    self._happened(f"{step.doing}: waits for {who}")
                told = who

    def _outcome(self) -> str:
        rest = [step.doing for step in self.rest if not step.completes]
        return f"{self._source} has its new schema{', but for ' if rest else ''}{' and '.join(rest)}."

    async def undo_all(self) -> str:
        """Undo what was done, within a limited time; what became of the table, in words."""
        await self.session.close()
        left = [step.doing.removeprefix("dropping ") for step in self._to_undo]
        try:
            async with asyncio.timeout(_CLEAN_UP_LIMIT):
                if self._committing is not None:
                    await self._settled()
                elif self.session.backend is not None:
                    # What it still does would come after what is done here.
                    await see_gone(self._settings, self.session.backend)
                if self._complete:
                    return self._outcome()
                left = [step.doing.removeprefix("dropping ") for step in self._to_undo]
                while left:
                    await self._tried(self._to_undo[len(left) - 1], _UNDO_ATTEMPTS)
                    left.pop()
        except (errors.GhostpyError, TimeoutError) as failure:
            why = str(failure) or "it could not be undone in time"
            return f"{self._source} is not as it was: {why}. Left behind: {', '.join(left)}; the next run removes it."
        return f"{self._source} is as it was."
