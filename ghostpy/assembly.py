"""Settings become a migration ready to run; the only module that knows every part."""

from __future__ import annotations

import asyncio

from ghostpy import errors
from ghostpy.dialects import dialect_for, drop_statement
from ghostpy.engine.backlog import Backlog
from ghostpy.engine.chunker import Chunker
from ghostpy.engine.copier import Copier
from ghostpy.engine.cutover import CutOver
from ghostpy.engine.follower import Follower
from ghostpy.engine.heartbeat import Heartbeat
from ghostpy.engine.migration import Migration
from ghostpy.engine.pace import Pace
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.resync import BacklogWorker
from ghostpy.engine.rounds import Rounds
from ghostpy.engine.shadow import Shadow
from ghostpy.engine.verifier import Verifier
from ghostpy.model.finding import Severity
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.progress import RunReport
from ghostpy.protocols import Dialect, Observer, Parts
from ghostpy.settings import MigrateSettings


async def migrate(settings: MigrateSettings, observer: Observer) -> RunReport | Plan:
    """Carry out one change; without `settings.execute` only plan it, and return the plan.

    Raises GhostpyError; then the source is as it was, unless the error says otherwise.
    """
    dialect = dialect_for(settings)
    try:
        await dialect.open()
        await dialect.housekeeping.lock_run()
        plan = await dialect.plan()
        if not settings.execute:
            return plan
        _make_flag_file(settings)
        report = await _carried_out(dialect, plan, settings, observer)
        observer.ended(report)
        return report
    finally:
        await dialect.close()


async def _carried_out(dialect: Dialect, plan: Plan, settings: MigrateSettings, observer: Observer) -> RunReport:
    for finding in plan.findings:
        if finding.severity is Severity.WARN:
            observer.happened(f"plan: {finding.text}. {finding.way_out}".rstrip(". ") + ".", warning=True)
    if settings.target.initially_drop_old:
        await dialect.housekeeping.drop_old()
    recorder = Recorder(backlog_limit=settings.copy.backlog_limit, workers=settings.copy.workers)
    if plan.strategy is Strategy.NOTHING:
        return _report(plan, recorder, settings, Strategy.NOTHING)
    if plan.strategy in (Strategy.INSTANT, Strategy.STAGED) and await dialect.housekeeping.alter_in_place(
        settings.cut_over.lock_timeout
    ):
        return _report(plan, recorder, settings, plan.strategy)
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
    migration, shadow = assembled(dialect, plan, parts, settings, recorder, observer)
    try:
        await migration.run()
    except errors.GhostpyError as error:
        if shadow.exchanged:
            error.hint = f"{_outcome(plan, shadow)} {error.hint}"
        if shadow.left:
            error.add_note(_sentence(shadow.left))
        raise
    except asyncio.CancelledError as ended:
        if shadow.exchanged or shadow.left:
            ended.add_note(_outcome(plan, shadow))
        if shadow.left:
            ended.add_note(_sentence(shadow.left))
        raise
    return _report(plan, recorder, settings, Strategy.SHADOW)


def _outcome(plan: Plan, shadow: Shadow) -> str:
    if shadow.exchanged:
        return f"The names are exchanged already: {plan.source.name} has its new schema."
    return f"{plan.source.name} was not changed."


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def assembled(
    dialect: Dialect, plan: Plan, parts: Parts, settings: MigrateSettings, recorder: Recorder, observer: Observer
) -> tuple[Migration, Shadow]:
    """The migration made of its parts, and its shadow, which knows how far it came."""
    copy = settings.copy
    backlog = Backlog(copy.backlog_limit)
    follower = Follower(parts.stream, backlog, recorder)
    worker = BacklogWorker(backlog, follower, parts.resyncing.resync, recorder, copy)
    copying, comparing = Chunker(copy.chunk_seconds, fixed=copy.chunk_rows), Chunker(copy.chunk_seconds)
    copier = Copier(parts.copying, copying, backlog, recorder, copy)
    verifier = Verifier(
        parts.comparing,
        parts.copying,
        comparing,
        backlog,
        worker,
        follower,
        recorder,
        observer,
        copy,
    )
    shadow = Shadow(dialect.housekeeping, plan.names, observer, drop_old=settings.target.ok_to_drop_old)
    migration = Migration(
        shadow=shadow,
        follower=follower,
        heartbeat=Heartbeat(dialect.housekeeping, recorder, settings.heartbeat_seconds, copy.retries),
        pace=Pace(dialect.housekeeping, (copying, comparing), copy),
        rounds=Rounds(copier, worker, backlog, dialect.housekeeping, recorder, copy, bare=parts.bare),
        verifier=verifier if settings.verify else None,
        cut_over=CutOver(parts.exchanging, backlog, worker, follower, recorder, observer, settings.cut_over, copy),
        recorder=recorder,
        observer=observer,
    )
    return migration, shadow


def _make_flag_file(settings: MigrateSettings) -> None:
    flag = settings.cut_over.postpone_flag_file
    if flag is not None:
        try:
            flag.touch()
        except OSError as error:
            raise errors.UsageError(
                f"--postpone-cut-over-flag-file {flag} cannot be created: {error.strerror}"
            ) from error


def _report(plan: Plan, recorder: Recorder, settings: MigrateSettings, strategy: Strategy) -> RunReport:
    copied = strategy is Strategy.SHADOW
    kept = copied and not settings.target.ok_to_drop_old
    return RunReport(
        source=str(plan.source.name),
        strategy=strategy.value,
        old_table=str(plan.names.old) if kept else None,
        drop_old=drop_statement(settings.connect, plan.names.old) if kept else "",
        elapsed=recorder.elapsed,
        copy_elapsed=recorder.copy_elapsed,
        rows_copied=recorder.rows_copied,
        rows_verified=recorder.rows_verified,
        changes_seen=recorder.changes_seen,
        keys_resynced=recorder.keys_resynced,
        differences_repaired=recorder.differences_repaired,
        verified=copied and settings.verify,
        cut_over_attempts=recorder.cut_over_attempts,
        lock_seconds=recorder.lock_seconds,
    )
