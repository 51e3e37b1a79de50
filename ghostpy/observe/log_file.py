"""A log file that may be renamed or removed under way, as logrotate does."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging.handlers import WatchedFileHandler
from pathlib import Path

from ghostpy.errors import UsageError


@contextmanager
def log_file(path: Path) -> Iterator[Callable[[str], None]]:
    """What appends a line to `path`, for the length of a block; a file that is gone is made anew.

    Raises UsageError where it cannot be opened at the start.
    """
    try:
        handler = _Raising(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(f"--log-file: {path} cannot be opened: {error.strerror}.") from error
    try:
        yield lambda line: handler.emit(logging.makeLogRecord({"msg": line}))
    finally:
        with contextlib.suppress(OSError):  # which a line has met with before
            handler.close()


class _Raising(WatchedFileHandler):
    """Errors go to the caller, who leaves the log out and says so, instead of a trace on stderr for each line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        raise
