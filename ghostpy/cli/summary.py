"""A run in one line, for cron mails and `ghostpy batch`: `ghostpy: TABLE: how it went`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ghostpy import errors
from ghostpy.cli.failure import cause, exit_code
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.progress import Phase, Progress, RunReport
from ghostpy.observe.figures import duration, whole

NOTHING = "nothing to do, the table has the wanted shape already"

_NOT_STARTED = "not started"
_FAILURES: Mapping[type[BaseException], tuple[str, str]] = {
    errors.GhostpyError: ("failed", "defect"),
    errors.UsageError: (_NOT_STARTED, "wrong usage"),
    errors.PlanRefused: (_NOT_STARTED, "refused"),
    errors.ConnectionFailed: (_NOT_STARTED, "no connection"),
    errors.ServerGone: ("failed", "server gone"),
    errors.MissingPrivilege: (_NOT_STARTED, "missing privilege"),
    errors.SourceChanged: ("failed", "source changed by others"),
    errors.DataDoesNotFit: ("failed", "data does not fit"),
    errors.DuplicateRows: ("failed", "duplicate rows"),
    errors.VerifyFailed: ("failed", "verification failed"),
    errors.CutOverFailed: ("failed", "no cut-over"),
    errors.LockTimeout: ("failed", "no lock"),
    errors.ServerError: ("failed", "server refused"),
    errors.TransientError: ("failed", "server busy"),
    errors.StreamLost: ("failed", "change stream lost"),
    errors.CriticalLoad: ("ended", "critical load"),
    errors.Panicked: ("ended", "panic"),
    errors.Stopped: ("stopped", "on demand"),
    errors.Aborted: ("ended", "on demand"),
    errors.HookFailed: ("failed", "hook failed"),
    errors.CannotResume: (_NOT_STARTED, "cannot go on with an earlier run"),
    errors.BatchIncomplete: ("failed", "incomplete"),
    errors.TablesDiffer: ("failed", "tables differ"),
    errors.SchemaDiffers: ("failed", "schema differs"),
    errors.CutOverInDoubt: ("IN DOUBT", "a person must look"),
    errors.AlreadyRunning: (_NOT_STARTED, "another run is under way"),
    errors.Interrupted: ("ended", "signal"),
    KeyboardInterrupt: ("ended", "signal"),
}
_ON_TIME = ("deadline", "window")


class Summary:
    """An observer that keeps what the line needs."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._last: Progress | None = None
        self.outcome: RunReport | Plan | None = None

    def planned(self, plan: Plan, definition: str) -> None:
        return

    def progressed(self, progress: Progress) -> None:
        if progress.phase is not Phase.PREPARE:
            self._last = progress

    def happened(self, text: str, *, warning: bool = False) -> None:
        return

    def ended(self, report: RunReport) -> None:
        self.outcome = report

    def line(self, error: BaseException | None = None) -> str:
        """How the run went; with `error`, that it ended by that."""
        return f"ghostpy: {self._source}: {self._ended(error) if error else _came_through(self.outcome)}"

    def _ended(self, error: BaseException) -> str:
        leaf = cause(error)
        how, why = next((_FAILURES[each] for each in type(leaf).__mro__ if each in _FAILURES), ("failed", "defect"))
        if isinstance(leaf, errors.Stopped):
            why = next((word for word in _ON_TIME if word in str(leaf).lower()), why)
        if how == _NOT_STARTED and self._last is not None:
            how = "failed"
        place = f" at {int(self._last.fraction * 100)} %" if self._last is not None else ""
        return f"{how}{place} ({why}), exit {exit_code(error)}"


def _came_through(outcome: RunReport | Plan | None) -> str:
    if isinstance(outcome, Plan):
        if outcome.strategy is Strategy.NOTHING:
            return NOTHING
        return f"planned ({outcome.strategy.value}), nothing was changed"
    if outcome is None:
        return "done"
    if outcome.strategy == Strategy.NOTHING.value:
        return NOTHING
    reverted = outcome.strategy == Strategy.REVERT.value
    took = f"{'reverted' if reverted else 'done'} in {duration(outcome.elapsed)}"
    if outcome.strategy not in (Strategy.SHADOW.value, Strategy.REVERT.value, Strategy.BACKFILL.value):
        return f"{took}, in place ({outcome.strategy})"
    if outcome.strategy == Strategy.BACKFILL.value:
        return f"{took}, {whole(outcome.rows_updated)} of {whole(outcome.rows_copied)} rows updated"
    compared = f"{whole(outcome.differences_repaired)} differences" if outcome.verified else "not compared"
    rows = f"{whole(outcome.keys_resynced)} rows resynced" if reverted else f"{whole(outcome.rows_copied)} rows"
    return f"{took}, {rows}, {compared}, writers held {duration(outcome.lock_seconds)}"


@contextmanager
def summarised(source: str, *, wanted: bool) -> Iterator[Summary]:
    """Print the line, if it is wanted, when the block ends, however it does."""
    summary = Summary(source)
    try:
        yield summary
    except BaseException as error:
        if wanted:
            print(summary.line(error), flush=True)
        raise
    if wanted:
        print(summary.line(), flush=True)
