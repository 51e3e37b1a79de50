"""What the report of a run is made of, gathered while the run goes on, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct

from ghostpy.model.plan import Plan
from ghostpy.model.progress import Progress, RunReport
from ghostpy.observe.timeline import Timeline

_FIRST, _LATEST = 200, 300


class Event(Struct, frozen=True):
    """Something that happened, `at` so many seconds of the run (as of the latest snapshot)."""

    time: datetime
    at: float
    text: str
    warning: bool


@dataclass
class RunRecord:
    """An observer. `redact` takes secrets out of texts; it is asked for everything that comes from outside."""

    redact: Callable[[str], str] = str
    started: datetime = field(default_factory=lambda: datetime.now().astimezone())
    timeline: Timeline = field(default_factory=Timeline)
    progress: Progress = field(default_factory=Progress)
    plan: Plan | None = None
    before: str = ""
    report: RunReport | None = None
    left_out: int = 0
    """How many events are in neither list."""
    first: list[Event] = field(default_factory=list)
    latest: deque[Event] = field(default_factory=lambda: deque(maxlen=_LATEST))

    def planned(self, plan: Plan, definition: str) -> None:
        self.plan, self.before = plan, definition

    def progressed(self, progress: Progress) -> None:
        self.progress = progress
        self.timeline.add(progress)

    def happened(self, text: str, *, warning: bool = False) -> None:
        event = Event(datetime.now().astimezone(), self.progress.elapsed, self.redact(str(text)), warning)
        if len(self.first) < _FIRST:
            self.first.append(event)
            return
        self.left_out += len(self.latest) == _LATEST
        self.latest.append(event)

    def ended(self, report: RunReport) -> None:
        self.report = report
