"""The counters of a run, and the snapshots made from them."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ghostpy.engine.effort import Effort
from ghostpy.engine.passes import PassLog
from ghostpy.model.progress import CHUNK_BOUNDS, ChunkTimes, Phase, Progress
from ghostpy.model.standing import Standing
from ghostpy.protocols import Gate

_RATE_WINDOW = 5.0
_UNSEEN_HEARTBEATS = 10_000
_WORKING = (Phase.COPY, Phase.UPDATE)
"""The phases that rows are counted in, and time is estimated for."""


@dataclass
class Recorder:
    """Written by the parts of the engine as they go; read by `snapshot` only."""

    rows_estimate: int = 0
    rows_copied: int = 0
    rows_updated: int = 0
    rows_verified: int = 0
    copy_complete: bool = False
    keys_resynced: int = 0
    changes_seen: int = 0
    changes_applied: int = 0
    stream_position: str = ""
    chunk_rows: int = 0
    chunk_seconds: float = 0.0
    effort: Effort | None = None
    cut_over_attempts: int = 0
    lock_seconds: float = 0.0
    differences_repaired: int = 0
    passes: PassLog = field(default_factory=PassLog)
    backlog: int = 0
    backlog_limit: int = 0
    gate: Gate | None = None
    entered: Callable[[Progress], None] | None = None
    """Is told of each phase as it begins."""
    last_beat: int = 0
    in_place: bool = False
    """Whether rows are updated where they are: then no heartbeat comes back in a change stream."""
    copy_before: float = 0.0
    """Seconds that earlier runs have copied."""
    phase: Phase = Phase.PREPARE
    started: float = field(default_factory=time.monotonic)
    _chunk_counts: list[int] = field(default_factory=lambda: [0] * (len(CHUNK_BOUNDS) + 1))
    _chunk_seconds_total: float = 0.0
    _copy_started: float | None = None
    _copy_ended: float | None = None
    _beats: deque[tuple[int, float]] = field(default_factory=deque)
    _last_beat_seen: float | None = None
    _rates: deque[tuple[float, int]] = field(default_factory=deque)

    def enter(self, phase: Phase) -> None:
        """The run has come to `phase`."""
        now = time.monotonic()
        if phase in _WORKING:
            self._copy_started = now
        elif self.phase in _WORKING:
            self._copy_ended = now
            self.copy_complete = True
            self.rows_estimate = self.rows_copied
        self.phase = phase
        self._rates.clear()
        if self.entered is not None:
            # A phase may be over before the next snapshot is due.
            self.entered(self.snapshot())

    @property
    def copy_elapsed(self) -> float:
        if self._copy_started is None:
            return self.copy_before
        return self.copy_before + (self._copy_ended or time.monotonic()) - self._copy_started

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def chunk_copied(self, rows: int, seconds: float) -> None:
        """A chunk meant to have `rows` rows took `seconds`, failed attempts included."""
        self.chunk_rows, self.chunk_seconds = rows, seconds
        self._chunk_counts[bisect_left(CHUNK_BOUNDS, seconds)] += 1
        self._chunk_seconds_total += seconds

    def beat_sent(self, number: int) -> None:
        self.last_beat = number
        if self.in_place:
            return
        self._beats.append((number, time.monotonic()))
        if len(self._beats) > _UNSEEN_HEARTBEATS:
            self._beats.popleft()

    def beat_seen(self, number: int) -> None:
        """Heartbeat `number` came back in the stream."""
        while self._beats and self._beats[0][0] <= number:
            self._last_beat_seen = self._beats.popleft()[1]

    @property
    def stream_lag(self) -> float:
        """Age of the newest change that the stream is known to have reached, in seconds."""
        if not self._beats:
            return 0.0
        return time.monotonic() - (self._last_beat_seen or self.started)

    def snapshot(self) -> Progress:
        rate = self._rate()
        remaining = self.rows_estimate - self.rows_copied
        eta: float | None = None
        if self.copy_complete:
            eta = 0.0
        elif self.phase in _WORKING and remaining > 0 and self.rows_copied >= self.rows_estimate / 1000 and rate > 0:
            eta = remaining / rate
        price = self.effort.price if self.effort else None
        standing = self.gate.standing if self.gate else Standing()
        return Progress(
            phase=self.phase,
            in_place=self.in_place,
            elapsed=self.elapsed,
            copy_elapsed=self.copy_elapsed,
            rows_estimate=max(self.rows_estimate, self.rows_copied),
            rows_copied=self.rows_copied,
            rows_updated=self.rows_updated,
            rows_verified=self.rows_verified,
            copy_complete=self.copy_complete,
            changes_applied=self.changes_applied,
            backlog=self.backlog,
            backlog_limit=self.backlog_limit,
            rows_per_second=rate,
            eta=eta,
            stream_position=self.stream_position,
            stream_lag=self.stream_lag,
            lag=standing.lag or 0.0,
            throttle_reason=self.gate.reason if self.gate else None,
            throttle=standing,
            chunk_rows=self.chunk_rows,
            chunk_seconds=self.chunk_seconds,
            chunk_times=ChunkTimes(tuple(self._chunk_counts), self._chunk_seconds_total),
            workers=self.effort.workers if self.effort else 0,
            work_share=self.effort.share if self.effort else 1.0,
            commit_at_work=price.at_work if price else None,
            commit_at_rest=price.at_rest if price else None,
            impact=self.effort.impact if self.effort else None,
            cut_over_attempts=self.cut_over_attempts,
            differences_repaired=self.differences_repaired,
            passes=self.passes.seen(),
            lock_seconds=self.lock_seconds,
        )

    def _rate(self) -> float:
        now = time.monotonic()
        rows = self.rows_verified if self.phase is Phase.VERIFY else self.rows_copied
        self._rates.append((now, rows))
        while now - self._rates[0][0] > _RATE_WINDOW:
            self._rates.popleft()
        since, before = self._rates[0]
        return (rows - before) / (now - since) if now - since > 0.2 else 0.0
