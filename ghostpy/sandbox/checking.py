"""Is a table what its writers committed? Row by row, by the writers' own log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ghostpy.sandbox.drivers import DRIVERS
from ghostpy.sandbox.load import Committed

_AT_ONCE = 2000


def differences(
    cursor: Any, table: str, committed: Committed, *, until: float = float("inf"), key: str = "id"
) -> list[str]:
    """Where `table` is not what the writers committed, in words; rows last touched after `until` are left out.

    `cursor`: of a driver's connection. Only columns that both the table and the log know are compared.
    """
    wrong: list[str] = []
    ids = [row for row, moment in committed.touched.items() if moment <= until]
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        cursor.execute(f"SELECT * FROM {table} WHERE {key} IN ({','.join(map(str, part))})")
        names = [column[0] for column in cursor.description]
        position = names.index(key)
        found = {row[position]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
        for row in part:
            wrong += _row_differences(table, row, committed.rows[row], found.get(row))
    return wrong


def _row_differences(table: str, row: int, expected: dict[str, Any] | None, got: dict[str, Any] | None) -> list[str]:
    if expected is None:
        return [] if got is None else [f"{table}: row {row} was deleted, but is there"]
    if got is None:
        return [f"{table}: row {row} is missing"]
    return [
        f"{table}: row {row} has {name} = {got[name]!r}, committed was {value!r}"
        for name, value in expected.items()
        if name in got and got[name] != value
    ]


def differing_rows(
    cursor: Any, old: str, new: str, columns: Sequence[tuple[str, str]], *, key: str = "id", kind: str = "mysql"
) -> set[int]:
    """Ids of rows that are not alike in both tables, or stand in one only. `columns`: pairs of an expression over the
    old table's row `o` and one over the new table's row `n`; `kind`: that of the server."""
    same = " AND ".join(DRIVERS[kind].same(left, right) for left, right in columns)
    cursor.execute(
        f"SELECT o.{key} FROM {old} o LEFT JOIN {new} n ON n.{key} = o.{key} WHERE n.{key} IS NULL OR NOT ({same}) "
        f"UNION SELECT n.{key} FROM {new} n LEFT JOIN {old} o ON o.{key} = n.{key} WHERE o.{key} IS NULL"
    )
    return {row[0] for row in cursor.fetchall()}
