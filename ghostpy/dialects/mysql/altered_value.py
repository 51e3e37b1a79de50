"""What ALTER TABLE makes of a value whose column's type it changes, as SQL over a source row.

INSERT … SELECT of the bare column is not always that: it hands over the number of a FLOAT or of a ZEROFILL column, where ALTER TABLE
hands over its text; the text of a string to BIT, where ALTER TABLE hands over its number; and a TIMESTAMP in the session's time zone, which is
not that of the server. Measured on MySQL 9.7 and MariaDB 10.11 for each type to each other.
"""

from __future__ import annotations

from msgspec import Struct

from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.types import BINARIES, INEXACT, INTEGERS, LABELLED, MOMENTS, TEXTS
from ghostpy.model.table import Column

_DATED = MOMENTS | {"date", "time"}
_NUMBERS = INTEGERS | INEXACT | {"decimal", "year"}


class Value(Struct, frozen=True):
    """An expression over a source row, and its type, as far as it is known: as `Column.data_type`."""

    sql: str
    kind: str | None = None


def altered_value(source: Column, target: Column, zone: str) -> Value:
    """What feeds `target`, for ALTER TABLE's result. `zone`: the server's own time zone, in which it would convert."""
    value = Value(quote.name(source.name), source.data_type)
    if source.full_type == target.full_type:
        return value
    if target.data_type == "timestamp" and source.data_type != "timestamp":
        return _into_zone(value, zone)
    if source.data_type == "timestamp" and target.data_type != "timestamp":
        # CONVERT_TZ gives NULL for zero dates, which have no zone.
        moved = f"CONVERT_TZ({value.sql}, '+00:00', {quote.text(zone)})"
        if target.data_type in INTEGERS | {"bit"}:
            return Value(f"IF({value.sql} = 0, 0, CAST({moved} AS SIGNED))", "bigint")
        if target.data_type in _NUMBERS:
            return _handed_over(Value(f"IF({value.sql} = 0, 0, {moved} + 0)", "decimal"), target)
        value = Value(f"IF({value.sql} = 0, {value.sql}, {moved})", "datetime")
    return _handed_over(value, target)


def _handed_over(value: Value, target: Column) -> Value:
    if value.kind in _NUMBERS:
        return _number(value, target.data_type)
    if value.kind in _DATED:
        return _moment(value, target.data_type)
    if value.kind in TEXTS | BINARIES and target.data_type == "bit":
        return _whole(value)
    return value


def _number(value: Value, becomes: str) -> Value:
    if becomes in LABELLED | _DATED:
        return _text_on_mysql(value)
    if becomes in TEXTS | BINARIES | {"json"}:
        return _text(value)
    if becomes == "year" and value.kind in INEXACT:
        return _whole(Value(f"/*M! TRUNCATE( */ {value.sql} /*M! , 0) */"))
    if becomes in ("bit", "year") and value.kind in INEXACT | {"decimal"}:
        return _whole(value)
    return value


def _moment(value: Value, becomes: str) -> Value:
    if becomes in BINARIES | LABELLED:
        return _text(value)
    if becomes in INTEGERS | {"bit", "year"}:
        return _whole(value)
    if becomes in _NUMBERS:
        return Value(f"({value.sql} + 0)", "decimal")
    return value


def _text(value: Value) -> Value:
    return Value(f"CAST({value.sql} AS CHAR)", "varchar")


def _text_on_mysql(value: Value) -> Value:
    """As for a member of an ENUM, or for a date; MariaDB takes the number."""
    return Value(f"/*!80000 CAST( */ {value.sql} /*!80000 AS CHAR) */", value.kind)


def _whole(value: Value) -> Value:
    return Value(f"CAST({value.sql} AS SIGNED)", "bigint")


def _into_zone(value: Value, zone: str) -> Value:
    if value.kind in _NUMBERS:
        value = _text_on_mysql(value)
    elif value.kind not in _DATED | TEXTS:
        value = _text(value)
    moment = value.sql if value.kind == "datetime" else f"CAST({value.sql} AS DATETIME(6))"
    instant = f"CONVERT_TZ({moment}, {quote.text(zone)}, '+00:00')"
    back = f"CONVERT_TZ({instant}, '+00:00', {quote.text(zone)})"
    # A time that the clocks leave out in spring would be moved; an ALTER refuses it, and so is this text refused.
    refused = f"CONCAT({moment}, {quote.text(' is no time in ' + zone)})"
    return Value(f"IF({moment} = 0, {moment}, IF({back} = {moment}, {instant}, {refused}))", value.kind)
