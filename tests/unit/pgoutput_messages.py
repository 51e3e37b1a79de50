"""Messages of pgoutput made by hand ("Logical Replication Message Formats")."""

from __future__ import annotations

import struct
from collections.abc import Sequence

UNCHANGED = "unchanged"
"""A value that is stored apart and did not change."""

Value = bytes | str | None


def begin(xid: int) -> bytes:
    return struct.pack("!cQqI", b"B", 0x1000, 0, xid)


def commit(end: int) -> bytes:
    return struct.pack("!cBQQq", b"C", 0, end - 8, end, 0)


def row(values: Sequence[Value]) -> bytes:
    parts = [struct.pack("!H", len(values))]
    for value in values:
        if value is None:
            parts.append(b"n")
        elif isinstance(value, str):
            parts.append(b"u")
        else:
            parts.append(b"t" + struct.pack("!I", len(value)) + value)
    return b"".join(parts)


def insert(oid: int, *new: Value) -> bytes:
    return b"I" + struct.pack("!I", oid) + b"N" + row(new)


def update(oid: int, new: Sequence[Value], old: Sequence[Value] = (), tag: bytes = b"K") -> bytes:
    return b"U" + struct.pack("!I", oid) + (tag + row(old) if old else b"") + b"N" + row(new)


def delete(oid: int, *old: Value, tag: bytes = b"K") -> bytes:
    return b"D" + struct.pack("!I", oid) + tag + row(old)


def truncate(*oids: int) -> bytes:
    return b"T" + struct.pack("!IB", len(oids), 0) + b"".join(struct.pack("!I", oid) for oid in oids)


def message(prefix: str, text: bytes, *, transactional: bool = True) -> bytes:
    return (
        b"M" + struct.pack("!BQ", transactional, 0x2000) + prefix.encode() + b"\0" + struct.pack("!I", len(text)) + text
    )


def relation(oid: int, schema: str, table: str, identity: str, columns: Sequence[tuple[int, str, int, int]]) -> bytes:
    """`columns`: flags, name, type, modifier."""
    parts = [b"R", struct.pack("!I", oid), schema.encode(), b"\0", table.encode(), b"\0", identity.encode()]
    parts.append(struct.pack("!H", len(columns)))
    for flags, name, type_oid, modifier in columns:
        parts.append(bytes([flags]) + name.encode() + b"\0" + struct.pack("!Ii", type_oid, modifier))
    return b"".join(parts)
