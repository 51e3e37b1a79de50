"""gh-ost's status line, its block of hints, and when they are due: pure functions of a snapshot.

Fields, their order and the schedule are an interface that people's scripts read.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from ghostpy.model.names import TableName
from ghostpy.model.progress import Phase, Progress
from ghostpy.model.standing import Standing
from ghostpy.observe.figures import go_duration
from ghostpy.observe.passes_text import passes_text

UNKNOWN = -1
"""An ETA that is not known, in whole seconds."""
_LEAST_FRACTION = 0.001
_HINT_EVERY = 600
_INTEREST_LASTS = 60


class RunFacts(Struct, frozen=True):
    """What stays the same during a run, for the hints."""

    source: TableName
    shadow: TableName
    address: str
    executing_host: str
    started: datetime
    keys_per_resync: int
    nice_ratio: float
    postpone_flag_file: str = ""
    held: bool = False
    """Whether the cut-over waits until somebody lets it come."""
    in_place: bool = False
    """Whether it is a backfill."""


def status_line(progress: Progress) -> str:
    """`Copy: …; Applied: …; Backlog: …; Time: …; streamer: …; Lag: …; ETA: …`; in a backfill without what there is not."""
    estimate = progress.rows_copied if progress.copy_complete else progress.rows_estimate
    if progress.in_place:
        return (
            f"Rows: {progress.rows_copied}/{estimate} {_percentage(progress):.1f}%; "
            f"Updated: {progress.rows_updated}; "
            f"Time: {go_duration(progress.elapsed)}(total), {go_duration(progress.copy_elapsed)}(update); "
            f"Lag: {progress.lag:.2f}s, State: {state(progress)}; "
            f"ETA: {eta_text(progress)}"
        )
    return (
        f"Copy: {progress.rows_copied}/{estimate} {_percentage(progress):.1f}%; "
        f"Applied: {progress.changes_applied}; "
        f"Backlog: {progress.backlog}/{progress.backlog_limit}; "
        f"Time: {go_duration(progress.elapsed)}(total), {go_duration(progress.copy_elapsed)}(copy); "
        f"streamer: {progress.stream_position}; "
        f"Lag: {progress.lag:.2f}s, HeartbeatLag: {progress.stream_lag:.2f}s, State: {state(progress)}; "
        f"ETA: {eta_text(progress)}"
    )


def state(progress: Progress) -> str:
    if progress.phase is Phase.POSTPONED:
        return "postponing cut-over"
    return (
        f"throttled, {progress.throttle_reason}"
        if progress.throttle_reason
        else "updating"
        if progress.in_place
        else "migrating"
    )


def eta_seconds(progress: Progress) -> int:
    """Whole seconds; 0 when due, UNKNOWN below a thousandth of the copy."""
    if progress.phase is Phase.POSTPONED or _percentage(progress) >= 100:
        return 0
    if progress.eta is None or progress.fraction < _LEAST_FRACTION:
        return UNKNOWN
    return int(progress.eta)


def eta_text(progress: Progress) -> str:
    seconds = eta_seconds(progress)
    if seconds == UNKNOWN:
        return "N/A"
    return go_duration(seconds) if seconds else "due"


def _percentage(progress: Progress) -> float:
    # There is nothing to copy in an empty table, so all of it is copied.
    return 100.0 if not progress.rows_estimate else progress.fraction * 100


def hint_lines(progress: Progress, facts: RunFacts, *, postpone_file_exists: bool) -> tuple[str, ...]:
    """The block above a status line that says what runs and with which settings."""
    batch = "" if facts.in_place else f"dml-batch-size: {facts.keys_per_resync}; "
    lines = [
        *_what_runs(facts),
        f"# chunk-size: {progress.chunk_rows}; max-lag-millis: {progress.throttle.max_lag_millis}ms; "
        f"{batch}max-load: {progress.throttle.max_load}; "
        f"critical-load: {progress.throttle.critical_load}; nice-ratio: {facts.nice_ratio:f}",
        *_throttle_lines(progress.throttle),
    ]
    if facts.postpone_flag_file:
        lines.append(_flag_file("postpone-cut-over-flag-file", facts.postpone_flag_file, there=postpone_file_exists))
    if facts.held:
        lines.append("# postpone-cut-over: until somebody says `unpostpone`")
    if progress.phase is Phase.POSTPONED:
        lines += [f"# {text}" for text in [passes_text(progress.passes)] if text]
    if progress.throttle.panic_flag_file:
        lines.append(f"# panic-flag-file: {progress.throttle.panic_flag_file}")
    return tuple(lines)


def _what_runs(facts: RunFacts) -> list[str]:
    started = f"{facts.started:%a %b %d %H:%M:%S %z %Y}"
    if facts.in_place:
        return [
            f"# Updating {_quoted(facts.source)} on {facts.address}; executing on {facts.executing_host}",
            f"# Backfill started at {started}",
        ]
    return [
        f"# Migrating {_quoted(facts.source)}; Ghost table is {_quoted(facts.shadow)}",
        f"# Migrating {facts.address}; inspecting {facts.address}; executing on {facts.executing_host}",
        f"# Migration started at {started}",
    ]


def _throttle_lines(standing: Standing) -> list[str]:
    lines = []
    if standing.flag_file:
        lines.append(_flag_file("throttle-flag-file", standing.flag_file, there=standing.flag_file_there))
    if standing.additional_flag_file:
        there = standing.additional_flag_file_there
        lines.append(_flag_file("throttle-additional-flag-file", standing.additional_flag_file, there=there))
    if standing.query:
        lines.append(f"# throttle-query: {standing.query}")
    if standing.control_replicas:
        lines.append(f"# throttle-control-replicas count: {standing.control_replicas.count(',') + 1}")
    # These are not gh-ost's.
    if standing.window:
        lines.append(f"# window: {standing.window}")
    if standing.deadline:
        lines.append(f"# deadline: {standing.deadline}")
    return lines


def _flag_file(name: str, path: str, *, there: bool) -> str:
    return f"# {name}: {path} {'[set]' if there else ''}"


def _quoted(name: TableName) -> str:
    return f"`{name.schema}`.`{name.table}`"


def status_due(elapsed: int, eta: int, since_interest: float | None) -> bool:
    """Whether a status line is printed in the whole second `elapsed` of a run.

    `since_interest`: seconds since something noteworthy happened, None where nothing did.
    """
    if elapsed <= 60 or eta <= 60:  # An unknown ETA is negative.
        return True
    often = elapsed <= 180 or eta <= 180 or (since_interest is not None and since_interest <= _INTEREST_LASTS)
    return elapsed % (5 if often else 30) == 0


def hint_due(elapsed: int) -> bool:
    return elapsed % _HINT_EVERY == 0
