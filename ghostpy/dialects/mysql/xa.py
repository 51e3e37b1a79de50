"""XA transactions of the change stream: they stand in it where they are prepared, and are visible once they are committed.

Source: "XA Transaction SQL Statements"; MariaDB tells by a flag of the GTID event what MySQL tells by an XA START.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from ghostpy.dialects.mysql.event_fields import file_number
from ghostpy.errors import StreamLost
from ghostpy.model.keys import Key, Mark
from ghostpy.model.names import TableName

_STATEMENT = re.compile(
    r"\s*XA\s+(START|BEGIN|END|PREPARE|COMMIT|ROLLBACK)\s+(.*?)\s*(ONE\s+PHASE)?\s*\Z",
    re.IGNORECASE | re.DOTALL,
)


class XaStatement(Struct, frozen=True):
    """`verb` is in upper case, `xid` as the statement spells it."""

    verb: str
    xid: str
    one_phase: bool

    @classmethod
    def parse(cls, text: str) -> XaStatement:
        """Raises StreamLost where `text` is none."""
        found = _STATEMENT.match(text)
        if found is None:
            raise StreamLost(f"the server sent an XA statement that is not understood: {text[:100]}")
        return cls(found[1].upper(), found[2], bool(found[3]))


class XaTransactions:
    """Keeps the keys of each until it ends. `source` is the table they are of; `settled`: file and offset up to which those that end without their beginning are known to be visible."""

    def __init__(self, source: TableName, settled: tuple[str, int]) -> None:
        self._source = source
        self.under_way: dict[Key, Mark] | None = None
        """What the transaction that is being read has changed, where it is one of these."""
        self._settled = settled
        self._prepared: dict[str, dict[Key, Mark]] = {}
        self._ended: set[str] = set()

    def begin(self) -> None:
        self.under_way = {}

    def break_off(self) -> None:
        """What was begun comes again, or was cut off by a crash of the server."""
        self.under_way = None

    def prepare(self, xid: str, *, one_phase: bool) -> Mapping[Key, Mark]:
        """What is visible now: a transaction in one phase is over, any other is to be committed yet."""
        pending, self.under_way = self.under_way or {}, None
        if one_phase:
            return pending
        self._prepared[xid] = pending
        return {}

    def commit(self, xid: str, *, one_phase: bool, file: str, position: int) -> Mapping[Key, Mark]:
        """What is visible now. Raises StreamLost where it was not read what the transaction had changed."""
        pending = self.under_way if one_phase and self.under_way is not None else self._prepared.pop(xid, None)
        self.under_way = None
        if pending is None:
            if not self._is_settled(file, position):
                raise StreamLost(
                    f"the XA transaction {xid} was committed at {file}:{position}, but prepared before the run began: it may have changed "
                    f"{self._source}"
                )
            return {}
        if pending and not one_phase:
            self._ended.add(xid)
        return pending

    def _is_settled(self, file: str, position: int) -> bool:
        settled, offset = self._settled
        return bool(settled) and (file_number(file), position) <= (file_number(settled), offset)

    def roll_back(self, xid: str) -> None:
        self._prepared.pop(xid, None)
        self.under_way = None

    @property
    def pending(self) -> Sequence[str]:
        """The prepared ones whose end has not come."""
        return tuple(self._prepared)

    def take_ended(self) -> set[str]:
        """Hand over the prepared ones that were committed since the last call, if they changed the source."""
        taken, self._ended = self._ended, set()
        return taken
