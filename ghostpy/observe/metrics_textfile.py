"""A text file for the node exporter's textfile collector: a run that cron starts is over before anybody scrapes it.

Source: the node exporter's README, "Textfile Collector": names end in .prom, and files are put in place by renaming.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from prometheus_client import write_to_textfile

from ghostpy.errors import AlreadyRunning, UsageError
from ghostpy.model.plan import Plan
from ghostpy.model.progress import Progress, RunReport
from ghostpy.model.run_end import RunEnd
from ghostpy.observe.metrics import RunMetrics

_EVERY = 5.0


class Textfile:
    """An observer that writes the file once there is a plan, then every few seconds, and at the end.

    Not before that: until then another run on the table may be under way, whose file it is. Raises UsageError at the start where
    it cannot be written; later failures are left to `Several`.
    """

    def __init__(self, path: Path, metrics: RunMetrics) -> None:
        self._path = path
        self._metrics = metrics
        self._written = 0.0
        if path.suffix != ".prom":
            raise UsageError(f"--metrics-textfile: {path} must end in .prom, or the node exporter does not read it.")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise UsageError(f"--metrics-textfile: nothing can be written to {path.parent}.")

    def planned(self, plan: Plan, definition: str) -> None:
        self._write()

    def progressed(self, progress: Progress) -> None:
        if time.monotonic() - self._written >= _EVERY:
            self._write()

    def happened(self, text: str, *, warning: bool = False) -> None:
        return

    def ended(self, report: RunReport) -> None:
        return

    def closed(self, end: RunEnd) -> None:
        """To be called after the metrics know of the end. Raises OSError."""
        if end.error != AlreadyRunning.__name__:
            self._write()

    def _write(self) -> None:
        write_to_textfile(str(self._path), self._metrics.registry)
        self._written = time.monotonic()
