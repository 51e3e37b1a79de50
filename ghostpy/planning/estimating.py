"""From a sample to the whole table."""

from __future__ import annotations

from ghostpy.model.estimate import Estimate

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
        return Estimate(_FIXED, {"the rest": _FIXED}, table_bytes, 0, 0, copying)
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
