"""One call, from its settings to its end."""

from __future__ import annotations

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.assembly.beforehand import Beforehand
from ghostpy.assembly.definition import definition_of
from ghostpy.assembly.desired import as_desired
from ghostpy.assembly.earlier import agreed, change_of, earlier_run
from ghostpy.assembly.estimating import with_estimate
from ghostpy.assembly.hooking import hooked, plan_ready, succeeded
from ghostpy.assembly.outcome import run_report
from ghostpy.assembly.parts import assembled
from ghostpy.assembly.reverting import in_step, reverted
from ghostpy.assembly.room import with_room
from ghostpy.assembly.served_run import served_run
from ghostpy.dialects import dialect_for, names_of
from ghostpy.engine.recorder import Recorder
from ghostpy.model.checkpoint import Checkpoint
from ghostpy.model.finding import Severity
from ghostpy.model.moment import Moment
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.progress import RunReport
from ghostpy.protocols import Dialect, Moments, Observer
from ghostpy.settings import MigrateSettings


async def migrate(settings: MigrateSettings, observer: Observer) -> RunReport | Plan:
    """Carry out one change; without `settings.execute` only plan it, and return the plan.

    Raises GhostpyError; then the source is as it was, unless the error says otherwise.
    """
    settings = await as_desired(settings, observer)
    recorder = Recorder(backlog_limit=settings.copy.backlog_limit)
    async with hooked(settings, recorder.snapshot, observer) as moments:
        try:
            outcome = await _done(settings, recorder, observer, moments)
        except errors.PlanRefused as error:
            if settings.target.desired and settings.target.alter:
                error.add_note(f"To the desired table would lead: {settings.target.alter}")
            raise
        await succeeded(moments, outcome)
        return outcome


async def _done(
    settings: MigrateSettings, recorder: Recorder, observer: Observer, moments: Moments
) -> RunReport | Plan:
    dialect = dialect_for(settings)
    try:
        await dialect.open()
        if dialect.address != settings.connect.address:
            observer.happened(f"{settings.connect.address} is a replica: the change is made on {dialect.address}")
        if settings.revert.wanted:
            return await _taken_back(dialect, settings, recorder, observer, moments)
        await dialect.housekeeping.lock_run()
        earlier = await earlier_run(dialect, settings, observer)
        if earlier is not None and await dialect.housekeeping.exchanged(earlier):
            report = await _cleaned_up(dialect, earlier, settings, recorder, observer, moments)
            observer.ended(report)
            return report
        beforehand = Beforehand(settings, dialect.address, observer)
        plan = await beforehand.proven(_planned(dialect, earlier, settings))
        if not settings.execute:
            plan = await with_estimate(dialect, plan, settings)
        observer.planned(plan, await definition_of(dialect.housekeeping))
        await plan_ready(moments, plan, settings, dialect.address)
        if not settings.execute:
            return plan
        report = await _carried_out(dialect, plan, earlier, settings, recorder, observer, moments, beforehand)
        report = replace(report, definition=await definition_of(dialect.housekeeping))
        observer.ended(report)
        return report
    finally:
        await dialect.close()


async def _planned(dialect: Dialect, earlier: Checkpoint | None, settings: MigrateSettings) -> Plan:
    return await with_room(dialect, await dialect.plan(earlier), settings, begun=earlier is not None)


async def _taken_back(
    dialect: Dialect, settings: MigrateSettings, recorder: Recorder, observer: Observer, moments: Moments
) -> RunReport | Plan:
    if settings.execute:  # a look at what would be done is not in the way of a run that keeps the old table in step
        await dialect.housekeeping.lock_run()
    outcome = await reverted(dialect, settings, recorder, observer, moments)
    if isinstance(outcome, RunReport):
        observer.ended(outcome)
    return outcome


