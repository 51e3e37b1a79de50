"""Fills a table with many rows, made on the server itself."""

from __future__ import annotations

from typing import Any

from ghostpy.sandbox.drivers import DRIVERS
from ghostpy.sandbox.shapes import Shape

_STEP = 50_000


def fill(cursor: Any, shape: Shape, table: str, rows: int) -> None:
    """Create `table` (quoted) as `shape` says, with the ids 1 … `rows`, and analyze it. `cursor`: of a driver's connection."""
    driver = DRIVERS[shape.kind]
    for statement in (*shape.create, *driver.before_filling):
        cursor.execute(statement.format(table=table))
    for first in range(1, rows + 1, _STEP):
        cursor.execute(shape.fill.format(table=table, first=first, last=min(rows, first + _STEP - 1)))
    cursor.execute(driver.analyze.format(table=table))
    if cursor.description:
        cursor.fetchall()
