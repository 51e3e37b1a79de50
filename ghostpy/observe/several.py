"""One observer that passes everything on to several."""

from __future__ import annotations

from collections.abc import Sequence

from ghostpy.model.plan import Plan
from ghostpy.model.progress import Progress, RunReport
from ghostpy.protocols import Observer


class Several:
    """An observer that fails is left out from then on: watching must not end a run."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = list(observers)

    def planned(self, plan: Plan, definition: str) -> None:
        for observer in tuple(self._observers):
            try:
                observer.planned(plan, definition)
            except Exception as error:
                self._leave_out(observer, error)

    def progressed(self, progress: Progress) -> None:
        for observer in tuple(self._observers):
            try:
                observer.progressed(progress)
            except Exception as error:
                self._leave_out(observer, error)

    def happened(self, text: str, *, warning: bool = False) -> None:
        for observer in tuple(self._observers):
            try:
                observer.happened(text, warning=warning)
            except Exception as error:
                self._leave_out(observer, error)

    def ended(self, report: RunReport) -> None:
        for observer in tuple(self._observers):
            try:
                observer.ended(report)
            except Exception as error:
                self._leave_out(observer, error)

    def _leave_out(self, observer: Observer, error: Exception) -> None:
        self._observers.remove(observer)
        self.happened(f"{type(observer).__name__} failed and is left out: {error!r}", warning=True)
