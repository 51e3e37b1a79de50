"""What is noted down in an exchange of names, so that it can be taken back."""

from __future__ import annotations

from msgspec import Struct

from ghostpy.model.names import TableName

Named = tuple[tuple[str, str], ...]


class Revertible(Struct, frozen=True):
    """One exchange, seen from behind it: `source` has the new rows, `old` those from before.

    `pairs`: columns of the source and those of the old table that hold the same. `fills`: SQL for what else the old table has, in rows
    that the source got since; `next_fills`: the same for a revert of the revert. `position`: a place in the change stream (by
    `ChangeStream.noted`) with no change of the source between it and the exchange; `exchange`: by which text the stream tells of that.
    """

    turn: int
    """1 for a change, 2 for its revert, 3 for the revert of that, …"""
    source: TableName
    old: TableName
    aside: TableName
    """What the source is called once this exchange is taken back."""
    pairs: Named
    fills: Named
    next_fills: Named
    exchange: str
    position: str = ""
    server: str = ""
    """See `Housekeeping.identity`."""
    number: int = 0
    """As high as any heartbeat so far."""
    more: str = ""
    """What else the dialect needs, in its own words."""
    settled: bool = True
    """Whether the run that made the exchange has come to its own end; known where it is read."""

    def leads_to(self, name: str) -> bool:
        """Whether somebody who says `name` means the old table: by what tells it from the source, or by its whole name."""
        return self._is(self.old, name)

    def comes_from(self, name: str) -> bool:
        """Whether `name` is what the table was called, in the same way, that has the source's name now."""
        return self._is(self.aside, name)

    def _is(self, table: TableName, name: str) -> bool:
        alone = table.schema if table.table == self.source.table else table.table
        return name in (alone, str(table))
