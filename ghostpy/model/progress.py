"""One immutable snapshot of a run: status line, display, log and report all read this and nothing else."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct, field

from ghostpy.model.passes import Passes
from ghostpy.model.standing import Standing


class Phase(Enum):
    PREPARE = "preparing"
    COPY = "copying"
    UPDATE = "updating"
    INDEXES = "building indexes"
    VERIFY = "verifying"
    IN_STEP = "keeping the old table in step"
    POSTPONED = "postponing cut-over"
    CUT_OVER = "cutting over"
    CLEAN_UP = "cleaning up"
    DONE = "done"


CHUNK_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds, in seconds, of the classes that chunks are counted in; above the last there is one more class."""


class ChunkTimes(Struct, frozen=True):
    """How long the chunks of a run took: their number in each class of CHUNK_BOUNDS, and the sum of their seconds."""

    counts: tuple[int, ...] = (0,) * (len(CHUNK_BOUNDS) + 1)
    seconds: float = 0.0


class Progress(Struct, frozen=True):
    """Where the run is. Times in seconds, sizes in rows or keys."""

    phase: Phase = Phase.PREPARE
    in_place: bool = False
    """Whether rows are updated where they are: in a backfill."""
    elapsed: float = 0.0
    """Since the start of the run."""
    copy_elapsed: float = 0.0
    """Spent copying so far (stands still after the copy)."""
    rows_estimate: int = 0
    rows_copied: int = 0
    """In a backfill: looked at."""
    rows_updated: int = 0
    """By a backfill."""
    rows_verified: int = 0
    copy_complete: bool = False
    changes_applied: int = 0
    """Row changes of the stream that are in the shadow by now."""
    backlog: int = 0
    backlog_limit: int = 0
    rows_per_second: float = 0.0
    """Of the current phase (copy or verify), over the last seconds."""
    eta: float | None = None
    """Seconds until the copy is complete; 0 when due, None when unknown."""
    stream_position: str = ""
    stream_lag: float = 0.0
    """Age of the last heartbeat seen in the stream (gh-ost: HeartbeatLag)."""
    lag: float = 0.0
    """Replication lag that throttling goes by (gh-ost: Lag)."""
    throttle_reason: str | None = None
    throttle: Standing = field(default_factory=Standing)
    chunk_rows: int = 0
    chunk_seconds: float = 0.0
    """Duration of the last chunk."""
    chunk_times: ChunkTimes = ChunkTimes()
    workers: int = 0
    work_share: float = 1.0
    """Of the time that is worked, the rest being left to the application; 1 where nobody is to be spared."""
    commit_at_work: float | None = None
    """How long a commit takes while the run works; None where that is not measured, or nobody else writes."""
    commit_at_rest: float | None = None
    """The same while it rests."""
    impact: float | None = None
    """By which part commits take longer because of the run, its rests included."""
    cut_over_attempts: int = 0
    differences_repaired: int = 0
    passes: Passes = field(default_factory=Passes)
    """The comparisons of all rows."""
    lock_seconds: float = 0.0
    """How long writers were held by the exchange; 0 before it."""

    @property
    def pause_limit(self) -> float | None:
        """Seconds that a run which ends now may wait before it is begun again; None where that is not known or has no limit."""
        return self.throttle.pause_limit

    @property
    def fraction(self) -> float:
        """Share of the copy that is done, 0 … 1."""
        if self.copy_complete:
            return 1.0
        if self.rows_estimate <= 0:
            return 0.0
        return min(self.rows_copied / self.rows_estimate, 1.0)


class RunReport(Struct, frozen=True):
    """How a run ended well: the figures for the closing report."""

    source: str
    strategy: str
    old_table: str | None
    """Name of the table that holds the old rows, or None where it was dropped."""
    elapsed: float
    copy_elapsed: float
    rows_copied: int
    rows_verified: int
    changes_seen: int
    keys_resynced: int
    differences_repaired: int
    verified: bool
    cut_over_attempts: int
    lock_seconds: float
    """How long writers were held by the exchange that succeeded."""
    tried_in: str | None = None
    """After a trial: the table with the new schema, beside the source."""
    drop_old: str = ""
    """The statement that removes the old rows, where they are kept."""
    definition: str = ""
    """The table as SQL text after the change, where it could be asked for."""
    compared_again: int = 0
    """How often all rows were, while the cut-over was postponed."""
    last_compared: str = ""
    """When the last comparison of all rows ended, as ISO 8601 in UTC; empty where none did in this run."""
    revertible: bool = False
    """Whether `ghostpy revert` can take it back."""
    rows_updated: int = 0
    """By a backfill."""
