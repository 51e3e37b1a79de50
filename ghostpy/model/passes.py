"""The comparisons of all rows that a run makes, as those who watch it are told."""

from __future__ import annotations

from msgspec import Struct


class Passes(Struct, frozen=True):
    """Times in seconds. The last one is the last that came to its end in this run, the first one before the cut-over included."""

    every: float = 0.0
    """Between the end of one and the beginning of the next, while the cut-over is postponed; 0: they are not repeated."""
    again: int = 0
    """How many came to their end while it was postponed."""
    under_way: bool = False
    rows: int = 0
    """That the one under way has looked at."""
    last_ended: str = ""
    """When, as ISO 8601 in UTC; empty where none has in this run."""
    last_age: float | None = None
    """Since then."""
    last_rows: int = 0
    last_seconds: float = 0.0
    """How long it took."""
    last_repaired: int = 0
    """Rows that differed in it for no known reason, and were resynced."""
