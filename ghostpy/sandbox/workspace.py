"""The temporary folder of one server, and how none is ever left behind.

A folder in use is locked by its owner and by the guard of its server. A folder that is not locked was left
by a machine that went down, or by processes that were killed all at once: the next sandbox to start removes
it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

from ghostpy.sandbox import account

FOLDER = "GHOSTPY_SANDBOX_FOLDER"
"""The variable that names where servers keep their data, if not among other temporary files."""
_PREFIX = "ghostpy-"
_LOCK = "lock"
_NEW = 60.0  # seconds in which a folder without a lock may still be on its way to one
_LONGEST_BASE = 60  # the path of a unix socket must stay below 108 bytes


class Workspace:
    """A locked temporary folder that belongs to the server's account."""

    def __init__(self, kind: str) -> None:
        base = _base()
        _sweep(base)
        account.require_access(base)
        self.path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{kind}-", dir=base))
        self.lock = os.open(self.path / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        account.give(self.path)

    def remove(self) -> None:
        """Remove the folder; once is enough, twice does no harm."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self.lock >= 0:
            os.close(self.lock)
            self.lock = -1


def _base() -> Path:
    base = Path(os.environ.get(FOLDER) or tempfile.gettempdir())
    fits = len(str(base)) <= _LONGEST_BASE and not account.closed_folder(base)
    return base if fits else Path("/tmp")


def _sweep(base: Path) -> None:
    for path in base.glob(f"{_PREFIX}*"):
        try:
            found = path.stat()
            if found.st_mtime < time.time() - _NEW and not _in_use(path):
                shutil.rmtree(path, ignore_errors=True)
        except OSError:  # someone else's, or gone meanwhile
            continue


def _in_use(path: Path) -> bool:
    lock = os.open(path / _LOCK, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
