"""Those who watch a call: the function it was given, and the logger `ghostpy`."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ghostpy.model.plan import Plan
from ghostpy.model.progress import Progress, RunReport

OnProgress = Callable[[Progress], object]
"""Is given snapshots, one after the other, on a thread of the run's own: it may take its time, and holds nobody up by that.
The next one it gets is the latest there is then. Once it has raised, it is not called any more, and the run goes on."""

LOGGER = logging.getLogger("ghostpy")
# Without this, logging itself would print warnings where the program has set up nothing.
LOGGER.addHandler(logging.NullHandler())


class Telling:
    """An observer. Each line of the log has the `table` as an attribute of that name."""

    def __init__(self, table: str, on_progress: OnProgress | None) -> None:
        self._table = {"table": table}
        self._on_progress = on_progress

    def planned(self, plan: Plan, definition: str) -> None:
        LOGGER.info("%s: the plan is: %s", plan.source.name, plan.strategy.value, extra=self._table)

    def progressed(self, progress: Progress) -> None:
        if self._on_progress is None:
            return
        try:
            self._on_progress(progress)
        except Exception:
            self._on_progress = None
            LOGGER.exception("on_progress failed, and is not called any more", extra=self._table)

    def happened(self, text: str, *, warning: bool = False) -> None:
        LOGGER.log(logging.WARNING if warning else logging.INFO, "%s", text, extra=self._table)

    def ended(self, report: RunReport) -> None:
        LOGGER.info("%s: done", report.source, extra=self._table)
