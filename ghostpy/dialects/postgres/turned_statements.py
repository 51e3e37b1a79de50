"""The SQL of a revert: rows of the old table are brought in line with the new table, and keep what that does not have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.key_text import INTEGERS
from ghostpy.dialects.postgres.statements import Statements
from ghostpy.model.column_map import ColumnFeed
from ghostpy.model.keys import Key, KeyRange
from ghostpy.model.plan import Plan
from ghostpy.model.table import Column, Generated

_STANDS, _FRESH = "_ghostpy_stands", "_ghostpy_fresh"
"""Aliases of the old and the new table, which no column is called by."""


class TurnedStatements(Statements):
    """Of a plan whose shadow is the old table. `cast`: columns of the old table that take the new one's values by an explicit cast only."""

    def __init__(self, plan: Plan, *, cast: Collection[str] = ()) -> None:
        self._cast = frozenset(cast)
        super().__init__(plan)
        feeds, columns = plan.columns.feeds, plan.columns
        self._fed = [quote.name(feed.target.name) for feed in feeds]
        fills = {feed.target.name: f"({feed.transform})::{feed.target.data_type}" for feed in columns.fills}
        self._filled = [quote.name(name) for name in fills]
        self._fillings = list(fills.values())
        self._kept = [quote.name(c.name) for c in columns.added if c.generated is Generated.NO]
        # Integers that are equal are the same; of other types equal keys may be written differently.
        alike = {column.name for column in plan.copy_key.shadow_columns if column.data_type in INTEGERS}
        self._set = [i for i, feed in enumerate(feeds) if feed.target.name not in alike]

    def value(self, feed: ColumnFeed) -> str:
        value = super().value(feed)
        # Without the type's length: what is too long is then refused, and not cut off.
        return f"{value}::{feed.target.data_type}" if feed.target.name in self._cast else value

    def store(self, keys: Collection[Key], copied: KeyRange) -> Sequence[str]:
        """The old table is whole, so `copied` is everything. Values of columns that only it has stay in the rows that stay."""
        return (self.delete_gone(keys), *([self.update_keys(keys)] if self._set else []), self.insert_missing(keys))

    def delete_gone(self, keys: Collection[Key]) -> str:
        """Delete the rows that only the old table has."""
        return (
            f"DELETE FROM {self.shadow} AS {_STANDS} WHERE {self.in_shadow(keys)} "
            f"AND NOT EXISTS (SELECT FROM {self.source} AS {_FRESH} WHERE {self._of(_STANDS)})"
        )

    def update_keys(self, keys: Collection[Key]) -> str:
        """Update the rows that both tables have."""
        sets = ", ".join(f"{self._fed[i]} = fresh.v{i}" for i in self._set)
        return (
            f"UPDATE {self.shadow} AS {_STANDS} SET {sets} FROM ({self._fresh(keys, values=True)}) AS fresh "
            f"WHERE {self._same()}"
        )

    def insert_missing(self, keys: Collection[Key]) -> str:
        """Insert the rows that only the new table has, with what a new row of the old table gets in the columns that nothing feeds."""
        values = [*(f"fresh.v{i}" for i in range(len(self._fed))), *(f"fresh.f{i}" for i in range(len(self._filled)))]
        return (
            f"INSERT INTO {self.shadow} ({', '.join([*self._fed, *self._filled])}) OVERRIDING SYSTEM VALUE "
            f"SELECT {', '.join(values)} FROM ({self._fresh(keys, values=True, fills=True)}) AS fresh "
            f"WHERE NOT EXISTS (SELECT FROM {self.shadow} AS {_STANDS} WHERE {self._same()})"
        )

    def replace_keys(self, keys: Collection[Key]) -> str:
        """As `update_keys`, for rows that give values of a unique key to each other: all of them are deleted before one is written.

        No row leaves the SELECT before the deleted ones are counted; a row that our own transaction has deleted is in nobody's way.
        """
        values = [f"fresh.v{i}" for i in range(len(self._fed))]
        kept = [f"gone.{name}" for name in self._kept]
        return (
            f"WITH gone AS (DELETE FROM {self.shadow} AS {_STANDS} WHERE {self.in_shadow(keys)} RETURNING {_STANDS}.*), "
            "told AS MATERIALIZED (SELECT count(*) AS rows FROM gone) "
            f"INSERT INTO {self.shadow} ({', '.join([*self._fed, *self._kept])}) OVERRIDING SYSTEM VALUE "
            f"SELECT {', '.join([*values, *kept])} FROM told, gone, "
            f"LATERAL (SELECT {', '.join(self._values_as())} FROM {self.source} AS {_FRESH} WHERE {self._of('gone')}) AS fresh "
            "WHERE told.rows > 0"
        )

    def _fresh(self, keys: Iterable[Key], *, values: bool = False, fills: bool = False) -> str:
        """The new table's rows, as the old one is to have them."""
        columns = [f"{name} AS k{i}" for i, name in enumerate(self.source_key)]
        if values:
            columns += self._values_as()
        if fills:
            columns += [f"{filling} AS f{i}" for i, filling in enumerate(self._fillings)]
        return f"SELECT {', '.join(columns)} FROM {self.source} WHERE {self.in_source(keys)}"

    def _values_as(self) -> list[str]:
        return [f"{self.value(feed)} AS v{i}" for i, feed in enumerate(self.plan.columns.feeds)]

    def _same(self) -> str:
        """The old table's row with the key of a fresh one, by the old table's own index."""
        conditions = []
        for i, (name, column) in enumerate(zip(self.shadow_key, self.plan.copy_key.shadow_columns, strict=True)):
            conditions.append(f"{_STANDS}.{name} = fresh.k{i}{_collated(column)}")
        return " AND ".join(conditions)

    def _of(self, standing: str) -> str:
        """The new table's row with the key of one of the old table, by the new table's own index."""
        names = zip(self.source_key, self.shadow_key, self.plan.copy_key.source_columns, strict=True)
        return " AND ".join(f"{_FRESH}.{new} = {standing}.{old}{_collated(column)}" for new, old, column in names)


def _collated(column: Column) -> str:
    return f" COLLATE {column.collation}" if column.collation else ""
