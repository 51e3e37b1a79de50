"""The one place where identifiers and values become SQL text."""

from __future__ import annotations

from ghostpy.model.names import TableName


def name(identifier: str) -> str:
    """A quoted identifier ("Identifiers and Key Words", PostgreSQL manual)."""
    return '"' + identifier.replace('"', '""') + '"'


def table(full: TableName) -> str:
    """A quoted, qualified table name."""
    return f"{name(full.schema)}.{name(full.table)}"


def text(value: str) -> str:
    """A string literal; our sessions run with standard_conforming_strings, so a backslash is a character like any other."""
    return "'" + value.replace("'", "''") + "'"
