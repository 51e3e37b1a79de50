"""From the bytes of a key column in a row image to the canonical text of `key_codec`.

Sources: the `Field_*::pack` functions and `my_time.cc` of the MySQL source; "Date and Time Data Type Representation"
(MySQL manual).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from ghostpy.dialects.mysql import table_map as types
from ghostpy.dialects.mysql.key_codec import INTEGERS, TEMPORAL, introducer
from ghostpy.dialects.mysql.table_map import Field
from ghostpy.errors import StreamLost
from ghostpy.model.table import Column

Reader: TypeAlias = Callable[[bytes, int], str]
"""Reads the literal of the value that begins at an offset."""
IntegerReader: TypeAlias = Callable[[bytes, int], int]

_EPOCH = datetime(1970, 1, 1)
_INTEGERS = {
    (types.TINY, False): "<b", (types.TINY, True): "<B", (types.SHORT, False): "<h", (types.SHORT, True): "<H",
    (types.LONG, False): "<i", (types.LONG, True): "<I", (types.LONGLONG, False): "<q", (types.LONGLONG, True): "<Q",
}  # fmt: skip
_DECIMAL_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)
_PLACES = 15


def integer_format(column: Column, field: Field) -> str | None:
    """Return the `struct` format of an integer column, or None where there is none (three bytes)."""
    return _INTEGERS.get((field.code, column.unsigned))


def integer_reader(column: Column, field: Field) -> IntegerReader:
    """Return a function that reads an integer column."""
    form = integer_format(column, field)
    if form is not None:
        unpack = struct.Struct(form).unpack_from
        return lambda buffer, at: unpack(buffer, at)[0]
    signed = not column.unsigned
    return lambda buffer, at: int.from_bytes(buffer[at : at + 3], "little", signed=signed)


def reader(column: Column, field: Field) -> Reader:
    """Return the function that reads `column`, logged as `field`. Raises StreamLost for a type that no key has."""
    code = field.code
    if code in (types.TINY, types.SHORT, types.INT24, types.LONG, types.LONGLONG):
        read = integer_reader(column, field)
        return lambda buffer, at: str(read(buffer, at))
    if code in (types.VARCHAR, types.VAR_STRING, types.STRING):
        return _string_reader(column, field)
    if code == types.ENUM:
        return _enum_reader(column, field)
    if code == types.SET:
        size = field.size
        return lambda buffer, at: str(int.from_bytes(buffer[at : at + size], "little"))
    if code == types.BIT:
        size = field.size
        return lambda buffer, at: str(int.from_bytes(buffer[at : at + size], "big"))
    if code == types.YEAR:
        return lambda buffer, at: str(1900 + buffer[at]) if buffer[at] else "0"
    if code == types.NEWDECIMAL:
        precision, scale = field.meta
        return lambda buffer, at: decimal_text(buffer, at, precision, scale)
    if code in (types.FLOAT, types.DOUBLE):
        unpack = struct.Struct("<f" if field.size == 4 else "<d").unpack_from
        return lambda buffer, at: double_text(unpack(buffer, at)[0])
    temporal = _TEMPORAL.get(code)
    if temporal is not None:
        digits = field.meta[0]
        return lambda buffer, at: temporal(buffer, at, digits)
    raise StreamLost(f"key column {column.name} has a type ({column.full_type}) that cannot be followed")


def _string_reader(column: Column, field: Field) -> Reader:
    width = field.length_bytes
    # A BINARY column's zeros at the end are not logged, but belong to its value.
    padded = field.meta[0] + (field.meta[1] << 8) if field.code == types.STRING and column.data_type == "binary" else 0
    head = "X'" if column.data_type in ("binary", "varbinary") else f"{introducer(column)} X'"

    def read(buffer: bytes, at: int) -> str:
        length = buffer[at] if width == 1 else buffer[at] | buffer[at + 1] << 8
        at += width
        value = buffer[at : at + length]
        return f"{head}{(value.ljust(padded, bytes(1)) if padded else value).hex().upper()}'"

    return read


def _enum_reader(column: Column, field: Field) -> Reader:
    literals = ["0", *(f"{introducer(column)} X'{each}'" for each in _label_bytes(column))]
    size, empty_label = field.size, "" in column.labels

    def read(buffer: bytes, at: int) -> str:
        number = int.from_bytes(buffer[at : at + size], "little")
        if number >= len(literals):
            raise StreamLost(f"key column {column.name} has a value that is not among its labels")
        if number == 0 and empty_label:
            raise StreamLost(f"key column {column.name} has an error value, which is equal to its empty label")
        return literals[number]

    return read


def _label_bytes(column: Column) -> list[str]:
    codec = codec_of(column.charset or "")
    if codec is None:
        raise StreamLost(f"key column {column.name}: labels in the charset {column.charset} cannot be followed")
    try:
        return [label.encode(codec).hex().upper() for label in column.labels]
    except UnicodeEncodeError as error:
        raise StreamLost(
            f"key column {column.name}: a label cannot be written in {column.charset}: {error.reason}"
        ) from error


_CODECS = {
    "utf8mb4": "utf-8", "utf8mb3": "utf-8", "utf8": "utf-8", "ascii": "ascii", "latin1": "cp1252",
    "latin2": "iso8859_2", "latin5": "iso8859_9", "latin7": "iso8859_13", "greek": "iso8859_7",
    "hebrew": "iso8859_8", "cp1250": "cp1250",
    "cp1251": "cp1251", "cp1256": "cp1256", "cp1257": "cp1257", "cp850": "cp850", "cp852": "cp852", "cp866": "cp866",
    "koi8r": "koi8_r", "koi8u": "koi8_u", "tis620": "tis_620", "gbk": "gbk", "gb2312": "gb2312", "gb18030": "gb18030",
    "big5": "big5", "euckr": "euc_kr", "sjis": "shift_jis", "cp932": "cp932", "ujis": "euc_jp", "eucjpms": "euc_jp",
    "ucs2": "utf-16-be", "utf16": "utf-16-be", "utf16le": "utf-16-le", "utf32": "utf-32-be", "macroman": "mac_roman",
    "macce": "mac_latin2",
}  # fmt: skip


def codec_of(charset: str) -> str | None:
    """Return Python's codec for a MySQL charset, or None where there is none that agrees."""
    return _CODECS.get(charset)