async def _cleaned_up(
    dialect: Dialect,
    earlier: Checkpoint,
    settings: MigrateSettings,
    recorder: Recorder,
    observer: Observer,
    moments: Moments,
) -> RunReport:
    """All that is left to do where an earlier run ended between the exchange of the names and its own end."""
    source = names_of(settings)[0]
    observer.happened(
        f"an earlier run has exchanged the names: {source} has its new schema; what is left of that run is cleaned up",
        warning=True,
    )
    course = earlier.course
    recorder.rows_copied, recorder.rows_verified = course.rows_copied, course.rows_verified
    recorder.copy_before = course.copy_seconds
    housekeeping = dialect.housekeeping
    await housekeeping.finish()
    if settings.target.ok_to_drop_old:
        await housekeeping.note_exchanged()
        await housekeeping.drop_old()
    noted = await housekeeping.revertible()
    if noted is None:
        await housekeeping.discard()
    else:
        await housekeeping.settle(noted)
    report = run_report(source, earlier.old, recorder, settings, Strategy.SHADOW)
    report = replace(report, definition=await definition_of(housekeeping))
    if settings.revert.window:
        await dialect.vitals.open(settings.throttle)
    return await _kept_in_step(dialect, report, settings, recorder, observer, moments)


async def _carried_out(
    dialect: Dialect,
    plan: Plan,
    earlier: Checkpoint | None,
    settings: MigrateSettings,
    recorder: Recorder,
    observer: Observer,
    moments: Moments,
    beforehand: Beforehand,
) -> RunReport:
    for finding in plan.findings:
        if finding.severity is Severity.WARN:
            observer.happened(f"plan: {finding.told}", warning=True)
    change = await change_of(dialect, plan)
    earlier = await agreed(dialect, plan, change, earlier, observer)
    if plan.strategy is Strategy.NOTHING:
        report = run_report(plan.source.name, plan.names.old, recorder, settings, Strategy.NOTHING)
        if settings.revert.window:
            await dialect.vitals.open(settings.throttle)
        return await _kept_in_step(dialect, report, settings, recorder, observer, moments)
    if earlier is None:  # else it was run before that work was begun
        await beforehand.run()
    _make_flag_file(settings)
    if settings.target.initially_drop_old:
        await dialect.housekeeping.drop_old()
    if (
        earlier is None
        and plan.strategy in (Strategy.INSTANT, Strategy.STAGED)
        and await dialect.housekeeping.alter_in_place(settings.cut_over.lock_timeout)
    ):
        return run_report(plan.source.name, plan.names.old, recorder, settings, plan.strategy)
    parts = dialect.parts(plan)
    if settings.verify and parts.uncompared:
        observer.happened(
            f"verification leaves out {', '.join(parts.uncompared)}: no faithful comparison is known for the change of type",
            warning=True,
        )
    housekeeping = dialect.housekeeping
    recorder.rows_estimate = await (
        housekeeping.count_rows() if settings.exact_row_count else housekeeping.estimate_rows()
    )
    if settings.exact_row_count:
        await moments.reached(Moment.ROWCOUNT_COMPLETE)
    await dialect.vitals.open(settings.throttle)
    run = assembled(dialect, plan, parts, settings, recorder, observer, moments, change=change, earlier=earlier)
    async with served_run(run, dialect, plan, settings, observer, moments):
        await run.migration.run()
    report = run_report(plan.source.name, plan.names.old, recorder, settings, Strategy.SHADOW)
    return await _kept_in_step(dialect, report, settings, recorder, observer, moments)


async def _kept_in_step(
    dialect: Dialect,
    report: RunReport,
    settings: MigrateSettings,
    recorder: Recorder,
    observer: Observer,
    moments: Moments,
) -> RunReport:
    """The old table is kept in step for the length of the window, if there is one; how it all ended. `report`: of the change itself."""
    noted = await dialect.housekeeping.revertible() if settings.revert.window else None
    if noted is None:
        return report
    observer.happened(f"{noted.source} has its new schema")
    plan = await dialect.turn(noted)
    if await in_step(dialect, plan, noted, settings, recorder, observer, moments):
        return run_report(noted.source, plan.names.old, recorder, settings, Strategy.REVERT)
    return replace(report, revertible=False, elapsed=recorder.elapsed)


def _make_flag_file(settings: MigrateSettings) -> None:
    flag = settings.cut_over.postpone_flag_file
    if flag is not None:
        try:
            flag.touch()
        except OSError as error:
            raise errors.UsageError(
                f"--postpone-cut-over-flag-file {flag} cannot be created: {error.strerror}"
            ) from error
