"""The migration made of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import inf

from msgspec import Struct
from msgspec.structs import replace

from ghostpy.control.steering import Steering
from ghostpy.engine.again import Again
from ghostpy.engine.backlog import Backlog
from ghostpy.engine.beginning import Beginning
from ghostpy.engine.checkpoints import Checkpoints
from ghostpy.engine.chunker import Chunker
from ghostpy.engine.copier import Copier
from ghostpy.engine.cutover import CutOver
from ghostpy.engine.effort import Effort
from ghostpy.engine.ending import Ending
from ghostpy.engine.filling import Filling
from ghostpy.engine.follower import Follower
from ghostpy.engine.forecast import Forecast
from ghostpy.engine.heartbeat import Heartbeat
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.migration import Migration
from ghostpy.engine.old_table import OldTable
from ghostpy.engine.pace import Pace
from ghostpy.engine.postponement import Postponement
from ghostpy.engine.pulse import Pulse
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.rests import Rests
from ghostpy.engine.resync import BacklogWorker
from ghostpy.engine.rounds import Rounds
from ghostpy.engine.shadow import Shadow
from ghostpy.engine.verifier import Verifier
from ghostpy.engine.window import Window
from ghostpy.model.change import Position
from ghostpy.model.checkpoint import Checkpoint, Course
from ghostpy.model.plan import Plan
from ghostpy.model.revertible import Revertible
from ghostpy.observe.hooks import regular_status
from ghostpy.protocols import ChangeStream, Dialect, Housekeeping, Moments, Observer, Parts
from ghostpy.settings import MigrateSettings
from ghostpy.throttle.disk_room import DiskRoom
from ghostpy.throttle.growth import Growth
from ghostpy.throttle.throttler import Throttler

_BEATS_OF_THE_DEAD = 1_000_000
"""More heartbeats than a run writes after its last checkpoint."""


class Assembled(Struct, frozen=True):
    """`shadow` knows how far the run came; `steering` is for those who steer it from outside."""

    migration: Migration
    shadow: Shadow
    steering: Steering


def assembled(
    dialect: Dialect,
    plan: Plan,
    parts: Parts,
    settings: MigrateSettings,
    recorder: Recorder,
    observer: Observer,
    moments: Moments,
    *,
    change: Mapping[str, str],
    earlier: Checkpoint | None,
    window: float | None = None,
) -> Assembled:
    """One run's parts, put together. `change`: see `Checkpoint`; `earlier`: what it goes on with, if anything.

    `window`: this run takes an exchange back, after so many seconds of keeping the old table in step.
    """
    copy, housekeeping = settings.copy, dialect.housekeeping
    knobs, ending = Knobs.of(copy), Ending()
    effort, pulse = Effort(knobs), Pulse()
    warn = partial(observer.happened, warning=True)
    gate = Throttler(settings.throttle, dialect.vitals, tell=warn, stop=ending.ask)
    # Who keeps an old table in step for a while, and then says `revert`, need not say it twice.
    held = settings.cut_over.postpone and (window is None or settings.revert.wanted)
    postponement = Postponement(settings.cut_over.postpone_flag_file, held=held)
    recorder.gate, recorder.effort, recorder.entered = gate, effort, observer.progressed
    backlog = Backlog(copy.backlog_limit)
    follower = Follower(parts.stream, backlog, recorder)
    course = replace(earlier.course) if earlier else Course(bare=parts.bare)
    if earlier:
        recorder.rows_copied, recorder.rows_verified = course.rows_copied, course.rows_verified
        recorder.copy_before = course.copy_seconds
        recorder.last_beat = earlier.number + _BEATS_OF_THE_DEAD
    checkpoints = Checkpoints(
        housekeeping,
        course,
        backlog,
        follower,
        recorder,
        observer,
        change=change,
        old=plan.names.old,
        # A trial is nothing to go on with.
        seconds=inf if parts.trial else settings.resume.checkpoint_seconds,
        attempts=copy.retries,
        resumed=earlier is not None,
    )
    worker = BacklogWorker(backlog, follower, parts.resyncing.resync, recorder, gate, knobs)
    rests = Rests(effort, pulse, backlog, worker, checkpoints)
    copying, comparing = Chunker(copy.chunk_seconds, fixed=copy.chunk_rows), Chunker(copy.chunk_seconds)
    copier = Copier(parts.copying, copying, backlog, recorder, gate, knobs, effort, moments, course)
    verifier = Verifier(
        parts.comparing,
        parts.copying,
        comparing,
        backlog,
        worker,
        follower,
        recorder,
        observer,
        gate,
        knobs,
        effort,
        rests,
        course,
        checkpoints,
    )
    again = None
    if settings.verify:
        again = Again(verifier, rests, recorder, observer, gate, every=settings.cut_over.verify_every)
    back = dialect.revertible(plan) if settings.revert.possible else None
    cut_over = CutOver(
        parts.exchanging,
        backlog,
        worker,
        follower,
        recorder,
        observer,
        gate,
        moments,
        postponement,
        settings.cut_over,
        knobs,
        checkpoints,
        trial=parts.trial,
        again=again,
        note=None if back is None else partial(_note, housekeeping, back, parts.stream, recorder),
    )
    shadow = (
        Shadow(
            housekeeping,
            plan.names,
            observer,
            drop_old=settings.target.ok_to_drop_old,
            resumed=earlier is not None,
            back=back,
        )
        if window is None
        else OldTable(housekeeping, plan.names, observer, back)
    )
    lasting = None if window is None else Window(window, worker, checkpoints, recorder, observer, gate, knobs, rests)
    rounds = Rounds(copier, worker, backlog, housekeeping, recorder, gate, effort, rests, course, checkpoints)
    migration = Migration(
        shadow=shadow,
        beginning=Beginning(follower, backlog, parts.copying, earlier, copy.retries),
        checkpoints=checkpoints,
        follower=follower,
        filling=lasting or Filling(rounds, moments, recorder),
        verifier=verifier if settings.verify else None,
        cut_over=cut_over,
        beside={
            "heartbeat": Heartbeat(housekeeping, recorder, gate, pulse, settings.heartbeat_seconds, copy.retries).run,
            "pace": Pace(housekeeping, (copying, comparing), effort, pulse, copy).run,
            "throttle": gate.run,
            "growth": Growth(dialect.vitals, tell=warn, resting=lambda: gate.hibernating).run,
            "disk": DiskRoom(dialect.vitals, settings.throttle, tell=warn, resting=lambda: gate.hibernating).run,
            "forecast": Forecast(recorder, tell=warn).run,
            "ending": ending.run,
            "status hooks": partial(regular_status, moments, recorder.snapshot, settings.hooks.status_interval),
        },
        recorder=recorder,
        observer=observer,
    )
    steering = Steering(knobs, copying, gate, postponement, ending, recorder.snapshot, lasting, again)
    return Assembled(migration, shadow, steering)


async def _note(
    housekeeping: Housekeeping, back: Revertible, stream: ChangeStream, recorder: Recorder, position: Position
) -> None:
    await housekeeping.note(replace(back, position=stream.noted(position), number=recorder.last_beat))
