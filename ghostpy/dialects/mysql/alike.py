"""Transactions that look like one before them: an application's usual ones, each with one row event, by the thousand.

Event by event, most of the time would go to what is the same in each of them: the events before its rows have the same sizes and, but for
moments, places and numbers, the same bytes. So once one has been seen, those like it are told by one look.

Sources: as for `events`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any

from ghostpy.dialects.mysql.event_fields import (
    ANONYMOUS_GTID,
    EVENT_HEAD,
    GTID,
    MARIADB_GTID,
    PACKET_HEAD,
    PREPARED_XA,
    QUERY,
    STANDALONE,
    TABLE_MAP,
    XID,
    event_head,
    query_head,
)
from ghostpy.dialects.mysql.row_image import ROW_EVENTS

_MOST = 4
"""Events before the last one: the GTID's, BEGIN, the table's and one with rows. MariaDB's GTID is BEGIN, too."""


class Alike:
    """How a transaction begins: all events before its row event, and the head of that.

    `numbered`: whether it has a GTID that counts its origin's transactions; `in_domain`: whether it has one of MariaDB's; `origin`: whose number
    it is, or in which domain; `table`: the number of the table that it changes.
    """

    def __init__(self, layout: struct.Struct, seen: tuple[Any, ...], last_size: int) -> None:
        self._layout = layout
        self._seen = seen
        self._last_size = last_size
        self.origin: bytes = seen[1]
        self.numbered = bool(seen[2])
        self.in_domain = seen[2] == b""
        self.table: bytes = seen[-1]

    @classmethod
    def of(cls, buffer: bytes, at: int, end: int, checksum: int) -> Alike | None:
        """How the transaction looks whose first event begins at `at`, and its last one at `end`; None where its events are not the usual ones."""
        places, kinds = list[int](), list[int]()
        place = at
        while place < end and len(kinds) < _MOST:
            kind, size = event_head(buffer, place)
            places.append(place)
            kinds.append(kind)
            place += size + PACKET_HEAD
        if place != end or len(kinds) < 3 or kinds[-2] != TABLE_MAP or kinds[-1] not in ROW_EVENTS:
            return None
        beginning = (
            _of_mariadb(buffer, places) if kinds[0] == MARIADB_GTID else _of_mysql(buffer, kinds, places, checksum)
        )
        if beginning is None:
            return None
        # Of each event its type, the server and its size, which follow each other, and the status of the packet before it; of the last two
        # the table's number.
        table, rows = places[-2:]
        layout = struct.Struct(f"<{beginning}s4x9s6x6s{rows - table - 26}xs19x6s")
        seen = layout.unpack_from(buffer, at)
        return cls(layout, seen, event_head(buffer, end)[1]) if seen[-1] == seen[-3] else None

    def those_from(self, buffer: bytes, at: int, number: int, *, largest: int) -> Iterator[tuple[int, int, int, int]]:
        """The transactions at `at` and behind it that look like this, until one is another or not there as a whole.

        `number`: of the first one; the others have those behind it. `largest`: bytes of a row event. Yields of each its row event's type, where
        that begins, where the last event begins, and where the next transaction begins.
        """
        unpack, same, head, origin = self._layout.unpack_from, self._seen[3:], self._seen[0], self.origin
        rows_at = self._layout.size - 6 - EVENT_HEAD
        length, step = len(buffer), self.numbered
        number = number if step else self._seen[2]
        while at + self._layout.size <= length and not buffer[at - 1]:
            seen = unpack(buffer, at)
            if seen[3:] != same or seen[2] != number or seen[0] != head or seen[1] != origin:
                return
            rows = at + rows_at
            kind, size = event_head(buffer, rows)
            last = rows + size + PACKET_HEAD
            if kind not in ROW_EVENTS or size > largest or last + EVENT_HEAD > length or buffer[last - 1]:
                return
            following = last + self._last_size
            if event_head(buffer, last) != (XID, self._last_size) or following > length:
                return
            at = following + PACKET_HEAD
            yield kind, rows, last, at
            if step:
                number += 1


def _of_mysql(buffer: bytes, kinds: Sequence[int], places: Sequence[int], checksum: int) -> str | None:
    """The format of a GTID's event, of which the server's UUID and the number count, and of BEGIN's: the lengths and the text."""
    if len(kinds) != _MOST or kinds[0] not in (GTID, ANONYMOUS_GTID) or kinds[1] != QUERY:
        return None
    at, begin, table, _ = places
    database, status = query_head(buffer, begin + 27)
    text = begin + 33 + status + database
    if buffer[text : table - PACKET_HEAD - checksum] != b"BEGIN":
        return None
    return f"4x9s7x16sQ{begin - at - 45}xs4x9s14xB2xH{text - begin - 32}x5s{table - text - 6}x"


def _of_mariadb(buffer: bytes, places: Sequence[int]) -> str | None:
    """The format of a GTID's event, of which domain and flags count. A domain's numbers need not follow each other: nothing stands for them."""
    at = places[0]
    if len(places) != _MOST - 1 or buffer[at + 31] & (STANDALONE | PREPARED_XA):
        return None
    table = places[1]
    return f"4x9s14x5s0s{table - at - 33}x"
