"""A place in the binlog."""

from __future__ import annotations

from dataclasses import dataclass, field

from ghostpy.dialects.mysql.event_fields import file_number
from ghostpy.dialects.mysql.gtid import GtidSet
from ghostpy.model.change import Position


@dataclass(frozen=True, slots=True)
class BinlogPlace:
    """The end of a transaction, as file and offset and, where the server has GTIDs, as the set of what was executed.

    The set may lag behind file and offset, never the other way round. `settled`: see `events.Followed`.
    """

    file: str
    offset: int
    gtids: GtidSet | None = field(default=None, compare=False)
    settled: tuple[str, int] = ("", 0)

    @property
    def order(self) -> tuple[int, int]:
        """What places of one server are compared by."""
        return (file_number(self.file), self.offset) if self.file else (-1, 0)

    def position(self) -> Position:
        """The place as the engine sees it."""
        return Position(self, self.gtids.last_piece if self.gtids else f"{self.file}:{self.offset}")
