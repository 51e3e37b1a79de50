"""Keys and bounds as SQL.

A key of one integer column is a number. Any other is the text of its literals, each the type's own output in quotes, joined by commas: the
stream gives values in that form, and `key_sql` makes the server give it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ghostpy.model.column_map import CopyKey
from ghostpy.model.keys import Bound, Key
from ghostpy.model.table import Column

INTEGERS = frozenset({"smallint", "integer", "bigint"})


def is_integer(columns: Sequence[Column]) -> bool:
    """Whether keys over `columns` are numbers."""
    return len(columns) == 1 and columns[0].data_type in INTEGERS


def literal_sql(name: str) -> str:
    """An expression for the literal of one column; `name` is quoted already. `format` writes a value as its type does.

    The collation is that of the result only: searching in text takes none that is nondeterministic.
    """
    return f"('''' || replace(format('%s', {name}) COLLATE \"C\", '''', '''''') || '''')"


def key_sql(columns: Sequence[Column], names: Sequence[str]) -> str:
    """An expression for the key's text. `names`: the quoted columns of the table that it is read from."""
    if is_integer(columns):
        return f"{names[0]}::text"
    return " || ', ' || ".join(literal_sql(name) for name in names)


def to_key(key: CopyKey, text: object) -> Key:
    """The model's key for a text that `key_sql` made."""
    return int(str(text)) if is_integer(key.source_columns) else str(text)


def among(keys: Iterable[Key], columns: Sequence[Column], names: Sequence[str]) -> str:
    """A condition for the rows with these keys; `keys` must not be empty."""
    if is_integer(columns):
        return f"{names[0]} = ANY('{{{','.join(map(str, keys))}}}'::{columns[0].data_type}[])"
    # The types are taken from the first row.
    listed = iter(keys)
    first = typed_row(str(next(listed)), columns)
    rows = "".join(f",({key})" for key in listed)
    return f"({', '.join(names)}) IN (VALUES ({first}){rows})"


def typed_row(literals: str, columns: Sequence[Column]) -> str:
    """The literals of one key, each with its type, and with its collation: the list is sifted for what is equal before it is joined.

    Without it two spellings of one key would stay two, and each of them find the row.
    """
    return ", ".join(
        f"{literal}::{column.data_type}{_collated(column)}"
        for literal, column in zip(split_literals(literals), columns, strict=True)
    )


def _collated(column: Column) -> str:
    return f" COLLATE {column.collation}" if column.collation else ""


def split_literals(text: str) -> list[str]:
    """The literals of a key's text, quotes included."""
    literals, start, inside = [], 0, False
    for place, character in enumerate(text):
        if character == "'":
            inside = not inside
        elif character == "," and not inside:
            literals.append(text[start:place].strip())
            start = place + 1
    literals.append(text[start:].strip())
    return literals


def bound_row(bound: Bound, columns: Sequence[Column]) -> str:
    """A bound as a row to compare with; ordered as the source's columns are."""
    parts = []
    for literal, column in zip(bound, columns, strict=True):
        # The sign binds less than the cast, and the smallest number without its sign is none of the type.
        value = f"({literal})" if literal.startswith("-") else literal
        parts.append(f"{value}::{column.data_type}{_collated(column)}")
    return f"({', '.join(parts)})" if len(parts) > 1 else parts[0]
