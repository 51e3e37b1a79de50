"""One backfill, from its settings to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from ghostpy import errors
from ghostpy.assembly.beforehand import Beforehand
from ghostpy.assembly.controlling import desk_of
from ghostpy.assembly.definition import definition_of
from ghostpy.assembly.hooking import hooked, plan_ready, succeeded
from ghostpy.control.desk import BACKFILL
from ghostpy.control.server import served
from ghostpy.control.steering import Steering
from ghostpy.dialects import backfill_dialect_for
from ghostpy.engine.backfill import Backfill
from ghostpy.engine.chunker import Chunker
from ghostpy.engine.effort import Effort
from ghostpy.engine.ending import Ending
from ghostpy.engine.heartbeat import Heartbeat
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.pace import Pace
from ghostpy.engine.pieces import Pieces
from ghostpy.engine.postponement import Postponement
from ghostpy.engine.pulse import Pulse
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.retry import retried
from ghostpy.engine.updater import Updater
from ghostpy.model.backfill import BackfillCourse
from ghostpy.model.finding import Severity
from ghostpy.model.moment import Moment
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.progress import RunReport
from ghostpy.observe.figures import whole
from ghostpy.observe.hooks import regular_status
from ghostpy.protocols import BackfillDialect, Moments, Observer
from ghostpy.settings import MigrateSettings
from ghostpy.throttle.disk_room import DiskRoom
from ghostpy.throttle.growth import Growth
from ghostpy.throttle.throttler import Throttler


async def backfill(settings: MigrateSettings, observer: Observer) -> RunReport | Plan:
    """Carry out one backfill; without `settings.execute` only plan it, and return the plan.

    Raises GhostpyError, with a note that says how much is updated.
    """
    recorder = Recorder(in_place=True)
    async with hooked(settings, recorder.snapshot, observer) as moments:
        return await _done(settings, recorder, observer, moments)


async def _done(
    settings: MigrateSettings, recorder: Recorder, observer: Observer, moments: Moments
) -> RunReport | Plan:
    dialect = backfill_dialect_for(settings)
    try:
        await dialect.open()
        if dialect.address != settings.connect.address:
            observer.happened(f"{settings.connect.address} is a replica: rows are updated on {dialect.address}")
        earlier = await _earlier(dialect, settings) if settings.execute else None
        beforehand = Beforehand(settings, dialect.address, observer)
        plan = await beforehand.proven(dialect.plan())
        observer.planned(plan, await definition_of(dialect))
        await plan_ready(moments, plan, settings, dialect.address)
        if not settings.execute:
            await succeeded(moments, plan)
            return plan
        for finding in plan.findings:
            if finding.severity is Severity.WARN:
                observer.happened(f"plan: {finding.told}", warning=True)
        change = dialect.change(plan)
        earlier = _agreed(earlier, change, plan, dialect, observer)
        if earlier is None:  # else it was run before that work was begun
            await beforehand.run()
        return await _carried_out(dialect, plan, change, earlier, settings, recorder, observer, moments)
    finally:
        await dialect.close()


async def _earlier(dialect: BackfillDialect, settings: MigrateSettings) -> BackfillCourse | None:
    """How far an earlier run came, with the run's lock taken. Raises CannotResume."""
    await dialect.lock_run()
    if settings.resume.restart:
        # Its ledger stays until the plan is found good and another takes its place.
        return None
    earlier = await retried(settings.copy.retries, dialect.updating.saved)
    if earlier is None and settings.resume.required:
        raise errors.CannotResume(
            f"--resume: there is no backfill of this table to go on with on {dialect.address}: it was never begun, or it is done; "
            "nothing was changed",
            hint="Run without --resume to begin one.",
        )
    return earlier


def _agreed(
    earlier: BackfillCourse | None,
    change: Mapping[str, str],
    plan: Plan,
    dialect: BackfillDialect,
    observer: Observer,
) -> BackfillCourse | None:
    if earlier is None:
        return None
    differing = [name for name in change if earlier.change.get(name) != change[name]]
    if differing and earlier.number:
        raise errors.CannotResume(
            f"an earlier run has begun another backfill of {plan.source.name} on {dialect.address}, and updated {whole(earlier.rows_updated)} "
            f"rows: it differs in {' and '.join(differing)}; nothing was changed",
            hint="Run the same command as then, or add --restart to begin another: rows that are done are then updated again.",
        )
    if differing:
        return None
    observer.happened(
        f"going on with the work of an earlier run: {whole(earlier.rows_passed)} rows are looked at, {whole(earlier.rows_updated)} updated",
        warning=True,
    )
    return earlier


