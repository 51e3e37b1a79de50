"""Sets of global transaction identifiers, with tags.

A set maps an origin (the 16 bytes of a server's UUID, followed by the tag if there is one) to half-open intervals of
transaction numbers. Sources: "GTID Format and Storage" and "GTID Sets" (MySQL manual); the encodings are those of
`PREVIOUS_GTIDS_LOG_EVENT`, which the server also takes in `COM_BINLOG_DUMP_GTID`.
"""

from __future__ import annotations

import struct
import uuid
from bisect import bisect_right
from collections.abc import Iterator
from typing import TypeAlias

Origin: TypeAlias = bytes
Interval: TypeAlias = tuple[int, int]

_UUID_BYTES = 16
_TAGGED = 1


class GtidSet:
    """A set that grows; intervals are kept sorted, disjoint and joined where they touch."""

    __slots__ = ("_intervals", "_latest")

    def __init__(self) -> None:
        self._intervals: dict[Origin, list[Interval]] = {}
        self._latest: Origin = b""

    @classmethod
    def parse(cls, text: str) -> GtidSet:
        """Read the server's text form, such as `uuid:1-5:7:tag:1-3`. Raises ValueError where it is not one."""
        found = cls()
        for piece in text.replace("\n", "").split(","):
            if not piece.strip():
                continue
            server, *parts = piece.strip().split(":")
            origin = base = uuid.UUID(server).bytes
            for part in (each.strip() for each in parts):
                if part[0].isdigit():
                    first, _, last = part.partition("-")
                    found.add(origin, int(first), int(last or first) + 1)
                else:
                    origin = base + part.lower().encode("ascii")
        return found

    def __bool__(self) -> bool:
        return bool(self._intervals)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GtidSet) and self._intervals == other._intervals

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[tuple[Origin, int, int]]:
        for origin, intervals in self._intervals.items():
            for first, end in intervals:
                yield origin, first, end

    def __contains__(self, gtid: tuple[Origin, int]) -> bool:
        origin, number = gtid
        intervals = self._intervals.get(origin, [])
        at = bisect_right(intervals, (number, _BEYOND)) - 1
        return at >= 0 and number < intervals[at][1]

    def add(self, origin: Origin, first: int, end: int) -> None:
        """Add the numbers from `first` up to, but without, `end`."""
        if first < 1 or end <= first:
            raise ValueError(f"not an interval of transaction numbers: {first} to {end}")
        self._latest = origin
        intervals = self._intervals.setdefault(origin, [])
        if intervals and intervals[-1][0] <= first <= intervals[-1][1]:
            intervals[-1] = (intervals[-1][0], max(end, intervals[-1][1]))
            return
        low = bisect_right(intervals, (first, 0))
        if low and intervals[low - 1][1] >= first:
            low -= 1
        high = low
        while high < len(intervals) and intervals[high][0] <= end:
            first, end = min(first, intervals[high][0]), max(end, intervals[high][1])
            high += 1
        intervals[low:high] = [(first, end)]

    def update(self, other: GtidSet) -> None:
        """Add all of `other`."""
        for origin, first, end in other:
            self.add(origin, first, end)

    def copy(self) -> GtidSet:
        twin = GtidSet()
        twin._latest = self._latest
        twin._intervals = {origin: list(intervals) for origin, intervals in self._intervals.items()}
        return twin

    def __str__(self) -> str:
        """Return the text form that the server reads."""
        return ",".join(_text(origin, intervals) for origin, intervals in sorted(self._intervals.items()))

    @property
    def last_piece(self) -> str:
        """Return the last interval of the origin added to last, shortened for people: `3e11fa47:1-77`."""
        if not self._intervals:
            return "no transaction"
        origin = self._latest
        return origin[:4].hex() + _numbers(origin, self._intervals[origin][-1:])

    def encoded(self) -> bytes:
        """Return the binary form for `COM_BINLOG_DUMP_GTID`; tagged only where there is a tag, as older servers know
        none.
        """
        tagged = any(len(origin) > _UUID_BYTES for origin in self._intervals)
        count = len(self._intervals)
        head = (_TAGGED | count << 8 | _TAGGED << 56) if tagged else count
        parts = [struct.pack("<Q", head)]
        for origin, intervals in sorted(self._intervals.items()):
            parts.append(origin[:_UUID_BYTES])
            if tagged:
                tag = origin[_UUID_BYTES:]
                parts += [
                    bytes([len(tag) << 1]),
                    tag,
                ]  # the length has at most 6 bits, so one byte of a varlen integer
            parts.append(struct.pack("<Q", len(intervals)))
            parts += [struct.pack("<QQ", first, end) for first, end in intervals]
        return b"".join(parts)


_BEYOND = 1 << 64


def _text(origin: Origin, intervals: list[Interval]) -> str:
    return str(uuid.UUID(bytes=origin[:_UUID_BYTES])) + _numbers(origin, intervals)


def _numbers(origin: Origin, intervals: list[Interval]) -> str:
    tag = origin[_UUID_BYTES:].decode("ascii", "replace")
    shown = [str(first) if end == first + 1 else f"{first}-{end - 1}" for first, end in intervals]
    return "".join(f":{part}" for part in ([tag] if tag else []) + shown)