def default_literals(key: Sequence[Column]) -> dict[str, str]:
    """Return the literals of the defaults of key columns, as far as they are constants whose literal is certain."""
    found = {column.name: _default_literal(column) for column in key if column.default is not None}
    return {name: literal for name, literal in found.items() if literal is not None}


def _default_literal(column: Column) -> str | None:
    text, kind = column.default or "", column.data_type
    if kind in INTEGERS:
        return str(int(text)) if _INTEGER_TEXT.fullmatch(text) else None
    if kind == "decimal":
        return text if _DECIMAL_TEXT.fullmatch(text) and "zerofill" not in column.full_type else None
    if kind in TEMPORAL:
        return f"'{text}'" if _MOMENT_TEXT.fullmatch(text) and kind != "timestamp" else None
    codec = codec_of(column.charset or "")
    if kind not in ("char", "varchar", "enum") or codec is None:
        return None
    try:
        return f"{introducer(column)} X'{text.encode(codec).hex().upper()}'"
    except UnicodeEncodeError:
        return None


_INTEGER_TEXT = re.compile(r"-?\d+")
_DECIMAL_TEXT = re.compile(r"-?\d+(\.\d+)?")
_MOMENT_TEXT = re.compile(r"[-\d]+|-?[\d:]+(\.\d+)?|[-\d]+ [\d:]+(\.\d+)?")


