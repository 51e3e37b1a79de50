"""Compares source and shadow while the application writes.

A chunk is compared by one statement, so as of one moment; at that moment the shadow lacks what is still in the stream or in the
backlog. So a difference counts only where no change explains it: the stream has been read past the moment of the look, and the key is
not in the backlog. Such a row is resynced, counted, and looked at again; one that differs again without a reason ends the run.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ghostpy import errors
from ghostpy.engine.backlog import Backlog
from ghostpy.engine.checkpoints import Checkpoints
from ghostpy.engine.chunker import Chunker
from ghostpy.engine.effort import Effort
from ghostpy.engine.follower import Follower
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.ranges import Ranges
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.resting import opened
from ghostpy.engine.rests import Rests
from ghostpy.engine.resync import BacklogWorker
from ghostpy.engine.retry import retried
from ghostpy.engine.tasks import together
from ghostpy.model.checkpoint import Course
from ghostpy.model.keys import Key, KeyRange
from ghostpy.protocols import Comparing, Copying, Gate, Observer

_EVERYTHING = KeyRange(None, None)
_TO_RESYNC = 4
"""As long as a slice of comparing lasts, so many times as long may dirty keys be worked off behind it: each that is left makes a row differ, which
then has to be looked at once more."""
_LOOKS = 3
"""With nothing dirty, before a row that differs is taken for one that differs for no reason."""
_REPAIRS = 3
_SHOWN = 5
_KEYS_AT_ONCE = 1000
_WAITING = 20_000
"""Differing rows that wait for a second look, at most: what is dirty beyond that is resynced in full, and looked at no more."""


class Verifier:
    """A pass over the table, in slices between which the backlog is worked off; and others later, where they are asked for."""

    def __init__(
        self,
        comparing: Comparing,
        copying: Copying,
        chunker: Chunker,
        backlog: Backlog,
        worker: BacklogWorker,
        follower: Follower,
        recorder: Recorder,
        observer: Observer,
        gate: Gate,
        knobs: Knobs,
        effort: Effort,
        rests: Rests,
        course: Course,
        checkpoints: Checkpoints,
    ) -> None:
        self._comparing = comparing
        self._copying = copying
        self._chunker = chunker
        self._ranges = Ranges(copying, chunker, knobs.retries, low=course.verified, complete=course.compared)
        self._course = course
        self._checkpoints = checkpoints
        self._backlog = backlog
        self._worker = worker
        self._follower = follower
        self._recorder = recorder
        self._observer = observer
        self._gate = gate
        self._knobs = knobs
        self._effort = effort
        self._rests = rests
        self._suspects: dict[Key, None] = {}
        """Rows that differed, in the order in which they were seen, until they have been looked at without a change that explains it."""
        self._repairs: dict[Key, int] = {}
        """How often those of them were resynced that differed for no reason."""
        self._repaired: list[Key] = []
        self._repeated = False

    async def run(self) -> None:
        """The first pass, or the rest of it. Raises VerifyFailed where rows keep differing for no reason."""
        if not self.complete:
            await self._first()

    async def _first(self) -> None:
        passes = self._recorder.passes
        passes.begin()
        passes.rows = self._recorder.rows_verified  # by a run that this one goes on with
        while not self.complete:
            await opened(self._gate, self._checkpoints)
            with self._rests.work():
                looking = await self.slice()
            await self._rests.taken(_EVERYTHING, copying=looking)
        passes.repaired = len(self.taken_repaired())
        passes.end(again=False)

    def again(self) -> None:
        """Begin another pass. A run that goes on with this one need not finish it: the first one counts."""
        self._ranges = Ranges(self._copying, self._chunker, self._knobs.retries)
        self._repeated = True
        self._recorder.passes.begin()

    @property
    def complete(self) -> bool:
        """Whether the pass has come to its end."""
        return self._ranges.complete

    def taken_repaired(self) -> list[Key]:
        """The rows that were resynced since this was asked last."""
        taken, self._repaired = self._repaired, []
        return taken

    async def slice(self) -> float:
        """One round; how many seconds of it were comparing. Raises as `run` does."""
        began = time.monotonic()
        deadline = began + self._effort.slice_seconds
        await together(*(self._look(deadline) for _ in range(self._effort.workers)), name="verify")
        looking = time.monotonic() - began
        settled = await self._settle()
        # Whoever holds the cut-over back may let it come in the midst of a later pass: what it has looked at must be right by then.
        while self._suspects and (self.complete or self._repeated):
            await self._worker.up_to(await self._follower.stream.end(), _EVERYTHING)
            settled = await self._settle(last=True)
        if settled and not self._repeated:
            self._course.verified, self._course.compared = self._ranges.low, self._ranges.complete
        await self._worker.slice(_EVERYTHING, self._effort.slice_seconds * _TO_RESYNC)
        await self._checkpoints.due()
        return looking

    async def _look(self, deadline: float) -> None:
        while (
            time.monotonic() < deadline and not self._gate.reason and (handed := await self._ranges.next()) is not None
        ):
            chunk, size = handed
            began = time.monotonic()
            rows, differing = await retried(self._knobs.retries, self._comparing.compare, chunk)
            if chunk.high is not None:
                self._chunker.finished(size, time.monotonic() - began)
            self._recorder.passes.rows += rows
            if not self._repeated:
                self._recorder.rows_verified += rows
            for key in differing:
                if len(self._suspects) < _WAITING or key not in self._backlog:
                    self._suspects[key] = None

    async def _settle(self, *, last: bool = False) -> bool:
        """Look again at what differed, except where a change is still to be resynced: that explains it, and is waited for beside the next looks.

        Nothing waits behind the `last` one but what it repairs: what is dirty then was changed once more, and is resynced in full. False
        where the backlog is full, and nothing can be said before some of it is worked off.
        """
        if not await self._follower.reach(await self._follower.stream.end()):
            return False
        due = [key for key in self._suspects if last or key not in self._backlog]
        for start in range(0, len(due), _KEYS_AT_ONCE):
            keys = due[start : start + _KEYS_AT_ONCE]
            left = await self._unexplained(keys)
            for _ in range(_LOOKS):
                if not left:
                    break
                # Before that is said of a row, all dirty keys are worked off: the comparison may spell the key of a row that only the shadow has
                # otherwise than the stream does. Once more, for somebody may have deleted it in the very moment.
                await self._worker.up_to(await self._follower.stream.end(), _EVERYTHING)
                left = await self._unexplained(left)
            if left is None:
                return False
            for key in keys:
                del self._suspects[key]
            self._repair(left)
            for key in keys:
                if key not in self._suspects:
                    self._repairs.pop(key, None)
        return True

    async def _unexplained(self, keys: Sequence[Key]) -> Sequence[Key] | None:
        """Those that differ now, and are not dirty; None where the backlog is full, and that cannot be said."""
        differing = await retried(self._knobs.retries, self._comparing.still_different, keys)
        if not await self._follower.reach(await self._follower.stream.end()):
            return None
        # What is in the backlog will be resynced in full; it needs no further look.
        return [key for key in differing if key not in self._backlog]

    def _repair(self, keys: Sequence[Key]) -> None:
        for key in keys:
            self._repairs[key] = self._repairs.get(key, 0) + 1
            if self._repairs[key] > _REPAIRS:
                raise errors.VerifyFailed(
                    f"{len(keys)} rows of the shadow differ from the source again after each repair, "
                    f"among them those with the keys {', '.join(map(str, keys[:_SHOWN]))}; the source is untouched"
                )
            if self._repairs[key] == 1:
                self._recorder.differences_repaired += 1
                self._repaired.append(key)
            self._suspects[key] = None
        if keys:
            self._observer.happened(
                f"verify: {len(keys)} rows differed for no known reason and are resynced: "
                f"{', '.join(map(str, keys[:_SHOWN]))}{' …' if len(keys) > _SHOWN else ''}",
                warning=True,
            )
        self._backlog.add_unmarked(keys)
