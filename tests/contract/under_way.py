"""A change under way, its parts in the test's hands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import inf
from types import SimpleNamespace

from msgspec.structs import replace
from open_gate import OpenGate

from ghostpy.engine.backlog import Backlog
from ghostpy.engine.checkpoints import Checkpoints
from ghostpy.engine.chunker import Chunker
from ghostpy.engine.copier import Copier
from ghostpy.engine.effort import Effort
from ghostpy.engine.follower import Follower
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.pulse import Pulse
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.rests import Rests
from ghostpy.engine.resync import BacklogWorker
from ghostpy.engine.rounds import Rounds
from ghostpy.model.checkpoint import Course
from ghostpy.observe.hooks import NoHooks
from ghostpy.protocols import Dialect, Housekeeping, Parts
from ghostpy.settings import CopySettings

COPY = CopySettings(workers=1, chunk_rows=1000, slice_seconds=0.05)


@dataclass
class Running:
    """The parts of one change."""

    parts: Parts
    backlog: Backlog
    follower: Follower
    copier: Copier
    worker: BacklogWorker
    housekeeping: Housekeeping
    gate: OpenGate
    knobs: Knobs
    effort: Effort
    course: Course
    checkpoints: Checkpoints

    def rounds(self, *, bare: bool = False) -> Rounds:
        """The copy as the engine makes it, without checkpoints."""
        self.course.bare = bare
        return Rounds(
            self.copier,
            self.worker,
            self.backlog,
            self.housekeeping,
            Recorder(),
            self.gate,
            self.effort,
            Rests(self.effort, Pulse(), self.backlog, self.worker, self.checkpoints),
            self.course,
            self.checkpoints,
        )


@asynccontextmanager
async def running(
    dialect: Dialect,
    *,
    where: str | None = None,
    copy: CopySettings = COPY,
    before_start: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[Running]:
    """The shadow is made and the stream followed; nothing is copied yet. `before_start`: between the two."""
    await dialect.open()
    try:
        plan = replace(await dialect.plan(), where=where)
        parts = dialect.parts(plan)
        await dialect.housekeeping.create_ledger()
        await dialect.housekeeping.create_shadow()
        if before_start is not None:
            await before_start()
        await parts.stream.open(await parts.stream.start())
        gate, knobs = OpenGate(), Knobs.of(copy)
        effort = Effort(knobs)
        backlog, recorder = Backlog(copy.backlog_limit), Recorder()
        follower = Follower(parts.stream, backlog, recorder)
        course, chunker = Course(), Chunker(0.1, fixed=copy.chunk_rows)
        copier = Copier(parts.copying, chunker, backlog, recorder, gate, knobs, effort, NoHooks(), course)
        worker = BacklogWorker(backlog, follower, parts.resyncing.resync, recorder, gate, knobs)
        checkpoints = Checkpoints(
            dialect.housekeeping,
            course,
            backlog,
            follower,
            recorder,
            SimpleNamespace(),  # type: ignore[arg-type]
            change={},
            old=plan.names.old,
            seconds=inf,
            attempts=1,
            resumed=False,
        )
        following = asyncio.create_task(follower.run())
        try:
            yield Running(
                parts, backlog, follower, copier, worker, dialect.housekeeping, gate, knobs, effort, course, checkpoints
            )
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await parts.stream.close()
    finally:
        await dialect.close()
