"""Why a run is slow, or waits, in one sentence: pure."""

from __future__ import annotations

from ghostpy.engine.knobs import Knobs
from ghostpy.engine.postponement import Postponement
from ghostpy.model.progress import Phase, Progress
from ghostpy.observe.passes_text import passes_text

_FULL = 0.9
_LAG = 5.0


def explained(progress: Progress, knobs: Knobs, postponement: Postponement) -> str:
    """The first reason that there is, the strongest first."""
    if progress.phase is Phase.POSTPONED or postponement.active:
        file = "" if postponement.held else f"{postponement.flag_file} is removed, or "
        passes = passes_text(progress.passes)
        return f"The cut-over waits until {file}somebody says `unpostpone`; changes are followed meanwhile.{' ' if passes else ''}{passes}"
    if progress.throttle_reason:
        limit = progress.pause_limit
        least = "" if limit is None else f" A run that ends now can be gone on with for about {limit / 3600:.1f} hours."
        return f"It rests: {progress.throttle_reason}.{least}"
    return _working(progress, knobs)


def _working(progress: Progress, knobs: Knobs) -> str:
    doing = progress.phase.value
    if progress.backlog_limit and progress.backlog >= progress.backlog_limit * _FULL:
        return (
            f"It is {doing}, and {progress.backlog} keys are dirty, as many as it holds: the application changes rows faster than they are "
            "resynced, and the stream is read on as they become fewer; more workers may help."
        )
    if progress.stream_lag > _LAG:
        return f"It is {doing}, and the change stream is {progress.stream_lag:.0f} s behind."
    if progress.phase is Phase.CUT_OVER and progress.cut_over_attempts > 1:
        return f"It is {doing}, in attempt {progress.cut_over_attempts}: the lock could not be had, or the drain did not end in time; the log says which."
    if knobs.nice_ratio:
        return f"It is {doing}, and rests {knobs.nice_ratio:g} times as long as it works (nice-ratio)."
    if progress.commit_at_work is not None and progress.commit_at_rest is not None and progress.work_share < 1:
        return (
            f"It is {doing}, {progress.rows_per_second:.0f} rows a second, in {progress.work_share:.0%} of the time, by {progress.workers} "
            f"{'worker' if progress.workers == 1 else 'workers'}, to spare the application: a commit takes {progress.commit_at_work * 1000:.1f} ms while "
            f"it works, {progress.commit_at_rest * 1000:.1f} ms while it rests (max-impact={knobs.max_impact * 100:g})."
        )
    if progress.phase is Phase.UPDATE:
        return f"It is {doing}, {progress.rows_per_second:.0f} rows a second, a chunk after the other; nothing holds it up."
    if progress.phase in (Phase.COPY, Phase.VERIFY):
        return f"It is {doing}, {progress.rows_per_second:.0f} rows a second, by {knobs.workers} workers; nothing holds it up."
    return f"It is {doing}; nothing holds it up."
