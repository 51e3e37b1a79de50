"""A folder of unpacked servers and initialised data that outlives the servers made from it."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ghostpy.sandbox import account

_log = logging.getLogger(__name__)


def folder() -> Path:
    """Return the cache folder, made if need be.

    `$GHOSTPY_CACHE`, else `$XDG_CACHE_HOME/ghostpy`, else `~/.cache/ghostpy`; but root's home is closed to
    the unprivileged user that root's servers run as, so root's cache is the system's where the environment
    names none.
    """
    path = _chosen()
    path.mkdir(parents=True, exist_ok=True)
    account.require_access(path)
    return path


def kept(name: str, build: Callable[[Path], None]) -> Path:
    """Return the folder `name` of the cache, and have `build` fill it if it is not there yet.

    Only one process builds, the others wait for it. A folder that is there is complete: its name is its
    last step.
    """
    home = folder()
    path = home / name
    if path.exists():
        return path
    with _locked(home / f"{name}.lock"):
        if not path.exists():
            _build(path, build)
    return path


def _chosen() -> Path:
    if own := os.environ.get("GHOSTPY_CACHE"):
        return Path(own).absolute()
    if general := os.environ.get("XDG_CACHE_HOME"):
        return Path(general).absolute() / "ghostpy"
    if os.geteuid() == 0:
        return Path("/var/cache/ghostpy")
    return Path.home() / ".cache" / "ghostpy"


def _build(path: Path, build: Callable[[Path], None]) -> None:
    for left in path.parent.glob(f"{path.name}.part-*"):  # of a builder that was killed: we hold the lock
        shutil.rmtree(left, ignore_errors=True)
    _log.info("getting %s, this once", path.name)
    part = Path(tempfile.mkdtemp(prefix=f"{path.name}.part-", dir=path.parent))
    try:
        part.chmod(0o755)
        build(part)
        part.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
