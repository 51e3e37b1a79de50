"""Gate, freeze, drain, exchange."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from ghostpy import errors
from ghostpy.engine.again import Again
from ghostpy.engine.backlog import Backlog
from ghostpy.engine.checkpoints import Checkpoints
from ghostpy.engine.follower import Follower
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.postponement import Postponement
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.resting import opened
from ghostpy.engine.resync import BacklogWorker
from ghostpy.model.change import Position
from ghostpy.model.keys import Key, KeyRange, Mark
from ghostpy.model.moment import Moment
from ghostpy.model.progress import Phase
from ghostpy.protocols import Exchanging, Frozen, Gate, Moments, NameOwner, Observer, Resynced
from ghostpy.settings import CutOverSettings

_EVERYTHING = KeyRange(None, None)
_POLL = 0.1
_CATCH_UP_LIMIT = 60.0
_SHORT_LAP = 0.05
_FEW_KEYS = 500
_FEW_WILL_DO = 3.0
"""Seconds after which a lap with few keys will do. Where a commit takes longer than a short lap, across a region to a standby that has to answer,
there is no short one to wait for."""


Note: TypeAlias = Callable[[Position], Awaitable[None]]


class CutOver:
    """Exchanges the names, in as many attempts as are allowed; between attempts the application goes on undisturbed.

    `again` compares all rows while it is held back. `note` writes down, for a revert, from where the source is to be followed after the exchange.
    """

    def __init__(
        self,
        exchanging: Exchanging,
        backlog: Backlog,
        worker: BacklogWorker,
        follower: Follower,
        recorder: Recorder,
        observer: Observer,
        gate: Gate,
        moments: Moments,
        postponement: Postponement,
        settings: CutOverSettings,
        knobs: Knobs,
        checkpoints: Checkpoints,
        *,
        trial: bool = False,
        again: Again | None = None,
        note: Note | None = None,
    ) -> None:
        self._exchanging = exchanging
        self._backlog = backlog
        self._worker = worker
        self._follower = follower
        self._recorder = recorder
        self._observer = observer
        self._gate = gate
        self._moments = moments
        self._postponement = postponement
        self._settings = settings
        self._knobs = knobs
        self._checkpoints = checkpoints
        self._trial = trial
        self._again = again
        self._note = note
        self._pause = 1.0
        self._in_doubt = False
        self.exchanged = False
        """Whether it is known that the names are exchanged; right in any case once `run` has ended, except by CutOverInDoubt."""

    async def run(self) -> None:
        """Return once the names are exchanged. Raises CutOverFailed with the source in place, or CutOverInDoubt."""
        try:
            await self._attempts()
        except BaseException as ended:
            # Somebody ended the run in the very moment: then it must still be found out what became of the names.
            if self._in_doubt and not isinstance(ended, errors.CutOverInDoubt):
                await self._won(errors.CutOverInDoubt("the run was ended while the names were being exchanged"))
            raise

    async def _attempts(self) -> None:
        await self._moments.reached(Moment.BEFORE_CUT_OVER)
        for attempt in range(1, self._settings.attempts + 1):
            try:
                await self._may_come()
                self._recorder.cut_over_attempts = attempt
                if self._trial:
                    await self._moments.reached(Moment.STOP_REPLICATION)
                await self._at_a_good_moment()
                return
            except errors.CutOverInDoubt as doubt:
                if await self._won(doubt):
                    return
                reason = doubt.message
            except (
                errors.LockTimeout,
                errors.TransientError,
                errors.ServerGone,
                errors.HookFailed,
                TimeoutError,
            ) as failure:
                reason = str(failure) or "the drain did not end within the lock's time limit"
            self._observer.happened(
                f"cut-over attempt {attempt} of {self._settings.attempts} failed: {reason}", warning=True
            )
            if self._trial:
                await self._moments.reached(Moment.START_REPLICATION)
            if attempt < self._settings.attempts:
                await self._back_off()
        raise errors.CutOverFailed(
            f"the names could not be exchanged in {self._settings.attempts} attempts; last: {reason}"
        )

    async def _may_come(self) -> None:
        """Wait until nobody holds the cut-over back, and the gate is open; changes are followed and resynced meanwhile."""
        while self._postponement.wanted:
            if not self._postponement.active:
                self._recorder.enter(Phase.POSTPONED)
                self._observer.happened(f"cut-over postponed {self._postponement.until}")
                await self._moments.reached(Moment.BEGIN_POSTPONED)
                self._postponement.active = True
            await self._worker.slice(_EVERYTHING, self._knobs.slice_seconds)
            if self._again is not None:
                await self._again.lap()
            await self._checkpoints.due()
            await asyncio.sleep(_POLL)
        self._postponement.active = False
        if self._again is not None:
            self._again.stop()
        await opened(self._gate, self._checkpoints)

    async def _at_a_good_moment(self) -> None:
        """Where the exchange would hold writers for long, they are let go at once, and it is tried again: that spends no attempt."""
        while True:
            await self._prepare()
            await self._catch_up()
            if not self._trial:  # which is nothing to go on with
                await self._checkpoints.before_exchange()
            try:
                await self._freeze_drain_exchange()
                return
            except errors.BadMoment as moment:
                self._observer.happened(f"the exchange is tried again in a moment: {moment.message}")
            await self._back_off()
            await self._may_come()

    async def _prepare(self) -> None:
        """Choosing the moment may take a second, in which no backlog must grow."""
        preparing = asyncio.create_task(self._exchanging.prepare(), name="prepare")
        try:
            while not preparing.done():
                await self._worker.slice(_EVERYTHING, _SHORT_LAP)
                await asyncio.wait([preparing], timeout=_SHORT_LAP)
            await preparing
        finally:
            preparing.cancel()
            await asyncio.gather(preparing, return_exceptions=True)

    async def _catch_up(self) -> None:
        """Work the backlog off until a lap is short: what is left then is what the lock has to wait for."""
        self._recorder.enter(Phase.CUT_OVER)
        first = time.monotonic()
        while time.monotonic() - first < _CATCH_UP_LIMIT:
            began, done = time.monotonic(), self._recorder.keys_resynced
            end = await self._follower.stream.end()
            asked = time.monotonic()
            close = await self._follower.reach(end) and time.monotonic() - asked < _SHORT_LAP
            await self._worker.up_to(end, _EVERYTHING)
            now = time.monotonic()
            few = close and self._recorder.keys_resynced - done < _FEW_KEYS
            if now - began < _SHORT_LAP or (few and now - first > _FEW_WILL_DO):
                return

    async def _freeze_drain_exchange(self) -> None:
        budget = self._settings.lock_timeout
        under_lock: set[Key] = set()
        asked = time.monotonic()
        began: float | None = None
        try:
            async with self._exchanging.frozen(timeout=budget) as frozen:

                async def resync(keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
                    under_lock.update(keys)
                    return await frozen.resync(keys, copied)

                began = time.monotonic()
                end = await self._follower.stream.end()
                await self._worker.up_to_by(end, _EVERYTHING, resync, deadline=began + budget)
                if self._note is not None:
                    # While the lock is held the source does not change: a revert follows it from here, behind what was resynced last.
                    async with asyncio.timeout(max(0.1, began + budget - time.monotonic())):
                        await self._note(await self._follower.stream.end())
                caught_up = time.monotonic()
                await self._exchange(frozen)
                exchanged = time.monotonic()
            self._held(asked, began, caught_up, exchanged, time.monotonic())
        finally:
            if began is not None:
                self._recorder.lock_seconds = max(self._recorder.lock_seconds, time.monotonic() - began)
            if not self.exchanged:
                # With the lock goes what was done under it, where that is one transaction.
                self._backlog.add_unmarked(under_lock)

    def _held(self, asked: float, began: float, caught_up: float, exchanged: float, ended: float) -> None:
        """Who asks what writers waited for must find it in the log: it does not come again."""
        parts = (began - asked, caught_up - began, exchanged - caught_up, ended - exchanged)
        waiting, catching_up, exchanging, releasing = (f"{seconds * 1000:.0f} ms" for seconds in parts)
        self._observer.happened(
            f"writers were held for {catching_up} to catch up, {exchanging} to exchange the names, and {releasing} until the lock was gone; "
            f"for the {waiting} before that, who came behind the request for the lock waited with it for statements under way"
        )

    async def _exchange(self, frozen: Frozen) -> None:
        self._follower.exchange_begins()
        self._in_doubt = True
        try:
            await frozen.exchange()
        except errors.CutOverInDoubt:
            raise
        except errors.GhostpyError:
            self._settled(exchanged=False)  # the server's own answer
            raise
        self._settled(exchanged=True)

    def _settled(self, *, exchanged: bool) -> None:
        self._in_doubt, self.exchanged = False, exchanged
        if not exchanged:
            self._follower.exchange_failed()

    async def _won(self, doubt: errors.CutOverInDoubt) -> bool:
        """Who owns the name after an answer was lost? Never guessed, and never tried again while in doubt."""
        try:
            owner = await self._exchanging.owner()
        except errors.GhostpyError as error:
            raise errors.CutOverInDoubt(
                f"{doubt.message}; and the tables could not be looked at: {error.message}"
            ) from error
        if owner is NameOwner.UNKNOWN:
            raise doubt
        self._settled(exchanged=owner is NameOwner.SHADOW)
        return self.exchanged

    async def _back_off(self) -> None:
        # Jitter, so that several runs do not ask for their locks in step.
        pause = self._pause * random.uniform(0.8, 1.2)
        if self._settings.exponential_backoff:
            self._pause = min(self._pause * 2, float(self._settings.backoff_max))
        end = time.monotonic() + pause
        while time.monotonic() < end:
            await self._worker.slice(_EVERYTHING, self._knobs.slice_seconds)
            await self._checkpoints.due()
            await asyncio.sleep(min(_POLL, max(0.0, end - time.monotonic())))
