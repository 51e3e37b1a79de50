"""What the thread that follows the slot has found and nobody has read yet; and the stream's places."""

from __future__ import annotations

from msgspec import Struct, field

from ghostpy.dialects.postgres.wal.lsn import spelled
from ghostpy.model.change import Position
from ghostpy.model.keys import Key, Mark


class Place(Struct, frozen=True):
    """A place in the stream: everything that commits before `lsn`, and before the end mark of number `end`."""

    lsn: int
    end: int = 0

    def position(self) -> Position:
        return Position(self, spelled(self.lsn))


class News(Struct):
    """See `handover.Mergeable`. `lsn`: all that commits before it was found; `end`: the last end mark's number."""

    keys: dict[Key, Mark] = field(default_factory=dict)
    events: int = 0
    lsn: int = 0
    heartbeat: int | None = None
    end: int = 0

    def add(self, later: News) -> None:
        """See `Mergeable.add`."""
        if self.keys:
            self.keys.update(later.keys)
        else:
            self.keys = later.keys
        self.events += later.events
        self.lsn = later.lsn
        self.heartbeat = later.heartbeat
        self.end = later.end

    def rest(self) -> News:
        """See `Mergeable.rest`."""
        return News(lsn=self.lsn, heartbeat=self.heartbeat, end=self.end)
