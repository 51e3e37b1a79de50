"""What the dialects say by way of `logging` reaches the observers of the run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from ghostpy.protocols import Observer

_OURS = "ghostpy"


@contextmanager
def told_to(observer: Observer) -> Iterator[None]:
    """For the length of a block, tell `observer` what our loggers are given."""
    logger, handler = logging.getLogger(_OURS), _Telling(observer)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)


class _Telling(logging.Handler):
    def __init__(self, observer: Observer) -> None:
        super().__init__(logging.INFO)
        self._observer = observer

    def emit(self, record: logging.LogRecord) -> None:
        self._observer.happened(record.getMessage(), warning=record.levelno >= logging.WARNING)
