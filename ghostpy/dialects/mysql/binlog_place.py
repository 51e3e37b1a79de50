"""A place in the binlog."""

from __future__ import annotations

from ghostpy.dialects.mysql.domain_gtids import DomainGtids
from ghostpy.dialects.mysql.event_fields import file_number
from ghostpy.dialects.mysql.gtid import GtidSet
from ghostpy.model.change import Position
from ghostpy.model.compared import ComparedInPart


class BinlogPlace(ComparedInPart, frozen=True):
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

    @property
    def compared(self) -> tuple[object, ...]:
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
