"""TRANSACTION_PAYLOAD events: a whole transaction's events, compressed.

Source: "Transaction_payload_event" in the MySQL source documentation (libs/mysql/binlog/event/codecs/binary.cpp):
fields of type, length and value, an end mark, then the payload.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import zstandard

from ghostpy.dialects.mysql.table_map import packed_integer
from ghostpy.errors import StreamLost

_END, _SIZE, _COMPRESSION, _UNCOMPRESSED_SIZE = 0, 1, 2, 3
_ZSTD, _NONE = 0, 255
HEADER_BYTES = 64
"""At most: four fields of a type, a length and a value of up to nine bytes each."""
_AT_ONCE = 1 << 20
# A decompressor hands out all that its input holds, so the input is what bounds memory.
_INPUT_SLICE = 1 << 14

_decompressor = zstandard.ZstdDecompressor()


class PayloadHead(NamedTuple):
    start: int
    """Where the payload begins, in the bytes that were given."""
    size: int
    compressed: bool
    uncompressed_size: int


def head(buffer: bytes, at: int) -> PayloadHead:
    """Read the fields before the payload; `at` is the start of the event's body. Raises StreamLost."""
    size = uncompressed = compression = -1
    while True:
        field, at = packed_integer(buffer, at)
        if field == _END:
            break
        length, at = packed_integer(buffer, at)
        value, _ = packed_integer(buffer, at)
        at += length
        if field == _SIZE:
            size = value
        elif field == _COMPRESSION:
            compression = value
        elif field == _UNCOMPRESSED_SIZE:
            uncompressed = value
    if size < 0 or compression not in (_ZSTD, _NONE):
        raise StreamLost(f"the server sent a transaction compressed in a way not known here (number {compression})")
    return PayloadHead(at, size, compression == _ZSTD, uncompressed)


class Payload:
    """The events of one payload, in pieces; takes the payload's bytes in pieces too. Raises zstandard.ZstdError."""

    def __init__(self, about: PayloadHead) -> None:
        self._about = about
        self._stream = _decompressor.decompressobj(read_across_frames=True) if about.compressed else None

    def take(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` decompresses to."""
        about = self._about
        if self._stream is None:
            yield data
        elif len(data) == about.size and 0 <= about.uncompressed_size <= _AT_ONCE:
            yield _decompressor.decompress(data, max_output_size=about.uncompressed_size, allow_extra_data=False)
        else:
            for at in range(0, len(data), _INPUT_SLICE):
                yield self._stream.decompress(data[at : at + _INPUT_SLICE])
