"""One digest per row, for both tables: equal rows give equal digests.

A column goes in as text or bytes that leave nothing out: fractions of seconds, the sign of −0.0, trailing zeros of binaries, case
and accents that a collation calls equal. A source column whose type the ALTER changes is first converted as storing it would.
The digest is SHA2(…, 224), of which MariaDB, whose BIT_XOR() takes numbers only, gets the first 64 bits; MD5() and SHA1() are gone from MySQL 9.7
without a component.
"""

from __future__ import annotations

from msgspec import Struct

from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.altered_value import Value
from ghostpy.dialects.mysql.types import BINARIES, GEOMETRIES, INEXACT, INTEGERS, LABELLED, MOMENTS, TEXTS
from ghostpy.model.column_map import ColumnFeed
from ghostpy.model.table import Column

_NUMBERS = INTEGERS | {"decimal", "year", "bit"}


class Canonical(Struct, frozen=True):
    """How one column is compared: expressions, one or more, over source values, and the same over the shadow's column."""

    source: str
    shadow: str


def row_digest(parts: list[str]) -> str:
    """The digest of a row; `parts` are canonical expressions."""
    # "Bit Functions and Operators", MySQL manual; each of the two servers passes over what is for the other.
    digest = f"SHA2(CONCAT_WS('#', {', '.join(parts)}), 224)"
    return f"/*!80000 UNHEX( */ /*M! CAST(CONV(LEFT( */ {digest} /*!80000 ) */ /*M! , 16), 16, 10) AS UNSIGNED) */"


def canonical(feed: ColumnFeed, value: Value) -> Canonical | None:
    """How `feed` is compared, `value` being what feeds it; None where no faithful comparison is known."""
    target = feed.target
    name = quote.name(target.name)
    if feed.source is not None and _stored_alike(feed.source, target):
        converted: str | None = value.sql
    else:
        converted = _as_stored(value.sql, value.kind, target)
    if converted is None:
        return None
    if target.data_type in LABELLED and (feed.source is None or feed.source.labels != target.labels):
        # Storing matches labels by collation, so only the members' numbers are the same on both sides.
        number = _member(value.sql, target) if target.data_type == "enum" else _members(value.sql, target)
        return Canonical(_nullable(number, target), _nullable(f"CAST({name} AS UNSIGNED)", target))
    return Canonical(_exact(converted, target), _exact(name, target))


def _stored_alike(source: Column, target: Column) -> bool:
    return source.full_type == target.full_type and source.charset == target.charset


def _exact(value: str, column: Column) -> str:
    kind = column.data_type
    if kind in ("bit", "year"):
        return _nullable(f"({value}+0)", column)
    if kind in INEXACT:
        return _nullable(f"CAST({value} AS DOUBLE)", column)
    if kind in TEXTS | LABELLED:
        return _measured(value, column)
    if kind in BINARIES | GEOMETRIES or kind == "vector":
        return _measured(value, column)
    if kind == "json":
        return _measured(f"CAST({value} AS CHAR)", column)
    if "zerofill" in column.full_type:
        return _nullable(f"({value}+0)", column)  # its text has as many zeros as the column is wide
    return _nullable(f"CAST({value} AS CHAR)" if kind in MOMENTS | {"date", "time"} else value, column)


def _measured(value: str, column: Column) -> str:
    # With its length in front, no value can run over into the next column. CONCAT_WS() leaves NULLs out.
    return f"{_nullable(f'LENGTH({value})', column)}, CAST({value} AS BINARY)"


def _nullable(value: str, column: Column) -> str:
    return f"IFNULL({value}, 'N')" if column.nullable else value


def _member(value: str, target: Column) -> str:
    labels = ", ".join(quote.text(label) for label in target.labels)
    # Blanks at the end are not looked at where a label is stored.
    text = f"TRIM(TRAILING ' ' FROM CONVERT({value} USING {target.charset}))"
    number = f"FIELD({text} COLLATE {target.collation}, {labels})"
    # FIELD() of NULL is 0. Cast, because the number would carry the explicit collation on into the digest, where it refuses bytes.
    return f"IF({value} IS NULL, NULL, CAST({number} AS BINARY))"


def _members(value: str, target: Column) -> str:
    listed = f"CONVERT({value} USING {target.charset}) COLLATE {target.collation}"
    bits = [f"((FIND_IN_SET({quote.text(label)}, {listed}) > 0) << {i})" for i, label in enumerate(target.labels)]
    return f"({' | '.join(bits)})"


def _as_stored(value: str, old: str | None, target: Column) -> str | None:
    """`value`, of the type `old`, as the column `target` would hold it ("Type Conversion in Expression Evaluation", MySQL manual)."""
    kind = target.data_type
    if kind in TEXTS:
        return _as_text(value, old, target)
    if kind in BINARIES:
        return _as_binary(value, old, target)
    if kind in INTEGERS:
        if old in INTEGERS or old in LABELLED | {"bit", "year"}:
            return f"({value}+0)"
        if old is None or old in TEXTS | INEXACT | {"decimal"}:
            return f"CAST(ROUND({value}) AS {'UNSIGNED' if target.unsigned else 'SIGNED'})"
        return None
    if kind == "decimal":
        return f"CAST({value} AS DECIMAL({target.numeric_precision},{target.numeric_scale}))"
    if kind in INEXACT:
        return f"CAST({value} AS {kind.upper()})"
    if kind in MOMENTS:
        return f"CAST({value} AS DATETIME({target.fraction_digits}))"
    if kind == "time":
        if old in TEXTS | BINARIES:
            value = f"IF({value} = '', '0', {value})"  # which is stored as that, but is no time for CAST
        return f"CAST({value} AS TIME({target.fraction_digits}))"
    if kind == "date":
        # Storing rounds to whole seconds first, which may be the next day's; CAST alone cuts.
        return f"CAST(CAST({value} AS DATETIME) AS DATE)" if old in MOMENTS else f"CAST({value} AS DATE)"
    if kind == "year" and old in INTEGERS:
        # Numbers of two digits are years of this century or the last.
        return f"({value} + CASE WHEN {value} BETWEEN 1 AND 69 THEN 2000 WHEN {value} BETWEEN 70 AND 99 THEN 1900 ELSE 0 END)"
    if kind in ("year", "bit"):
        return f"({value}+0)" if old is None or old in _NUMBERS else None
    if kind == "enum":
        return value if old is None or old in TEXTS | {"enum"} else None
    if kind == "set":
        return value if old is None or old in TEXTS | {"set"} else None
    if kind == "json":
        return f"CAST({value} AS JSON)"
    if kind in GEOMETRIES | {"vector"}:
        return value if old == kind or (old in GEOMETRIES and kind in GEOMETRIES) else None
    return None


def _as_text(value: str, old: str | None, target: Column) -> str | None:
    if old in ("bit",) or old in GEOMETRIES:
        return None
    text = f"CONVERT({value} USING {target.charset})"
    if target.data_type in ("char", "varchar"):
        text = f"LEFT({text}, {target.character_length})"  # only trailing blanks can be longer: strict mode refuses the rest
    return f"TRIM(TRAILING ' ' FROM {text})" if target.data_type == "char" else text


def _as_binary(value: str, old: str | None, target: Column) -> str | None:
    if old not in (None, "binary", "varbinary") and old not in TEXTS | BINARIES:
        return None
    raw = f"CAST({value} AS BINARY)"
    return f"RPAD({raw}, {target.character_length}, X'00')" if target.data_type == "binary" else raw
