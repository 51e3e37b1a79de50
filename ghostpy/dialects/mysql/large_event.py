"""Events that do not come as a whole: over many packets, or within a compressed transaction.

Sources: "MySQL Packets" (an event of 2^24 - 1 bytes or more, its status byte included, goes on in the next packet) and
"Transaction_payload_event" in the MySQL source documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ghostpy.dialects.mysql import payload
from ghostpy.dialects.mysql.event_fields import EVENT_HEAD, FULL_PACKET, PACKET_HEAD, event_head
from ghostpy.errors import StreamLost


class LargeEvent:
    """Gathers an event of more than a packet or so; what is not wanted is dropped as it comes."""

    def __init__(self, first_packet: int, size: int) -> None:
        if first_packet < 1:
            raise StreamLost("the server sent a packet that is too short for its event")
        self._packet_left = first_packet - 1
        self._last_packet = first_packet < FULL_PACKET
        self._skip = PACKET_HEAD
        self._frame = b""
        self._size = size
        self._seen = 0
        self.wanted = False
        self.pieces: list[bytes] = []
        self.payload: NestedEvents | None = None
        self.payload_at = self.payload_end = 0

    @property
    def complete(self) -> bool:
        return self._last_packet and not self._packet_left

    def take(self, data: bytes) -> int:
        """Take what belongs to the event from `data`; return how many bytes that was."""
        at = self._skip
        self._skip = 0
        while at < len(data) and not self.complete:
            if not self._packet_left:
                piece = data[at : at + 4 - len(self._frame)]
                self._frame += piece
                at += len(piece)
                if len(self._frame) == 4:
                    self._packet_left = int.from_bytes(self._frame[:3], "little")
                    self._last_packet = self._packet_left < FULL_PACKET
                    self._frame = b""
                continue
            piece = data[at : at + self._packet_left]
            at += len(piece)
            self._packet_left -= len(piece)
            self._keep(piece)
        if self._seen > self._size or (self.complete and self._seen != self._size):
            raise StreamLost("the server sent an event in packets that do not add up to it")
        return at

    def _keep(self, piece: bytes) -> None:
        begin, self._seen = self._seen, self._seen + len(piece)
        if self.payload is not None:
            piece = piece[max(0, self.payload_at - begin) : max(0, self.payload_end - begin)]
        elif not self.wanted:
            return
        self.pieces.append(piece)


class NestedEvents:
    """The events within a payload, which follow each other without packets and without checksums."""

    def __init__(self, scan: Callable[[bytes, int], int], content: payload.Payload, outer_end: int) -> None:
        self._scan = scan
        self._content = content
        self._outer_end = outer_end
        self._gathered: list[bytes] = []
        self._missing = 0

    def take(self, data: bytes) -> Iterator[None]:
        for piece in self._content.take(data):
            if len(piece) < self._missing:
                self._gathered.append(piece)
                self._missing -= len(piece)
                continue
            self._gathered.append(piece)
            buffer = b"".join(self._gathered)
            at = self._scan(buffer, self._outer_end)
            rest = buffer[at:]
            self._gathered = [rest] if rest else []
            wanted = event_head(rest)[1] if len(rest) >= EVENT_HEAD else EVENT_HEAD
            self._missing = max(1, wanted - len(rest))
            yield

    def end(self) -> None:
        if self._gathered:
            raise StreamLost("the server sent a compressed transaction that ends within an event")
