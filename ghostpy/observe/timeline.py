"""The course of a run in bounded memory: the longer it lasts, the coarser the grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ghostpy.model.progress import Phase, Progress
from ghostpy.observe.reasons import kind_of

POINTS = 1000
"""At most so many points are kept; a plot has not many more pixels."""
SPANS = 500
"""And so many stretches of a phase, or of a reason to rest."""


class Point(Struct, frozen=True):
    """What was so in a stretch of time that ends at `at`. Counters are as of then, all else is the worst."""

    at: float
    rows_copied: int
    rows_verified: int
    backlog: int
    stream_lag: float
    lag: float
    chunk_seconds: float
    """Of the last chunk; 0 while none is copied."""
    rest_share: float
    """Of the time that is left to the application, as it is measured to need it."""
    impact: float
    """By which part commits take longer because of the run; 0 where that is not measured."""


class Span(Struct, frozen=True):
    """From when to when something held, in seconds of the run. `kind` groups what `text` says in full."""

    kind: str
    text: str
    begin: float
    end: float


class Timeline:
    """Fed with snapshots in the order of time."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.attempts: list[float] = []
        """When an attempt to cut over began."""
        self.rested: dict[str, float] = {}
        """Seconds by kind of reason; exact, however coarse the spans are."""
        self._width = 0.0
        self._phases = Spans()
        self._rests = Spans()
        self._last = Progress()

    @property
    def phases(self) -> list[Span]:
        return self._phases.spans

    @property
    def rests(self) -> list[Span]:
        """Stretches in which the run rested, and why."""
        return self._rests.spans

    def add(self, progress: Progress) -> None:
        last, self._last = self._last, progress
        if not self.points:
            # The first snapshot is taken when there is something to see.
            last = replace(last, elapsed=progress.elapsed)
            if progress.elapsed > 0:
                self._phases.now(Phase.PREPARE.value, Phase.PREPARE.value, 0.0, progress.elapsed)
        self._phases.now(progress.phase.value, progress.phase.value, last.elapsed, progress.elapsed)
        reason = progress.throttle_reason
        if reason is None:
            self._rests.nothing()
        else:
            kind = kind_of(reason)
            self._rests.now(kind, reason, last.elapsed, progress.elapsed)
            self.rested[kind] = self.rested.get(kind, 0.0) + max(progress.elapsed - last.elapsed, 0.0)
        if progress.cut_over_attempts > last.cut_over_attempts:
            self.attempts.append(progress.elapsed)
        self._add(_point(progress))

    def _add(self, point: Point) -> None:
        before = self.points[-2].at if len(self.points) > 1 else 0.0
        if self.points and point.at - before < self._width:
            self.points[-1] = _merged(self.points[-1], point)
            return
        self.points.append(point)
        if len(self.points) > POINTS:
            self.points = [_merged(*pair) for pair in zip(self.points[::2], self.points[1::2], strict=False)]
            self._width = 2 * self.points[-1].at / POINTS


def paces(points: Sequence[Point]) -> list[float]:
    """Rows copied or compared a second, at each point, over the time before it: a second, in a long run a hundredth of it."""
    window = max(1.0, points[-1].at / 100) if points else 0.0
    found: list[float] = []
    first = 0
    for point in points:
        while point.at - points[first].at > window:
            first += 1
        since = points[max(first - 1, 0)]
        done = point.rows_copied + point.rows_verified - since.rows_copied - since.rows_verified
        found.append(done / (point.at - since.at) if point.at > since.at else 0.0)
    return found


class Spans:
    """Stretches of time, one after the other; where there are too many, gaps between equals are passed over."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._open = False
        self._gap = 0.1

    def now(self, kind: str, text: str, since: float, until: float) -> None:
        """`kind` holds at `until`; it began after `since`, unless it held already then."""
        if self._open and self.spans[-1].kind == kind:
            self.spans[-1] = replace(self.spans[-1], end=until)
            return
        self.spans.append(Span(kind, text, since, until))
        self._open = True
        while len(self.spans) > SPANS:
            self._gap *= 2
            self.spans = _joined(self.spans, self._gap)

    def nothing(self) -> None:
        """Nothing of the sort holds."""
        self._open = False


def _joined(spans: list[Span], gap: float) -> list[Span]:
    """Neighbours that lie less than `gap` apart become one, which bears the name of the longer."""
    found: list[Span] = []
    for span in spans:
        if found and span.begin - found[-1].end < gap and min(_length(span), _length(found[-1])) < gap:
            longer = max(found[-1], span, key=_length)
            found[-1] = replace(longer, begin=found[-1].begin, end=span.end)
        else:
            found.append(span)
    return found


def _length(span: Span) -> float:
    return span.end - span.begin


def _point(progress: Progress) -> Point:
    copying = progress.phase in (Phase.COPY, Phase.UPDATE) and progress.throttle_reason is None
    return Point(
        at=progress.elapsed,
        rows_copied=progress.rows_copied,
        rows_verified=progress.rows_verified,
        backlog=progress.backlog,
        stream_lag=progress.stream_lag,
        lag=progress.lag,
        chunk_seconds=progress.chunk_seconds if copying else 0.0,
        rest_share=round(1 - progress.work_share, 3),
        impact=round(progress.impact or 0.0, 4),
    )


def _merged(one: Point, other: Point) -> Point:
    def worst(value: Callable[[Point], float]) -> float:
        return max(value(one), value(other))

    return Point(
        at=other.at,
        rows_copied=other.rows_copied,
        rows_verified=other.rows_verified,
        backlog=max(one.backlog, other.backlog),
        stream_lag=worst(lambda point: point.stream_lag),
        lag=worst(lambda point: point.lag),
        chunk_seconds=worst(lambda point: point.chunk_seconds),
        rest_share=worst(lambda point: point.rest_share),
        impact=worst(lambda point: point.impact),
    )