def decimal_text(buffer: bytes, at: int, precision: int, scale: int) -> str:
    """Return a DECIMAL's digits. Stored big-endian in groups of nine digits, the sign as the first bit, negatives
    inverted.
    """
    whole_digits = precision - scale
    negative = not buffer[at] & 0x80
    size = types.decimal_size(precision, scale)
    raw = bytearray(buffer[at : at + size])
    if len(raw) < size:
        raise IndexError("DECIMAL ends too early")
    raw[0] ^= 0x80
    if negative:
        raw = bytearray(byte ^ 0xFF for byte in raw)
    digits, place = [], 0
    groups = [whole_digits % 9, *[9] * (whole_digits // 9), *[9] * (scale // 9), scale % 9]
    for group in groups:
        if group:
            width = _DECIMAL_BYTES[group]
            digits.append(f"{int.from_bytes(raw[place : place + width], 'big'):0{group}d}")
            place += width
    joined = "".join(digits)
    text = (joined[:whole_digits].lstrip("0") or "0") + (f".{joined[whole_digits:]}" if scale else "")
    return f"-{text}" if negative else text


def double_text(value: float) -> str:
    """Return a double as the server writes it in JSON: the fewest digits that read back to it.

    An exponent comes in beyond 15 places, unless a digit stands behind the point.
    """
    if value == 0:
        return "0.0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - len(whole + fraction) + len(digits)
    digits = digits.rstrip("0")
    if point < 1 - _PLACES or (point > _PLACES and point >= len(digits)):
        rest = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{rest}e{point - 1}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    return f"{sign}{digits[:point].ljust(point, '0')}.{digits[point:] or '0'}"


def _fraction(value: int, digits: int) -> str:
    """Return `.123` from a stored fraction, which has an even number of digits."""
    return f".{value:0{digits + digits % 2}d}"[: digits + 1] if digits else ""


def _date(buffer: bytes, at: int, _: int) -> str:
    value = int.from_bytes(buffer[at : at + 3], "little")
    return f"'{value >> 9:04d}-{value >> 5 & 15:02d}-{value & 31:02d}'"


def _datetime2(buffer: bytes, at: int, digits: int) -> str:
    value = int.from_bytes(buffer[at : at + 5], "big") - (1 << 39)
    extra = (digits + 1) // 2
    year, month = divmod(value >> 22, 13)
    fraction = int.from_bytes(buffer[at + 5 : at + 5 + extra], "big")
    return (
        f"'{year:04d}-{month:02d}-{value >> 17 & 31:02d} "
        f"{value >> 12 & 31:02d}:{value >> 6 & 63:02d}:{value & 63:02d}{_fraction(fraction, digits)}'"
    )


def _time2(buffer: bytes, at: int, digits: int) -> str:
    extra = (digits + 1) // 2
    # With its fraction the value is one signed number, whose zero lies in the middle.
    value = int.from_bytes(buffer[at : at + 3 + extra], "big") - (1 << 23 + 8 * extra)
    sign, value = ("-", -value) if value < 0 else ("", value)
    clock, fraction = value >> 8 * extra, value & (1 << 8 * extra) - 1
    return f"'{sign}{clock >> 12 & 1023:02d}:{clock >> 6 & 63:02d}:{clock & 63:02d}{_fraction(fraction, digits)}'"


def _timestamp2(buffer: bytes, at: int, digits: int) -> str:
    seconds = int.from_bytes(buffer[at : at + 4], "big")
    fraction = _fraction(int.from_bytes(buffer[at + 4 : at + 4 + (digits + 1) // 2], "big"), digits)
    return _moment(seconds, fraction)


def _moment(seconds: int, fraction: str) -> str:
    if not seconds:
        return f"'0000-00-00 00:00:00{fraction}'"
    return f"'{_EPOCH + timedelta(seconds=seconds)}{fraction}'"


def _old_timestamp(buffer: bytes, at: int, _: int) -> str:
    return _moment(int.from_bytes(buffer[at : at + 4], "little"), "")


def _old_datetime(buffer: bytes, at: int, _: int) -> str:
    text = f"{int.from_bytes(buffer[at : at + 8], 'little'):014d}"
    return f"'{text[:4]}-{text[4:6]}-{text[6:8]} {text[8:10]}:{text[10:12]}:{text[12:14]}'"


def _old_time(buffer: bytes, at: int, _: int) -> str:
    value = int.from_bytes(buffer[at : at + 3], "little", signed=True)
    text = f"{abs(value):06d}"
    return f"'{'-' if value < 0 else ''}{text[:-4]}:{text[-4:-2]}:{text[-2:]}'"


_TEMPORAL: dict[int, Callable[[bytes, int, int], str]] = {
    types.DATE: _date, types.NEWDATE: _date, types.DATETIME2: _datetime2, types.TIME2: _time2,
    types.TIMESTAMP2: _timestamp2, types.TIMESTAMP: _old_timestamp, types.DATETIME: _old_datetime, types.TIME: _old_time,
}  # fmt: skip
