"""The SQL of one run, built from its plan. Pure: no connection, no waiting.

Bounds and keys are literals already (`KeyRange`, `Key`); everything else goes through `quote`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from msgspec.structs import replace

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.key_text import INTEGERS, among, bound_row, key_sql, literal_sql
from ghostpy.model.column_map import ColumnFeed
from ghostpy.model.keys import Bound, Key, KeyRange
from ghostpy.model.plan import Plan
from ghostpy.model.table import Column


class Statements:
    """`source_key` and `shadow_key` are the quoted key columns."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.source = quote.table(plan.source.name)
        self.shadow = quote.table(plan.names.shadow)
        self.source_key = [quote.name(column.name) for column in plan.copy_key.source_columns]
        self.shadow_key = [quote.name(column.name) for column in plan.copy_key.shadow_columns]
        self._targets = ", ".join(quote.name(feed.target.name) for feed in plan.columns.feeds)
        self._values = ", ".join(self.value(feed) for feed in plan.columns.feeds)
        self.filter = f" AND ({plan.where})" if plan.where else ""

    def value(self, feed: ColumnFeed) -> str:
        """What fills a column of the shadow: an expression over the source's row."""
        if feed.transform is not None:
            return f"({feed.transform})"
        assert feed.source is not None
        return quote.name(feed.source.name)

    def stored(self, feed: ColumnFeed) -> str:
        """The same as the shadow's column holds it."""
        value = self.value(feed)
        if feed.transform is None and feed.source is not None and feed.source.full_type == feed.target.full_type:
            return value
        return f"CAST({value} AS {feed.target.full_type})"

    # --- ranges and keys -------------------------------------------------------------------------------------------

    @property
    def source_key_text(self) -> str:
        return self.text_of_key(self.source_key)

    @property
    def shadow_key_text(self) -> str:
        """The key as the source would write it."""
        return self.text_of_shadow_key(self.shadow_key)

    def text_of_key(self, names: Sequence[str]) -> str:
        """The text of the source's key whose columns are `names`."""
        return key_sql(self.plan.copy_key.source_columns, names)

    def text_of_shadow_key(self, names: Sequence[str]) -> str:
        """The same of a key of the shadow, as the source would write it."""
        key = self.plan.copy_key
        cast = [
            name if old.data_type == new.data_type else f"{name}::{old.data_type}"
            for name, old, new in zip(names, key.source_columns, key.shadow_columns, strict=True)
        ]
        return self.text_of_key(cast)

    def within(self, chunk: KeyRange, names: Sequence[str]) -> str:
        """A condition for the rows of `chunk`; `names` are the quoted key columns of either table."""
        row = f"({', '.join(names)})" if len(names) > 1 else names[0]
        columns = self.plan.copy_key.source_columns
        conditions = []
        if chunk.low is not None:
            conditions.append(f"{row} > {bound_row(chunk.low, columns)}")
        if chunk.high is not None:
            conditions.append(f"{row} <= {bound_row(chunk.high, columns)}")
        return " AND ".join(conditions) or "TRUE"

    def in_source(self, keys: Iterable[Key]) -> str:
        """A condition for the source's rows with these keys."""
        return among(keys, self.plan.copy_key.source_columns, self.source_key)

    def in_shadow(self, keys: Iterable[Key]) -> str:
        """A condition for the shadow's rows with these keys."""
        return among(keys, self._shadow_literals, self.shadow_key)

    @property
    def _shadow_literals(self) -> tuple[Column, ...]:
        """How the source's keys are written for the shadow: in its collations, whose order its index has."""
        key = self.plan.copy_key
        pairs = zip(key.source_columns, key.shadow_columns, strict=True)
        return tuple(replace(old, collation=new.collation) for old, new in pairs)

    @property
    def bounds(self) -> str:
        """Expressions for the literals of a row's key, of a row that has nothing else."""
        return ", ".join(
            f"{name}::text" if column.data_type in INTEGERS else literal_sql(name)
            for name, column in zip(self.source_key, self.plan.copy_key.source_columns, strict=True)
        )

    # --- copy and resync -------------------------------------------------------------------------------------------

    def next_bound(self, low: Bound | None, rows: int, high: Bound | None = None) -> str:
        order = ", ".join(self.source_key)
        # Selected inside, written as literals outside: else the server would write them out for every row it skips.
        return (
            f"SELECT {self.bounds} FROM (SELECT {order} FROM {self.source} "
            f"WHERE {self.within(KeyRange(low, high), self.source_key)} ORDER BY {order} LIMIT 1 OFFSET {rows - 1}) AS bound"
        )

    @property
    def last_key(self) -> str:
        """The largest key, where it is one column."""
        return f"SELECT max({self.source_key[0]}) FROM {self.source}"

    def copy(self, condition: str) -> str:
        """Copy the source's rows that match `condition`."""
        return (
            f"INSERT INTO {self.shadow} ({self._targets}) OVERRIDING SYSTEM VALUE "
            f"SELECT {self._values} FROM {self.source} WHERE {condition}{self.filter}"
        )

    def copy_chunk(self, chunk: KeyRange) -> str:
        return self.copy(self.within(chunk, self.source_key))

    def delete_keys(self, keys: Iterable[Key]) -> str:
        return f"DELETE FROM {self.shadow} WHERE {self.in_shadow(keys)}"

    def store(self, keys: Collection[Key], copied: KeyRange) -> Sequence[str]:
        """What brings the rows with these keys in line, of those within `copied`, in one transaction."""
        return (self.delete_keys(keys), self.insert_keys(keys, copied))

    def insert_keys(self, keys: Iterable[Key], copied: KeyRange) -> str:
        condition = self.in_source(keys)
        if copied.high is not None:
            condition += f" AND ({self.within(copied, self.source_key)})"
        return self.copy(condition)

    # --- rows as the shadow would hold them ------------------------------------------------------------------------

    def transformed(self, condition: str, extra: Sequence[str] = ()) -> str:
        """A SELECT of source rows as the shadow would hold them, under the shadow's column names, after `extra` expressions."""
        columns = [f"{self.stored(feed)} AS {quote.name(feed.target.name)}" for feed in self.plan.columns.feeds]
        return f"SELECT {', '.join([*extra, *columns])} FROM {self.source} WHERE {condition}{self.filter}"
