"""Places in the write-ahead log, as numbers and as the server writes them ("pg_lsn Type")."""

from __future__ import annotations


def spelled(lsn: int) -> str:
    """`16/B374D848`."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def parsed(text: str) -> int:
    """The number for `16/B374D848`."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)
