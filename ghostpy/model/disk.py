"""The file system that a server keeps its tables on."""

from __future__ import annotations

from msgspec import Struct


class Disk(Struct, frozen=True):
    """In bytes. `free`: what the server can still take."""

    free: int
    total: int

    @property
    def used_percent(self) -> float:
        return 100.0 * (1 - self.free / self.total) if self.total else 0.0
