"""What a change is expected to take, by a sample that was measured on this server."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field


class Estimate(Struct, frozen=True):
    """Times in seconds, sizes in bytes. None where it is not known; then `reason` says why."""

    seconds: float | None = None
    parts: Mapping[str, float] = field(default_factory=dict)
    """Of `seconds`, by what is done."""
    disk_bytes: int | None = None
    """Needed until the end, beside the table as it is and without the log; `temporary_bytes` included."""
    log_bytes: int | None = None
    """Of binary log or WAL, by the change alone."""
    sample_rows: int = 0
    sample_seconds: float = 0.0
    reason: str = ""
    temporary_bytes: int = 0
    """Of `disk_bytes`, for files to sort in, which are gone at the end. Only of what the server does itself."""

    @property
    def at_once(self) -> bool:
        return self.seconds == 0.0


AT_ONCE = Estimate(seconds=0.0, disk_bytes=0, reason="only the definition changes")
ASSUMES = "nobody else works on the server, and nothing slows the run down (default pace)"
