"""What may be changed while a run is under way; each part reads it anew for every piece of work."""

from __future__ import annotations

from msgspec import Struct

from ghostpy.settings import CopySettings


class Knobs(Struct):
    """How the run works. Times in seconds; meanings as in CopySettings."""

    workers: int
    slice_seconds: float
    nice_ratio: float
    max_impact: float
    resync_keys: int
    retries: int

    @classmethod
    def of(cls, settings: CopySettings) -> Knobs:
        return cls(
            workers=settings.workers,
            slice_seconds=settings.slice_seconds,
            nice_ratio=settings.nice_ratio,
            max_impact=settings.max_impact,
            resync_keys=settings.resync_keys,
            retries=settings.retries,
        )
