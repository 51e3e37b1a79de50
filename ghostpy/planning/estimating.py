"""From a sample to the whole table."""

from __future__ import annotations

from math import log2

from ghostpy.model.estimate import Estimate
from ghostpy.model.trial import Trial, TrialStep

_FIXED = 0.8
"""Seconds of a run that do not depend on the table: sessions, the stream, the exchange."""
_GAIN = 0.6
"""How much a further worker adds, of what the first one does: they wait for the same disk."""
_OWN = 1.15
"""The run's own heartbeat and checkpoints, and rows that changes copy once more, beside the log of the copy."""


def scaled(
    *,
    rows: int,
    sample_rows: int,
    whole: bool,
    copying: float,
    indexing: float,
    comparing: float,
    workers: int,
    table_bytes: int,
    sample_bytes: int | None,
    log_bytes: int | None,
) -> Estimate:
    """`rows`: of the table; times in seconds and sizes in bytes, of the sample."""
    if not sample_rows:
        return Estimate(_FIXED, {"the rest": _FIXED}, table_bytes, 0, sample_seconds=copying)
    note = ""
    if not whole and rows <= sample_rows:
        note = "the server does not know how many rows there are; ANALYZE the table for a better estimate"
        rows = round(sample_rows * table_bytes / sample_bytes) if sample_bytes else sample_rows
    times = 1.0 if whole else max(rows / sample_rows, 1.0)
    at_once = 1 + _GAIN * (workers - 1)
    parts = {
        "copy": copying * times / at_once,
        "indexes": indexing * times,
        "comparison": comparing * times / at_once,
        "the rest": _FIXED,
    }
    parts = {name: round(seconds, 3) for name, seconds in parts.items() if seconds}
    return Estimate(
        seconds=round(sum(parts.values()), 3),
        parts=parts,
        disk_bytes=table_bytes if sample_bytes is None else round(sample_bytes * times),
        log_bytes=None if log_bytes is None else round(log_bytes * times * _OWN),
        sample_rows=sample_rows,
        sample_seconds=round(copying, 3),
        reason=note,
    )


_FIXED_IN_PLACE = 0.1
"""Seconds of a run that makes no shadow."""
_SORTING = 0.04
"""How much longer a sort takes for each doubling of the rows, beside twice as long: more to compare, and more to merge."""


def natively(trial: Trial, *, ours: bool) -> Estimate:
    """What the server takes for what it does itself, one step after the other. `ours`: it is a run that has it done."""
    parts: dict[str, float] = {}
    for step in trial.steps:
        parts[step.does] = round(parts.get(step.does, 0.0) + _seconds(step), 3)
    if ours and parts:
        parts["the rest"] = _FIXED_IN_PLACE
    sizes = [None if step.bytes is None else round(step.bytes * step.times) for step in trial.steps]
    logs = [_log(step) for step in trial.steps]
    # Each step's files are gone before the next one begins.
    temporary = max((round(step.sorted_bytes * step.times) for step in trial.steps if step.sorts), default=0)
    disk = None if None in sizes else sum(size or 0 for size in sizes)
    return Estimate(
        seconds=round(sum(parts.values()), 3),
        parts=parts,
        disk_bytes=None if disk is None else disk + temporary,
        log_bytes=None if None in logs else sum(size or 0 for size in logs),
        temporary_bytes=temporary,
        sample_rows=trial.rows,
        sample_seconds=round(trial.seconds, 3),
        reason=trial.note,
    )


def _seconds(step: TrialStep) -> float:
    growing = max(step.seconds - step.fixed, 0.0) * step.times
    if step.sorts and step.times > 1:
        growing *= 1 + _SORTING * log2(step.times)
    return step.fixed + growing


def _log(step: TrialStep) -> int | None:
    if step.log_bytes is None:
        return None
    return round(step.log_bytes * step.times) if step.log_grows else step.log_bytes
