"""Rows from pages all over a table, copied into one of our own in the order in which they lie."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.facts import ServerFacts
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName

_STRIPS = 16
"""Into as many the table is divided; pages are taken from the beginning of each."""
_FIRST = 2
"""Pages of each, to see how long they take."""
_MOST = 4096
"""Pages of each: 512 MB in all."""
_PATIENCE = 2
"""Times as long as was reckoned with."""
_DOING = "copying a sample"


class PageSample:
    """`columns`: those that are copied."""

    def __init__(
        self, session: Session, facts: ServerFacts, source: TableName, clone: TableName, columns: Sequence[str]
    ) -> None:
        self._session = session
        self._facts = facts
        self._source = source
        self._clone = clone
        names = ", ".join(map(quote.name, columns))
        self._copy = (
            f"INSERT INTO {quote.table(clone)} ({names}) OVERRIDING SYSTEM VALUE "
            f"SELECT {names} FROM ONLY {quote.table(source)} WHERE ctid"
        )
        self.times = 1.0
        """The table's pages for each of the sample."""

    async def taken(self, seconds: float) -> tuple[int, float]:
        """Copy for about `seconds`; how many rows that were, and how long it took. Within a transaction."""
        if self._facts.number < 140000:
            # Ranges of pages are found without reading all others from 14 on ("TID Range Scan").
            raise errors.ServerError("a sample of pages needs PostgreSQL 14")
        began = time.monotonic()
        total = int(
            await self._session.scalar(
                "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::int8",
                [quote.table(self._source)],
                doing=_DOING,
            )
        )
        strip = max(1, -(-total // _STRIPS))
        lows = range(0, total, strip)
        await self._strips(lows, min(_FIRST, strip), total, began + seconds)
        first = time.monotonic() - began
        pages = min(strip, _MOST, max(_FIRST, round(_FIRST * seconds / max(first, 0.001))))
        # Once more from the beginning, so that the rows lie as they do in the table: a sort is quicker where much is in order.
        await self._session.execute(f"TRUNCATE {quote.table(self._clone)}", doing=_DOING)
        rows, taken = await self._strips(lows, pages, total, time.monotonic() + _PATIENCE * seconds)
        self.times = max(total / taken, 1.0) if taken else 1.0
        return rows, time.monotonic() - began

    async def _strips(self, lows: Sequence[int], pages: int, total: int, until: float) -> tuple[int, int]:
        """How many rows of how many pages; where it takes longer than `until`, not of all strips."""
        rows = taken = 0
        for low in lows:
            if taken and time.monotonic() > until:
                break
            high = min(low + pages, total)
            rows += await self._session.execute(f"{self._copy} >= '({low},0)' AND ctid < '({high},0)'", doing=_DOING)
            taken += high - low
        return rows, taken