async def _carried_out(
    dialect: BackfillDialect,
    plan: Plan,
    change: Mapping[str, str],
    earlier: BackfillCourse | None,
    settings: MigrateSettings,
    recorder: Recorder,
    observer: Observer,
    moments: Moments,
) -> RunReport:
    recorder.rows_estimate = await dialect.count_rows() if settings.exact_row_count else plan.source.row_estimate
    if settings.exact_row_count:
        await moments.reached(Moment.ROWCOUNT_COMPLETE)
    if earlier is not None:
        recorder.copy_before = earlier.seconds
    await dialect.vitals.open(settings.throttle)
    run = _assembled(dialect, change, earlier, settings, recorder, observer, moments)
    desk = desk_of(dialect, plan, run.steering, settings, observer, BACKFILL)
    async with _telling(run.backfill, plan):
        async with served(settings.control, desk, moments):
            await run.backfill.run()
        report = replace(_report(plan, recorder), definition=await definition_of(dialect))
        observer.ended(report)
        await succeeded(moments, report)
        await run.backfill.finish()
    return report


def _report(plan: Plan, recorder: Recorder) -> RunReport:
    return RunReport(
        source=str(plan.source.name),
        strategy=Strategy.BACKFILL.value,
        old_table=None,
        elapsed=recorder.elapsed,
        copy_elapsed=recorder.copy_elapsed,
        rows_copied=recorder.rows_copied,
        rows_updated=recorder.rows_updated,
        rows_verified=0,
        changes_seen=0,
        keys_resynced=0,
        differences_repaired=0,
        verified=False,
        cut_over_attempts=0,
        lock_seconds=0.0,
    )


class _Run(Struct, frozen=True):
    backfill: Backfill
    steering: Steering


def _assembled(
    dialect: BackfillDialect,
    change: Mapping[str, str],
    earlier: BackfillCourse | None,
    settings: MigrateSettings,
    recorder: Recorder,
    observer: Observer,
    moments: Moments,
) -> _Run:
    copy = settings.copy
    knobs, ending = Knobs.of(copy), Ending()
    knobs.workers = 1  # chunks go one after the other, each from where the one before it ended
    effort, pulse = Effort(knobs), Pulse()
    warn = partial(observer.happened, warning=True)
    gate = Throttler(settings.throttle, dialect.vitals, tell=warn, stop=ending.ask)
    recorder.gate, recorder.effort, recorder.entered = gate, effort, observer.progressed
    chunker = Chunker(copy.chunk_seconds, fixed=copy.chunk_rows)
    updater = Updater(dialect.updating, chunker, recorder, gate, knobs, moments, tell=observer.happened)
    backfill = Backfill(
        updating=dialect.updating,
        updater=updater,
        change=change,
        earlier=earlier,
        pieces=Pieces(effort, pulse),
        effort=effort,
        gate=gate,
        moments=moments,
        beside={
            "heartbeat": Heartbeat(
                dialect.activity, recorder, gate, pulse, settings.heartbeat_seconds, copy.retries
            ).run,
            "pace": Pace(dialect.activity, (chunker,), effort, pulse, copy).run,
            "throttle": gate.run,
            "growth": Growth(dialect.vitals, tell=warn, resting=lambda: gate.hibernating).run,
            "disk": DiskRoom(dialect.vitals, settings.throttle, tell=warn).run,
            "ending": ending.run,
            "status hooks": partial(regular_status, moments, recorder.snapshot, settings.hooks.status_interval),
        },
        recorder=recorder,
        observer=observer,
        retries=copy.retries,
    )
    return _Run(backfill, Steering(knobs, chunker, gate, Postponement(None), ending, recorder.snapshot))


@asynccontextmanager
async def _telling(run: Backfill, plan: Plan) -> AsyncIterator[None]:
    """What ends the run tells how much is updated."""
    try:
        yield
    except (errors.GhostpyError, asyncio.CancelledError) as ended:
        ended.add_note(_outcome(run, plan))
        raise


def _outcome(run: Backfill, plan: Plan) -> str:
    name = plan.source.name
    if run.complete:
        return f"{name} is updated, all of it: {whole(run.rows_updated)} rows. Only its ledger is left: the same command removes it."
    if run.begun:
        return (
            f"{name} is updated in part: {whole(run.rows_updated)} rows so far, each of them once. The ledger says which: the same command goes on "
            "from there."
        )
    if run.kept:
        return f"{name} was not changed, as far as is known; the same command goes on from whatever was done."
    return f"{name} was not changed."
