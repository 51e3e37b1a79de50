"""What happens, line by line, on stderr."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import IntEnum

from ghostpy.model.progress import Phase, Progress, RunReport


class Level(IntEnum):
    """How much is told; each tells what those below it tell, too."""

    QUIET = 0
    """Only the error that ends the run."""
    NORMAL = 1
    """Warnings."""
    VERBOSE = 2
    """Events."""
    DEBUG = 3
    """Changes of the phase and of the throttling."""


class Log:
    """An observer that writes one line an event, by `write`: time, level, text."""

    def __init__(self, level: Level, write: Callable[[str], None]) -> None:
        self._level = level
        self._write_line = write
        self._phase = Phase.PREPARE
        self._reason: str | None = None

    def progressed(self, progress: Progress) -> None:
        if self._level < Level.DEBUG:
            return
        if progress.phase is not self._phase:
            self._phase = progress.phase
            self._write("DEBUG", f"{progress.phase.value} (after {progress.elapsed:.1f} s)")
        if progress.throttle_reason != self._reason:
            self._reason = progress.throttle_reason
            self._write("DEBUG", f"throttled: {self._reason}" if self._reason else "no longer throttled")

    def happened(self, text: str, *, warning: bool = False) -> None:
        if self._level >= (Level.NORMAL if warning else Level.VERBOSE):
            self._write("WARNING" if warning else "INFO", text)

    def ended(self, report: RunReport) -> None:
        self.happened(f"{report.source}: done")

    def _write(self, level: str, text: str) -> None:
        self._write_line(f"{datetime.now():%Y-%m-%d %H:%M:%S} {level} {' '.join(text.splitlines())}")
