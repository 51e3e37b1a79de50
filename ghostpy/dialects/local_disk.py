"""A disk of this machine: no SQL tells how full a server's disk is, but on its own machine one can look."""

from __future__ import annotations

import asyncio
import os

from ghostpy import errors
from ghostpy.model.disk import Disk

FIGURE = "disk_used_percent"
"""What load lists call it."""


async def disk_at(path: str) -> Disk | None:
    """The file system that `path` is on; None where there is no such path here."""
    try:
        found = await asyncio.to_thread(os.statvfs, path)
    except OSError:
        return None
    return Disk(free=found.f_bavail * found.f_frsize, total=found.f_blocks * found.f_frsize)


def used_percent(disk: Disk | None, address: str) -> float:
    """Raises UsageError where it cannot be seen."""
    if disk is None:
        raise errors.UsageError(f"is seen only by a run on the machine of {address}")
    return disk.used_percent
