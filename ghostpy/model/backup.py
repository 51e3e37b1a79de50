"""What is known of a backup."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct


class BackupFile(Struct, frozen=True):
    """A file that holds something, and when it was written last, in seconds since the epoch."""

    path: Path
    modified: float


def span(seconds: float) -> str:
    """An age as people say it, of two units at most: 45s, 12m, 2h5m, 3d4h."""
    left, parts = max(int(seconds), 0), []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2]) or "0s"
