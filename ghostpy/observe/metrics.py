"""A run as metrics. Names follow Prometheus' conventions: the unit is the last word, counters end in _total.

All are made from the latest snapshot when somebody asks, so that endpoint, text file and StatsD tell the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

import ghostpy
from ghostpy.model.plan import Plan
from ghostpy.model.progress import CHUNK_BOUNDS, Phase, Progress, RunReport
from ghostpy.model.run_end import RunEnd
from ghostpy.observe.reasons import KINDS, kind_of


class RunLabels(Struct, frozen=True):
    """What tells one run's metrics from another's."""

    database: str
    table: str
    server: str

    @property
    def names(self) -> tuple[str, ...]:
        return ("database", "table", "server")

    @property
    def values(self) -> tuple[str, ...]:
        return (self.database, self.table, self.server)


_GAUGES: tuple[tuple[str, str, Callable[[Progress], float | None]], ...] = (
    ("rows_estimated", "Rows there are to copy, as far as known.", lambda p: p.rows_estimate),
    ("copy_progress_ratio", "Share of the copy that is done.", lambda p: p.fraction),
    ("copy_eta_seconds", "Until the copy is complete; missing while unknown.", lambda p: p.eta),
    ("copy_duration_seconds", "Spent copying so far.", lambda p: p.copy_elapsed),
    ("run_duration_seconds", "Since the start of the run.", lambda p: p.elapsed),
    ("backlog_keys", "Keys of changed rows that wait to be resynced.", lambda p: p.backlog),
    ("backlog_limit_keys", "From so many on the stream is not read further.", lambda p: p.backlog_limit),
    ("stream_lag_seconds", "Age of the last heartbeat seen in the change stream.", lambda p: p.stream_lag),
    ("replica_lag_seconds", "The lag that throttling goes by.", lambda p: p.lag),
    ("chunk_rows", "Rows that the last chunk was meant to have.", lambda p: p.chunk_rows),
    ("copy_workers", "Chunks that may be copied at the same time.", lambda p: p.workers),
    (
        "work_share_ratio",
        "Share of the time that is worked; the rest is left to the application.",
        lambda p: p.work_share,
    ),
    (
        "commit_at_work_seconds",
        "A commit during our work; missing while nobody is to be spared.",
        lambda p: p.commit_at_work,
    ),
    ("commit_at_rest_seconds", "A commit during our rests; missing likewise.", lambda p: p.commit_at_rest),
    ("impact_ratio", "By which part commits take longer because of the run, rests included.", lambda p: p.impact),
    (
        "verified_age_seconds",
        "Since the last comparison of all rows ended; missing before.",
        lambda p: p.passes.last_age,
    ),
    (
        "verified_last_repaired_rows",
        "Rows that differed in it and were resynced; missing before.",
        lambda p: None if p.passes.last_age is None else p.passes.last_repaired,
    ),
    (
        "writers_held_seconds",
        "The longest time that the exchange, or an attempt at it, held writers; 0 before it.",
        lambda p: p.lock_seconds,
    ),
)
_COUNTERS: tuple[tuple[str, str, Callable[[Progress], float]], ...] = (
    ("rows_copied", "Rows copied into the new table; in a backfill, looked at.", lambda p: p.rows_copied),
    ("rows_updated", "Rows changed by a backfill.", lambda p: p.rows_updated),
    ("rows_verified", "Rows compared.", lambda p: p.rows_verified),
    ("rows_repaired", "Rows that differed and were resynced.", lambda p: p.differences_repaired),
    (
        "verified_again",
        "Comparisons of all rows that ended while the cut-over was postponed.",
        lambda p: p.passes.again,
    ),
    ("changes_applied", "Row changes of the stream that are in the new table.", lambda p: p.changes_applied),
    ("cut_over_attempts", "Attempts to exchange the names.", lambda p: p.cut_over_attempts),
)


class RunMetrics(Collector):
    """An observer that is asked by `registry` in turn, from any thread."""

    def __init__(self, labels: RunLabels) -> None:
        self._labels = labels
        self._started = time.time()
        self._progress = Progress()
        self._heard: float | None = None
        """When the latest snapshot was taken, in seconds of the run."""
        self._throttled: dict[str, float] = {}
        self._end: RunEnd | None = None
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def planned(self, plan: Plan, definition: str) -> None:
        if plan.source.name.schema != self._labels.database:
            # Only the server knows in which schema it finds the table.
            self._labels = RunLabels(self._labels.database, str(plan.source.name), self._labels.server)

    def progressed(self, progress: Progress) -> None:
        reason, since = progress.throttle_reason, progress.elapsed - (self._heard or progress.elapsed)
        if reason is not None:
            kind = kind_of(reason)
            self._throttled[kind] = self._throttled.get(kind, 0.0) + max(since, 0.0)
        self._progress, self._heard = progress, progress.elapsed

    def happened(self, text: str, *, warning: bool = False) -> None:
        return

    def ended(self, report: RunReport) -> None:
        return

    def closed(self, end: RunEnd) -> None:
        """The run is over: from now on its exit code and time are told as well."""
        self._end = end

    def collect(self) -> Iterable[Metric]:
        progress = self._progress
        yield from self._gauges(progress)
        for name, text, value in _COUNTERS:
            counter = CounterMetricFamily(f"ghostpy_{name}", text, labels=self._labels.names)
            counter.add_metric(self._labels.values, value(progress))
            yield counter
        yield self._states("ghostpy_phase", "1 for the phase that the run is in.", "phase", _phases(progress))
        yield self._states("ghostpy_throttled", "1 for what the run rests for.", "reason", _throttled(progress))
        seconds = CounterMetricFamily(
            "ghostpy_throttled_seconds", "Time rested, by reason.", labels=(*self._labels.names, "reason")
        )
        for kind in KINDS:
            seconds.add_metric((*self._labels.values, kind), self._throttled.get(kind, 0.0))
        yield seconds
        yield self._chunks(progress)
        yield from self._about_the_run()

    def _gauges(self, progress: Progress) -> Iterator[Metric]:
        for name, text, value in _GAUGES:
            number = value(progress)
            if number is not None:
                yield self._gauge(name, text, number)

    def _gauge(self, name: str, text: str, value: float) -> Metric:
        gauge = GaugeMetricFamily(f"ghostpy_{name}", text, labels=self._labels.names)
        gauge.add_metric(self._labels.values, value)
        return gauge

    def _states(self, name: str, text: str, label: str, states: Iterable[tuple[str, bool]]) -> Metric:
        gauge = GaugeMetricFamily(name, text, labels=(*self._labels.names, label))
        for state, on in states:
            gauge.add_metric((*self._labels.values, state), float(on))
        return gauge

    def _chunks(self, progress: Progress) -> Metric:
        times, total, buckets = progress.chunk_times, 0, []
        for bound, count in zip((*map(str, CHUNK_BOUNDS), "+Inf"), times.counts, strict=True):
            total += count
            buckets.append((bound, total))
        histogram = HistogramMetricFamily(
            "ghostpy_chunk_duration_seconds", "How long copying a chunk took.", labels=self._labels.names
        )
        histogram.add_metric(self._labels.values, buckets, times.seconds)
        return histogram

    def _about_the_run(self) -> Iterator[Metric]:
        yield self._states("ghostpy_build_info", "The version at work.", "version", [(ghostpy.__version__, True)])
        yield self._gauge("start_time_seconds", "When the run began, in Unix time.", self._started)
        yield self._gauge("running", "1 until the run has ended.", float(self._end is None))
        if self._end is not None:
            yield self._gauge("finish_time_seconds", "When it ended, in Unix time.", self._end.finished.timestamp())
            yield self._gauge("exit_code", "The exit code that it ended with.", self._end.exit_code)


def _phases(progress: Progress) -> Iterable[tuple[str, bool]]:
    return [(phase.value, phase is progress.phase) for phase in Phase]


def _throttled(progress: Progress) -> Iterable[tuple[str, bool]]:
    now = kind_of(progress.throttle_reason) if progress.throttle_reason is not None else None
    return [(kind, kind == now) for kind in KINDS]
