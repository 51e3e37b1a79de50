"""Takes secrets out of what observers are told."""

from __future__ import annotations

from collections.abc import Callable

from ghostpy.model.moment import HookOutput
from ghostpy.model.plan import Plan
from ghostpy.model.progress import Progress, RunReport
from ghostpy.protocols import Observer


class Redacting:
    """An observer that passes everything on to `inner`, texts through `redact` first."""

    def __init__(self, inner: Observer, redact: Callable[[str], str]) -> None:
        self._inner = inner
        self._redact = redact

    def planned(self, plan: Plan, definition: str) -> None:
        self._inner.planned(plan, self._redact(definition))

    def progressed(self, progress: Progress) -> None:
        self._inner.progressed(progress)

    def happened(self, text: str, *, warning: bool = False) -> None:
        kind = HookOutput if isinstance(text, HookOutput) else str
        self._inner.happened(kind(self._redact(text)), warning=warning)

    def ended(self, report: RunReport) -> None:
        self._inner.ended(report)
