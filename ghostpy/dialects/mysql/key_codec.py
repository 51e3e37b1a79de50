"""The canonical text of a copy key in SQL, made by the server and made from the bytes of a row image, alike to the last
character.

    integers, YEAR, BIT, SET   digits                        -7, 2024, 3
    DECIMAL                    digits, all of its scale      -0.50
    FLOAT, DOUBLE              shortest digits of the double 0.10000000149011612, 1.0, 1e-17
    text, ENUM                 bytes with their charset      _utf8mb4 X'C3A9'   (ENUM's error value: 0)
    BINARY, VARBINARY          bytes                         X'00FF'
    temporal                   quoted, all of its fraction   '2020-01-01 10:00:00.123456' (TIMESTAMP: in UTC)

Parts of a composite key are joined by commas. The engine's key of a single integer column is the number itself.
Sources: "Literal Values" and "Numeric Type Storage Requirements" (MySQL manual). Sessions run under
`time_zone='+00:00'` and without PAD_CHAR_TO_FULL_LENGTH.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ghostpy.dialects.mysql import quote
from ghostpy.model.column_map import CopyKey
from ghostpy.model.keys import Key
from ghostpy.model.table import Column

INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
TEMPORAL = frozenset({"date", "time", "datetime", "timestamp"})
BINARY = frozenset({"binary", "varbinary"})
TEXT = frozenset({"char", "varchar"})
_KEY_TYPES = INTEGERS | TEMPORAL | BINARY | TEXT | {"bit", "set", "year", "decimal", "float", "double", "enum"}


def is_single_integer(columns: Sequence[Column]) -> bool:
    """Tell whether the engine's keys are plain `int`s."""
    return len(columns) == 1 and columns[0].data_type in INTEGERS


def fits_key(column: Column) -> bool:
    """Tell whether a column can be a part of a copy key.

    A SET of 64 members cannot: the server orders it without a sign in an index, but with one in a comparison. Nor can one with a member
    that is empty, which is equal to no member at all.
    """
    if column.data_type == "set":
        return len(column.labels) < 64 and "" not in column.labels
    return column.data_type in _KEY_TYPES


def key_sql(columns: Sequence[Column], alias: str = "") -> str:
    """Return an expression for a row's key in canonical text; `alias` (unquoted) qualifies the columns."""
    parts = [literal_sql(column, alias) for column in columns]
    return parts[0] if len(parts) == 1 else f"CONCAT_WS(',', {', '.join(parts)})"


def shadow_key_sql(key: CopyKey, alias: str = "") -> str:
    """Return an expression for the key of a row of the shadow, in the text that it has as one of the source."""
    pairs = zip(key.source_columns, key.shadow_columns, strict=True)
    parts = [_literal_in_source(qualified(new, alias), old, new) for old, new in pairs]
    return parts[0] if len(parts) == 1 else f"CONCAT_WS(',', {', '.join(parts)})"


def _literal_in_source(value: str, source: Column, shadow: Column) -> str:
    """The literal that the column `source` had for a value of `shadow`, whose type may only be a wider one (`carries_key`)."""
    if source.data_type in TEXT or (source.data_type == "enum" and shadow.data_type in TEXT):
        return _text_literal(f"CONVERT({value} USING {source.charset})", source)
    return _literal_of(_narrowed(value, source, shadow), source)


def _narrowed(value: str, source: Column, shadow: Column) -> str:
    kind = source.data_type
    if source.full_type == shadow.full_type:
        return value
    if kind == "decimal":
        return f"CAST({value} AS DECIMAL({source.numeric_precision},{source.numeric_scale}))"
    if kind in ("datetime", "timestamp"):
        return f"CAST({value} AS DATETIME({source.fraction_digits}))"
    if kind == "time":
        return f"CAST({value} AS TIME({source.fraction_digits}))"
    return value


def qualified(column: Column, alias: str = "") -> str:
    """Return the column's name in SQL; `alias` (unquoted) says of which table."""
    name = quote.name(column.name)
    return f"{quote.name(alias)}.{name}" if alias else name


def literal_sql(column: Column, alias: str = "") -> str:
    """Return an expression for a literal that equals the column's value, and finds it by its index.

    Raises ValueError for a type that cannot stand in a key with its whole length.
    """
    if not fits_key(column):
        raise ValueError(f"{column.full_type} cannot be a part of a copy key")
    return _literal_of(qualified(column, alias), column)


def _literal_of(value: str, column: Column) -> str:
    kind = column.data_type
    if kind in INTEGERS:
        # The cast to a number takes the zeros of ZEROFILL away.
        return f"CAST(CAST({value} AS {'UNSIGNED' if column.unsigned else 'SIGNED'}) AS CHAR)"
    if kind in ("bit", "set", "year"):
        return f"CAST(CAST({value} AS UNSIGNED) AS CHAR)"
    if kind == "decimal":
        # Zero is added for ZEROFILL's sake too, and keeps the scale.
        return f"CAST({value} + 0 AS CHAR)" if "zerofill" in column.full_type else f"CAST({value} AS CHAR)"
    if kind in ("float", "double"):
        # A sum has no display width to round to, and turns -0 into the 0 that it equals. As plain text a double is cut
        # to 22 characters by MySQL, which is not always all of it; as JSON it never is. MariaDB, which passes over such a comment,
        # cuts nothing.
        return f"CAST(/*!80000 CAST( */ {value} + 0e0 /*!80000 AS JSON) */ AS CHAR)"
    if kind in TEMPORAL:
        return f"CONCAT('''', CAST({value} AS CHAR), '''')"
    if kind in BINARY:
        return f"CONCAT('X''', HEX({value}), '''')"
    if kind in TEXT:
        return _text_literal(value, column)
    if kind == "enum":
        return f"IF({value} = 0, '0', {_text_literal(value, column)})"
    raise AssertionError(kind)


def _text_literal(value: str, column: Column) -> str:
    return f"CONCAT('{introducer(column)} X''', HEX({value}), '''')"


def bound_sql(column: Column, alias: str = "") -> str:
    """Return an expression for a literal that stands for the column's value in `<` and `>`, in the order of its index.

    ENUM and SET are indexed by number but compared with a string as text, so their bounds are numbers.
    """
    if column.data_type == "enum":
        return f"CAST({qualified(column, alias)} + 0 AS CHAR)"
    return literal_sql(column, alias)


def listed_part_by_part(columns: Sequence[Column]) -> bool:
    """Tell whether keys with these columns must be compared part by part.

    A list of rows with the number of a SET or of an ENUM's error value finds nothing on MySQL, where it has more than one; and on MariaDB
    such a number beside texts has those overlooked.
    """
    return any(column.data_type in ("enum", "set") for column in columns)


def among(keys: Iterable[Key], names: Sequence[str], *, part_by_part: bool) -> str:
    """Return a condition for the rows with these keys; `names` are the quoted columns of the key."""
    if len(names) == 1:
        return f"{names[0]} IN ({','.join(map(str, keys))})"
    if part_by_part:
        return f"({' OR '.join(_equal(names, str(key)) for key in keys)})"
    return f"({', '.join(names)}) IN ({','.join(f'({key})' for key in keys)})"


def _equal(names: Sequence[str], key: str) -> str:
    # There is no comma within a literal.
    return f"({' AND '.join(f'{name} = {literal}' for name, literal in zip(names, key.split(','), strict=True))})"


def introducer(column: Column) -> str:
    """Return `_charset`, which makes the bytes behind it a string of the column's own charset."""
    if not column.charset or not column.charset.isalnum():
        raise ValueError(f"column {column.name} has no charset")
    return f"_{column.charset}"
