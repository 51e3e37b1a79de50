"""Fills a table with many rows, made on the server itself."""

from __future__ import annotations

from typing import Any

_STEP = 50_000


def fill(cursor: Any, shape: Any, table: str, rows: int) -> None:
    """Create `table` (quoted) as `shape` says, with the ids 1 … `rows`, and analyze it. `cursor`: of a driver's connection."""
    cursor.execute(shape.create.format(table=table))
    cursor.execute(f"SET SESSION cte_max_recursion_depth = {_STEP + 1}")
    for first in range(1, rows + 1, _STEP):
        cursor.execute(shape.fill.format(table=table, first=first, last=min(rows, first + _STEP - 1)))
    cursor.execute(f"ANALYZE TABLE {table}")
    cursor.fetchall()
