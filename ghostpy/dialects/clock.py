"""What two times by one server's clock tell."""

from __future__ import annotations

from ghostpy.errors import ServerError

_SAME = 1.0
"""Seconds: some lie between asking for the one and asking for the other, and clocks are put right by small steps."""


def age(seconds: float) -> float:
    """How old something is by the server's clock. Raises ServerError where it is dated ahead: the clock was set back, and nothing is known."""
    if seconds < -_SAME:
        raise ServerError(f"has a newest change dated {-seconds:.0f} s ahead of the server's clock, which was set back")
    return max(0.0, seconds)
