"""Builds replication packets as a server sends them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import zstandard

HEADER = struct.Struct("<IBIIIH")


class Binlog:
    """Events one after the other, with their positions; `bytes(binlog)` are the packets."""

    def __init__(self, *, checksums: bool = True, packet: int = 0xFFFFFF) -> None:
        self._checksums = checksums
        self._packet = packet
        self._out = bytearray()
        self._number = 0
        self.offset = 4

    def __bytes__(self) -> bytes:
        return bytes(self._out)

    def event(self, kind: int, body: bytes, *, flags: int = 0, artificial: bool = False, server: int = 1) -> None:
        """Append an event, cut into packets where it is too long for one."""
        size = HEADER.size + len(body) + 4 * self._checksums
        self.offset += 0 if artificial else size
        content = self._raw(kind, body, size, 0 if artificial else self.offset, flags, server)
        if self._checksums:
            content += zlib.crc32(content).to_bytes(4, "little")
        self.packets(b"\x00" + content)

    def packets(self, payload: bytes) -> None:
        while True:
            piece, payload = payload[: self._packet], payload[self._packet :]
            self._out += len(piece).to_bytes(3, "little") + bytes([self._number]) + piece
            self._number = (self._number + 1) % 256
            if len(piece) < self._packet:
                break

    @staticmethod
    def _raw(kind: int, body: bytes, size: int, position: int, flags: int = 0, server: int = 1) -> bytes:
        return HEADER.pack(1, kind, server, size, position & 0xFFFFFFFF, flags) + body

    def begin_file(self, number: int = 1) -> None:
        name = f"binlog.{number:06d}".encode()
        self.event(4, (4).to_bytes(8, "little") + name, artificial=True)
        self.offset = 4
        body = struct.pack("<H50sIB", 4, b"9.7.4", 0, 19) + bytes(43) + bytes([self._checksums])
        if not self._checksums:
            body += bytes(4)  # the event itself always has room for one
        self.event(15, body)

    def gtid(self, number: int, server: bytes = b"s" * 16) -> None:
        self.event(33, b"\x01" + server + number.to_bytes(8, "little") + b"\x02" + bytes(16))

    def mariadb_gtid(self, domain: int, server: int, number: int, *, standalone: bool = False) -> None:
        self.event(162, struct.pack("<QIB", number, domain, standalone) + bytes(6), server=server)

    def query(self, text: str, database: str = "db") -> None:
        self.event(2, query(text, database))

    def xid(self) -> None:
        self.event(16, bytes(8))

    def transaction(self, number: int, *changes: tuple[int, bytes]) -> None:
        """A transaction of row events (or others), each a kind and a body."""
        self.gtid(number)
        self.query("BEGIN")
        for kind, body in changes:
            self.event(kind, body)
        self.xid()

    def compressed(self, number: int, *changes: tuple[int, bytes], zstd: bool = True) -> None:
        self.gtid(number)
        events = [(2, query("BEGIN", "db")), *changes, (16, bytes(8))]
        inner = b"".join(self._raw(kind, body, HEADER.size + len(body), 0) for kind, body in events)
        content = zstandard.ZstdCompressor().compress(inner) if zstd else inner
        fields = b"".join(
            bytes([field]) + packed_length(value)
            for field, value in ((2, 0 if zstd else 255), (3, len(inner)), (1, len(content)))
        )
        self.event(40, fields + b"\x00" + content)


def packed_length(value: int) -> bytes:
    packed = packed_integer(value)
    return bytes([len(packed)]) + packed


def packed_integer(value: int) -> bytes:
    if value < 251:
        return bytes([value])
    return b"\xfc" + value.to_bytes(2, "little") if value < 1 << 16 else b"\xfe" + value.to_bytes(8, "little")


def query(text: str, database: str) -> bytes:
    status = b"\x00" + bytes(4) + b"\x04" + struct.pack("<HHH", 255, 255, 255)
    head = struct.pack("<IIBHH", 1, 0, len(database), 0, len(status))
    return head + status + database.encode() + b"\x00" + text.encode()


def table_map(
    table: str, fields: Sequence[tuple[int, bytes]], *, number: int = 77, schema: str = "db"
) -> tuple[int, bytes]:
    """`fields`: type code and metadata of each column."""
    names = bytes([len(schema)]) + schema.encode() + b"\x00" + bytes([len(table)]) + table.encode() + b"\x00"
    meta = b"".join(each for _, each in fields)
    return 19, (
        number.to_bytes(6, "little") + b"\x01\x00" + names + packed_integer(len(fields)) + bytes(code for code, _ in fields)
        + packed_integer(len(meta)) + meta + b"\xff" * ((len(fields) + 7) // 8)
    )  # fmt: skip


def rows(
    kind: int, columns: int, *images: bytes, number: int = 77, present: Sequence[int] | None = None
) -> tuple[int, bytes]:
    """A row event whose `images` follow each other; `present` are bitmaps, all columns if left out."""
    size = (columns + 7) // 8
    bitmaps = present if present is not None else [(1 << columns) - 1] * (2 if kind in (31, 39) else 1)
    return kind, (
        number.to_bytes(6, "little") + b"\x01\x00\x02\x00" + packed_integer(columns)
        + b"".join(each.to_bytes(size, "little") for each in bitmaps) + b"".join(images)
    )  # fmt: skip
