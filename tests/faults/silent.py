"""An observer for runs within the test's own process."""

from __future__ import annotations

from ghostpy.model.plan import Plan
from ghostpy.model.progress import Progress, RunReport


class Silent:
    """Watches nothing."""

    def planned(self, plan: Plan, definition: str) -> None:
        return

    def progressed(self, progress: Progress) -> None:
        return

    def happened(self, text: str, *, warning: bool = False) -> None:
        return

    def ended(self, report: RunReport) -> None:
        return
