"""Families of column types, and what follows for keys and values."""

from __future__ import annotations

from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.key_codec import fits_key
from ghostpy.model.table import Column

INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
INEXACT = frozenset({"float", "double"})
TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})
BINARIES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
LABELLED = frozenset({"enum", "set"})
MOMENTS = frozenset({"datetime", "timestamp"})
GEOMETRIES = frozenset(
    {"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geomcollection"}
    | {"geometrycollection"}
)


def carries_key(source: Column, shadow: Column) -> bool:
    """Whether a literal of the source's key column finds the same row in the shadow's column, by its index."""
    old, new = source.data_type, shadow.data_type
    if not fits_key(source):
        return False
    if old in INTEGERS | {"decimal"}:
        return new in INTEGERS | {"decimal"} and (shadow.numeric_scale or 0) >= (source.numeric_scale or 0)
    if old in TEXTS:
        return new in TEXTS
    if old == "enum":
        return new in TEXTS or new == "enum"
    if old in BINARIES:
        # BINARY(n) pads its values, so a change of length changes them.
        return new in BINARIES and (source.full_type == shadow.full_type or "binary" not in (old, new))
    if old in MOMENTS or old == "time":
        return new == old and shadow.fraction_digits >= source.fraction_digits
    return source.full_type == shadow.full_type


def orders_alike(source: Column, shadow: Column) -> bool:
    """Whether the two columns put equal values in the same order, so that a range of the one is the same range of the other."""
    if source.data_type in LABELLED or shadow.data_type in LABELLED:
        return source.full_type == shadow.full_type and source.collation == shadow.collation
    if source.data_type in TEXTS or shadow.data_type in TEXTS:
        return shadow.data_type in TEXTS and source.collation == shadow.collation
    return True


def implicit_value(column: Column) -> str | None:
    """What ALTER TABLE fills into a new NOT NULL column without a default ("Data Type Default Values", MySQL manual).

    None where there is no such value, or only a zero date, which strict mode refuses.
    """
    kind = column.data_type
    if kind in INTEGERS | INEXACT | {"decimal", "bit", "year"}:
        return "0"
    if kind in TEXTS | BINARIES | {"set"}:
        return "''"
    if kind == "enum":
        return quote.text(column.labels[0])
    if kind == "json":
        return "CAST('null' AS JSON)"
    return None
