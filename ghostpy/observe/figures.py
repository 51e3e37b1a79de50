"""Figures as people read them."""

from __future__ import annotations


def whole(number: int) -> str:
    """1,234,567"""
    return f"{number:,}"


def go_duration(seconds: float) -> str:
    """As Go prints a duration, without fractions: 0s, 32s, 2m37s, 1h0m0s."""
    total = max(int(seconds), 0)
    hours, rest = divmod(total, 3600)
    minutes, rest = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def duration(seconds: float) -> str:
    """Short ones with their fractions: 12 ms, 3.4 s, 2m37s."""
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else go_duration(seconds)


def size(octets: int) -> str:
    """3.4 MB; units of 1,000."""
    value = float(octets)
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError
