"""What a TABLE_MAP event says about a table, as far as it is needed to find a column's bytes in a row image.

Sources: "Table_map_event" and "Row event" in the MySQL source documentation (libs/mysql/binlog/event); type codes are
those of `enum_field_types`.
"""

from __future__ import annotations

from msgspec import Struct

from ghostpy.errors import StreamLost
from ghostpy.model.table import Column

TINY, SHORT, LONG, FLOAT, DOUBLE = 1, 2, 3, 4, 5
TIMESTAMP, LONGLONG, INT24, DATE, TIME, DATETIME, YEAR, NEWDATE = 7, 8, 9, 10, 11, 12, 13, 14
VARCHAR, BIT, TIMESTAMP2, DATETIME2, TIME2 = 15, 16, 17, 18, 19
VECTOR, JSON, NEWDECIMAL, ENUM, SET = 242, 245, 246, 247, 248
TINY_BLOB, MEDIUM_BLOB, LONG_BLOB, BLOB, VAR_STRING, STRING, GEOMETRY = 249, 250, 251, 252, 253, 254, 255

_BARE = {
    TINY: 1, SHORT: 2, INT24: 3, LONG: 4, LONGLONG: 8, YEAR: 1, DATE: 3, NEWDATE: 3, TIME: 3, TIMESTAMP: 4, DATETIME: 8,
}  # fmt: skip
_ONE_BYTE_META = frozenset(
    {
        FLOAT,
        DOUBLE,
        TIMESTAMP2,
        DATETIME2,
        TIME2,
        BLOB,
        TINY_BLOB,
        MEDIUM_BLOB,
        LONG_BLOB,
        JSON,
        GEOMETRY,
        VECTOR,
    }
)
_TWO_BYTE_META = frozenset({VARCHAR, BIT, NEWDECIMAL, STRING, ENUM, SET, VAR_STRING})
_LENGTH_PREFIXED = frozenset({BLOB, TINY_BLOB, MEDIUM_BLOB, LONG_BLOB, JSON, GEOMETRY, VECTOR})
_WHOLE_BYTES = {TIMESTAMP2: 4, DATETIME2: 5, TIME2: 3}
_DECIMAL_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)

_TEXTUAL = frozenset({BLOB, TINY_BLOB, MEDIUM_BLOB, LONG_BLOB})
_CODES: dict[str, frozenset[int]] = {
    "tinyint": frozenset({TINY}), "smallint": frozenset({SHORT}), "mediumint": frozenset({INT24}),
    "int": frozenset({LONG}), "bigint": frozenset({LONGLONG}), "float": frozenset({FLOAT}), "double": frozenset({DOUBLE}),
    "decimal": frozenset({NEWDECIMAL}), "bit": frozenset({BIT}), "year": frozenset({YEAR}),
    "date": frozenset({DATE, NEWDATE}), "time": frozenset({TIME, TIME2}), "datetime": frozenset({DATETIME, DATETIME2}),
    "timestamp": frozenset({TIMESTAMP, TIMESTAMP2}), "char": frozenset({STRING}), "binary": frozenset({STRING}),
    "varchar": frozenset({VARCHAR, VAR_STRING}), "varbinary": frozenset({VARCHAR, VAR_STRING}),
    "enum": frozenset({ENUM}), "set": frozenset({SET}), "json": frozenset({JSON}), "vector": frozenset({VECTOR}),
    "tinytext": _TEXTUAL, "text": _TEXTUAL, "mediumtext": _TEXTUAL, "longtext": _TEXTUAL,
    "tinyblob": _TEXTUAL, "blob": _TEXTUAL, "mediumblob": _TEXTUAL, "longblob": _TEXTUAL,
}  # fmt: skip


class Field(Struct, frozen=True):
    """One column's type in the binlog.

    `size` is the number of bytes of its value in a row image; where `length_bytes` is not 0, the value is that many
    bytes of length (little-endian), then the value itself, and `size` is 0. `meta` are the type's two parameters, as
    they stand.
    """

    code: int
    meta: tuple[int, int]
    size: int
    length_bytes: int

    def fits(self, column: Column) -> bool:
        """Tell whether a column of the table as the plan knows it is logged as this field. Types we do not know fit."""
        return self.code in _CODES.get(column.data_type, (self.code,))


