"""The observer that prints gh-ost's status lines on its schedule, and the closing report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ghostpy.model.plan import Plan
from ghostpy.model.progress import Phase, Progress, RunReport
from ghostpy.observe.report import report_lines
from ghostpy.observe.status_line import RunFacts, eta_seconds, hint_due, hint_lines, status_due, status_line

Write = Callable[[str], None]
_CUT_OVER = (Phase.POSTPONED, Phase.CUT_OVER)


class StatusLines:
    """Prints by `write`, a line a call."""

    def __init__(self, facts: RunFacts, write: Write) -> None:
        self._facts = facts
        self._write = write
        self._last: Progress | None = None
        self._interest: float | None = None
        """When something noteworthy happened last, in seconds of the run."""

    def planned(self, plan: Plan, definition: str) -> None:
        return

    def progressed(self, progress: Progress) -> None:
        if progress.phase in (Phase.PREPARE, Phase.CLEAN_UP, Phase.DONE):
            return
        last, self._last = self._last, progress
        if progress.phase in _CUT_OVER and (last is None or last.phase is not progress.phase):
            self._interest = progress.elapsed
        if last is None:
            self._print(progress, hint=True)
            return
        # A snapshot may come late: what was due in a second that is over is due now.
        seconds = range(int(last.elapsed) + 1, int(progress.elapsed) + 1)
        hint = any(hint_due(second) for second in seconds)
        if hint or any(self._due(second, progress) for second in seconds) or _copied_now(last, progress):
            self._print(progress, hint=hint)

    def happened(self, text: str, *, warning: bool = False) -> None:
        if warning and self._last is not None:
            self._interest = self._last.elapsed

    def ended(self, report: RunReport) -> None:
        if self._last is not None:
            self._print(self._last, hint=False)
        for line in report_lines(report):
            self._write(line)

    def _due(self, second: int, progress: Progress) -> bool:
        since = None if self._interest is None else second - self._interest
        return status_due(second, eta_seconds(progress), since)

    def _print(self, progress: Progress, *, hint: bool) -> None:
        if hint:
            path = self._facts.postpone_flag_file
            exists = bool(path) and Path(path).exists()
            for line in hint_lines(progress, self._facts, postpone_file_exists=exists):
                self._write(line)
        self._write(status_line(progress))


def _copied_now(last: Progress, progress: Progress) -> bool:
    return progress.copy_complete and not last.copy_complete
