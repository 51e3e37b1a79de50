"""What the thread that follows the binlog has found and nobody has read yet."""

from __future__ import annotations

from msgspec import Struct, field

from ghostpy.dialects.mysql.binlog_place import BinlogPlace
from ghostpy.dialects.mysql.gtid import GtidSet
from ghostpy.model.keys import Key, Mark


class News(Struct):
    """See `handover.Mergeable`. `gtids`: the transactions that the keys are of."""

    keys: dict[Key, Mark] = field(default_factory=dict)
    events: int = 0
    gtids: GtidSet = field(default_factory=GtidSet)
    place: BinlogPlace | None = None
    heartbeat: int | None = None
    xa_ended: set[str] = field(default_factory=set)
    """Prepared XA transactions, of which some keys are, that were committed."""

    def add(self, later: News) -> None:
        """See `Mergeable.add`."""
        if self.keys:
            self.keys.update(later.keys)
        else:
            self.keys = later.keys
        self.events += later.events
        self.gtids.update(later.gtids)
        self.place = later.place
        self.heartbeat = later.heartbeat
        self.xa_ended |= later.xa_ended

    def rest(self) -> News:
        """See `Mergeable.rest`."""
        return News(place=self.place, heartbeat=self.heartbeat)
