"""A change made for trial by the server itself, on a table of our own with a sample of the rows."""

from __future__ import annotations

from msgspec import Struct


class TrialStep(Struct, frozen=True):
    """What one statement took. Times in seconds, sizes in bytes."""

    does: str
    """In a few words."""
    seconds: float
    fixed: float = 0.0
    """Of `seconds`: what an empty table takes too."""
    times: float = 1.0
    """How much more the whole table has to be worked on."""
    sorts: bool = False
    """It sorts rows, which takes room beside the table where they do not fit into memory."""
    bytes: int | None = 0
    """What it leaves on the disk, or writes there beside what it replaces; None where that is not known."""
    sorted_bytes: int = 0
    """Of `bytes`: what is sorted before."""
    log_bytes: int | None = 0
    log_grows: bool = True
    """With the table; else the log holds a statement alone."""


class Trial(Struct, frozen=True):
    rows: int
    seconds: float
    """That taking the sample took."""
    steps: tuple[TrialStep, ...]
    note: str = ""
    """What makes it a worse guide than usual."""