class TableMap(Struct, frozen=True):
    schema: str
    table: str
    fields: tuple[Field, ...]


def table_name(buffer: bytes, at: int) -> tuple[bytes, bytes, int]:
    """Return schema, table and where the columns begin; `at` is the start of the event's body."""
    at += 8
    schema_end = at + 1 + buffer[at]
    table_end = schema_end + 2 + buffer[schema_end + 1]
    return buffer[at + 1 : schema_end], buffer[schema_end + 2 : table_end], table_end + 1


def parse(buffer: bytes, at: int, end: int) -> TableMap:
    """Read the body of a TABLE_MAP event. Raises StreamLost where a column's type is not known."""
    schema, table, at = table_name(buffer, at)
    count, at = packed_integer(buffer, at)
    codes = buffer[at : at + count]
    at += count
    meta_size, at = packed_integer(buffer, at)
    if at + meta_size > end or len(codes) != count:
        raise StreamLost("the server sent a table map that ends too early")
    fields = []
    for code in codes:
        meta = (0, 0)
        if code in _ONE_BYTE_META:
            meta = (buffer[at], 0)
            at += 1
        elif code in _TWO_BYTE_META:
            meta = (buffer[at], buffer[at + 1])
            at += 2
        fields.append(_field(code, meta))
    return TableMap(schema.decode("utf-8", "replace"), table.decode("utf-8", "replace"), tuple(fields))


def packed_integer(buffer: bytes, at: int) -> tuple[int, int]:
    """Return a length-encoded integer and where it ends ("Integer Types", protocol documentation)."""
    first = buffer[at]
    if first < 251:
        return first, at + 1
    size = {252: 2, 253: 3, 254: 8}.get(first)
    if size is None:
        raise StreamLost("the server sent a malformed length")
    return int.from_bytes(buffer[at + 1 : at + 1 + size], "little"), at + 1 + size


def _field(code: int, meta: tuple[int, int]) -> Field:
    if code in _BARE:
        return Field(code, meta, _BARE[code], 0)
    if code in (FLOAT, DOUBLE):
        return Field(code, meta, meta[0], 0)
    if code in _WHOLE_BYTES:
        return Field(code, meta, _WHOLE_BYTES[code] + (meta[0] + 1) // 2, 0)
    if code == NEWDECIMAL:
        return Field(code, meta, decimal_size(*meta), 0)
    if code == BIT:
        return Field(code, meta, meta[1] + (1 if meta[0] else 0), 0)
    if code in _LENGTH_PREFIXED and 1 <= meta[0] <= 4:
        return Field(code, meta, 0, meta[0])
    if code in (VARCHAR, VAR_STRING):
        return Field(code, meta, 0, 1 if meta[0] + (meta[1] << 8) < 256 else 2)
    if code in (STRING, ENUM, SET):
        return _string(meta)
    raise StreamLost(f"a table that is followed has a column of the type number {code}, which is not known here")


def _string(meta: tuple[int, int]) -> Field:
    """CHAR, BINARY, ENUM and SET share one type; the real one and two bits of the length hide in the first
    parameter.
    """
    real, length = meta
    if real & 0x30 != 0x30:
        length |= ((real & 0x30) ^ 0x30) << 4
        real |= 0x30
    if real in (ENUM, SET):
        return Field(real, meta, length, 0)
    return Field(STRING, (length & 0xFF, length >> 8), 0, 1 if length < 256 else 2)


def decimal_size(precision: int, scale: int) -> int:
    """Return the bytes of a DECIMAL: four for nine digits, fewer for the rest, the two sides of the point apart."""
    whole = precision - scale
    if whole < 0:
        raise StreamLost("the server sent a malformed DECIMAL type")
    return whole // 9 * 4 + _DECIMAL_BYTES[whole % 9] + scale // 9 * 4 + _DECIMAL_BYTES[scale % 9]
