"""What became of a run, as figures."""

from __future__ import annotations

from ghostpy.dialects import drop_statement, names_of
from ghostpy.engine.recorder import Recorder
from ghostpy.model.names import TableName
from ghostpy.model.plan import Strategy
from ghostpy.model.progress import RunReport
from ghostpy.settings import MigrateSettings


def run_report(
    source: TableName, old: TableName, recorder: Recorder, settings: MigrateSettings, strategy: Strategy
) -> RunReport:
    """The closing figures of a run that ended well by `strategy`."""
    copied = strategy in (Strategy.SHADOW, Strategy.REVERT)
    trial = settings.topology.on_replica == "test"
    kept = copied and not settings.target.ok_to_drop_old and not trial
    return RunReport(
        source=str(source),
        strategy=strategy.value,
        tried_in=str(names_of(settings)[1].shadow) if trial and copied else None,
        old_table=str(old) if kept else None,
        drop_old=drop_statement(settings.connect, old) if kept else "",
        elapsed=recorder.elapsed,
        copy_elapsed=recorder.copy_elapsed,
        rows_copied=recorder.rows_copied,
        rows_verified=recorder.rows_verified,
        changes_seen=recorder.changes_seen,
        keys_resynced=recorder.keys_resynced,
        differences_repaired=recorder.differences_repaired,
        verified=copied and settings.verify,
        compared_again=recorder.passes.again,
        last_compared=recorder.passes.seen().last_ended,
        cut_over_attempts=recorder.cut_over_attempts,
        lock_seconds=recorder.lock_seconds,
        revertible=kept and settings.revert.possible,
    )
