"""Taking an exchange back: at once, or as long as a window lasts."""

from __future__ import annotations

import asyncio
import time

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.assembly.beforehand import Beforehand
from ghostpy.assembly.hooking import plan_ready
from ghostpy.assembly.outcome import run_report
from ghostpy.assembly.parts import assembled
from ghostpy.assembly.served_run import served_run
from ghostpy.dialects import dialect_for
from ghostpy.engine.recorder import Recorder
from ghostpy.model.checkpoint import Checkpoint, Course
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.progress import RunReport
from ghostpy.model.revertible import Revertible
from ghostpy.protocols import Dialect, Moments, Observer
from ghostpy.settings import MigrateSettings

_TURN, _SERVER = "the exchange", "the server"


async def reverted(
    dialect: Dialect, settings: MigrateSettings, recorder: Recorder, observer: Observer, moments: Moments
) -> RunReport | Plan:
    """Take the last exchange back; without `settings.execute` only plan it. The run's lock is held by the caller.

    Raises CannotResume where there is nothing to take back, or where that cannot be done any more.
    """
    noted = await dialect.housekeeping.revertible()
    if noted is None:
        raise errors.CannotResume(
            f"there is no change of {settings.target.database}.{settings.target.table} on {dialect.address} "
            "that could be reverted; nothing was changed",
            hint="A change can be reverted that was made with --revert-window or --keep-revertible, as long as its old table and its ledger are there.",
        )
    wanted = settings.revert.old_table
    # Of the command that died behind its exchange, said again: what it was to go back to has the name now.
    if not noted.settled and noted.turn > 1 and settings.execute and (not wanted or noted.comes_from(wanted)):
        return await _tidied(dialect, noted, settings, recorder, observer)
    if wanted and not noted.leads_to(wanted):
        raise errors.CannotResume(
            f"the last change of {noted.source} on {dialect.address} left {noted.old}, not {wanted}; nothing was changed",
            hint=f"Name {noted.old}, or leave --old-table out.",
        )
    beforehand = Beforehand(settings, dialect.address, observer)
    plan = await beforehand.proven(dialect.turn(noted))
    observer.planned(plan, "")
    await plan_ready(moments, plan, settings, dialect.address)
    if not settings.execute:
        return plan
    # Each time: whether a revert was begun before cannot be told from a run that only kept the old table in step.
    await beforehand.run()
    if not noted.settled:
        await dialect.housekeeping.settle(noted)
    await dialect.vitals.open(settings.throttle)
    await in_step(dialect, plan, noted, settings, recorder, observer, moments)
    report = run_report(noted.source, plan.names.old, recorder, settings, Strategy.REVERT)
    return replace(report, definition=await dialect.housekeeping.definition())


async def in_step(
    dialect: Dialect,
    plan: Plan,
    noted: Revertible,
    settings: MigrateSettings,
    recorder: Recorder,
    observer: Observer,
    moments: Moments,
) -> bool:
    """Keep the old table in step for as long as the window lasts; whether the exchange was taken back."""
    change = {_TURN: str(noted.turn), _SERVER: await dialect.housekeeping.identity()}
    if not await dialect.housekeeping.is_here(noted.server):
        raise errors.CannotResume(
            f"the exchange was made on another server than {dialect.address}, and its place in the change stream means nothing here; "
            "nothing was changed",
            hint="",
        )
    earlier = await dialect.housekeeping.saved()
    if earlier is None:
        course = Course(copied=True, indexed=True)
        earlier = Checkpoint(change, course, noted.position, noted.number, plan.names.old)
    recorder.rows_estimate = await dialect.housekeeping.estimate_rows()
    run = assembled(
        dialect,
        plan,
        dialect.parts(plan),
        settings,
        recorder,
        observer,
        moments,
        change=change,
        earlier=earlier,
        window=settings.revert.window,
    )
    async with served_run(run, dialect, plan, settings, observer, moments):
        await run.migration.run()
    return run.shadow.exchanged


async def _tidied(
    dialect: Dialect, noted: Revertible, settings: MigrateSettings, recorder: Recorder, observer: Observer
) -> RunReport:
    """All that is left to do where a revert ended between the exchange of the names and its own end."""
    observer.happened(
        f"an earlier run has exchanged the names: {noted.source} is reverted; what is left of that run is cleaned up",
        warning=True,
    )
    await dialect.housekeeping.settle(noted)
    return run_report(noted.source, noted.old, recorder, settings, Strategy.REVERT)


async def last_exchange(settings: MigrateSettings, *, patience: float = 0.0) -> Revertible | None:
    """The last exchange that can be taken back, None where there is none.

    With `patience`, once the run that is under way has ended, or after so many seconds.
    """
    dialect = dialect_for(settings)
    try:
        await dialect.open()
        deadline = time.monotonic() + patience
        while patience:
            try:
                await dialect.housekeeping.lock_run()
                break
            except errors.AlreadyRunning:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.2)
        return await dialect.housekeeping.revertible()
    finally:
        await dialect.close()
