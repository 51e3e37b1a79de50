"""The parts of a run that an operator may touch."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from ghostpy.engine.again import Again
from ghostpy.engine.chunker import Chunker
from ghostpy.engine.ending import Ending
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.postponement import Postponement
from ghostpy.engine.window import Window
from ghostpy.model.progress import Progress
from ghostpy.throttle.throttler import Throttler


class Steering(Struct, frozen=True):
    """Each part takes effect with the run's next piece of work."""

    knobs: Knobs
    chunker: Chunker
    throttler: Throttler
    postponement: Postponement
    ending: Ending
    progress: Callable[[], Progress]
    window: Window | None = None
    """Where the run keeps an old table in step."""
    again: Again | None = None
    """Where the run compares rows."""
