"""A place in the binlog."""

from __future__ import annotations

from msgspec import Struct

from ghostpy.dialects.mysql.domain_gtids import DomainGtids
from ghostpy.dialects.mysql.event_fields import file_number
from ghostpy.dialects.mysql.gtid import GtidSet
from ghostpy.model.change import Position


class BinlogPlace(Struct, frozen=True):
    """The end of a transaction, as file and offset and, where the server has GTIDs, as the set of what was executed, or by domains.

    The GTIDs may lag behind file and offset, never the other way round. Without a file it is a place by GTIDs alone. `settled`: see
    `followed.Followed`. `server`: whose file and offset they are (`facts.identity`), if that is known.
    """

    file: str
    offset: int
    gtids: GtidSet | None = None
    settled: tuple[str, int] = ("", 0)
    domains: DomainGtids | None = None
    server: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BinlogPlace) and self._compared == other._compared

    def __hash__(self) -> int:
        return hash(self._compared)

    @property
    def _compared(self) -> tuple[object, ...]:
        return self.file, self.offset, self.settled

    @property
    def order(self) -> tuple[int, int]:
        """What places of one server are compared by."""
        return (file_number(self.file), self.offset) if self.file else (-1, 0)

    def position(self) -> Position:
        """The place as the engine sees it."""
        if self.gtids:
            return Position(self, self.gtids.last_piece)
        return Position(
            self, f"{self.file}:{self.offset}" if self.file or self.domains is None else f"GTID {self.domains}"
        )
