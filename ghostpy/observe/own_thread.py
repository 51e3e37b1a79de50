"""Observers on a thread of their own.

A terminal that is held (Ctrl-S), a slow disk or a full pipe then stops the showing, and never the migration.
"""

from __future__ import annotations

import threading
from collections import deque

from ghostpy.model.plan import Plan
from ghostpy.model.progress import Progress, RunReport
from ghostpy.protocols import Observer

_EVENTS_KEPT = 10_000


class OwnThread:
    """An observer that hands everything to `inner` on a thread: events in order, of the snapshots the latest.

    Begin with `with`: leaving waits for what is still to be shown, though not for ever.
    """

    def __init__(self, inner: Observer, *, patience: float = 2.0) -> None:
        self._inner = inner
        self._patience = patience
        self._changed = threading.Condition()
        self._events: deque[tuple[str, bool]] = deque(maxlen=_EVENTS_KEPT)
        self._progress: Progress | None = None
        self._plan: tuple[Plan, str] | None = None
        self._report: RunReport | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="observers", daemon=True)

    def __enter__(self) -> OwnThread:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(self._patience)

    def planned(self, plan: Plan, definition: str) -> None:
        with self._changed:
            self._plan = (plan, definition)
            self._changed.notify()

    def progressed(self, progress: Progress) -> None:
        with self._changed:
            self._progress = progress
            self._changed.notify()

    def happened(self, text: str, *, warning: bool = False) -> None:
        with self._changed:
            self._events.append((text, warning))
            self._changed.notify()

    def ended(self, report: RunReport) -> None:
        with self._changed:
            self._report = report
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._anything)
                events, self._events = self._events, deque(maxlen=_EVENTS_KEPT)
                progress, self._progress = self._progress, None
                plan, self._plan = self._plan, None
                report, self._report = self._report, None
                closed = self._closed
            if plan is not None:
                self._inner.planned(*plan)
            for text, warning in events:
                self._inner.happened(text, warning=warning)
            if progress is not None:
                self._inner.progressed(progress)
            if report is not None:
                self._inner.ended(report)
            if closed:
                return

    def _anything(self) -> bool:
        return self._closed or bool(self._events or self._progress or self._plan or self._report)
