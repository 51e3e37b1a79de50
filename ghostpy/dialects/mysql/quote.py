"""The one place where identifiers and values become SQL text."""

from __future__ import annotations

from ghostpy.model.names import TableName

NAME_LIMIT = 64
"""Characters of an identifier."""


def name(identifier: str) -> str:
    """A quoted identifier ("Schema Object Names", MySQL manual)."""
    return "`" + identifier.replace("`", "``") + "`"


def table(full: TableName) -> str:
    """A quoted, qualified table name."""
    return f"{name(full.schema)}.{name(full.table)}"


def text(value: str) -> str:
    """A string literal that no sql_mode reads differently."""
    return f"_utf8mb4 X'{value.encode().hex()}'" if value else "''"
