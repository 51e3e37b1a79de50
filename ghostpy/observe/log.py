"""What happens, line by line."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from ghostpy.model.moment import HookOutput
from ghostpy.model.plan import Plan
from ghostpy.model.progress import Phase, Progress, RunReport
from ghostpy.model.run_end import RunEnd
from ghostpy.observe.log_line import LogLine, text_line


class Level(IntEnum):
    """How much is told; each tells what those below it tell, too."""

    QUIET = 0
    """Only the error that ends the run."""
    NORMAL = 1
    """Warnings, and what hooks write."""
    VERBOSE = 2
    """Events."""
    DEBUG = 3
    """Changes of the phase and of the throttling."""


class Log:
    """An observer that writes one line an event, by `write`, in the form that `form` gives it.

    `tells_end` says whether the error that ends the run is for this log, too.
    """

    def __init__(
        self,
        level: Level,
        write: Callable[[str], None],
        form: Callable[[LogLine], str] = text_line,
        *,
        tells_end: bool = False,
    ) -> None:
        self._level = level
        self._write_line = write
        self._form = form
        self._tells_end = tells_end
        self._progress = Progress()
        self._phase = Phase.PREPARE
        self._reason: str | None = None

    def planned(self, plan: Plan, definition: str) -> None:
        return

    def progressed(self, progress: Progress) -> None:
        self._progress = progress
        if self._level < Level.DEBUG:
            return
        if progress.phase is not self._phase:
            self._phase = progress.phase
            self._write("DEBUG", f"{progress.phase.value} (after {progress.elapsed:.1f} s)")
        if progress.throttle_reason != self._reason:
            self._reason = progress.throttle_reason
            self._write("DEBUG", f"throttled: {self._reason}" if self._reason else "no longer throttled")

    def happened(self, text: str, *, warning: bool = False) -> None:
        least = Level.NORMAL if warning or isinstance(text, HookOutput) else Level.VERBOSE
        if self._level >= least:
            self._write("WARNING" if warning else "INFO", text)

    def ended(self, report: RunReport) -> None:
        self.happened(f"{report.source}: done")

    def closed(self, end: RunEnd) -> None:
        """The run is over."""
        if self._tells_end and not end.well:
            self._write("ERROR", end.message, end)

    def _write(self, level: str, text: str, end: RunEnd | None = None) -> None:
        self._write_line(self._form(LogLine(level, text, self._progress, end)))
