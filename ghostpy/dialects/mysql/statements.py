"""The SQL of one run, built from its plan. Pure: no connection, no waiting.

Bounds and keys are literals already (`KeyRange`, `Key`); everything else goes through `quote`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.altered_value import Value, altered_value
from ghostpy.dialects.mysql.key_codec import among, bound_sql, listed_part_by_part, shadow_key_sql
from ghostpy.dialects.mysql.types import INTEGERS
from ghostpy.model.column_map import ColumnFeed
from ghostpy.model.keys import Bound, Key, KeyRange
from ghostpy.model.plan import Plan
from ghostpy.model.table import Column, Generated


class Statements:
    """Builds the statements of copy, resync and comparison for one plan.

    `locking`: reads of the source take shared row locks, the fence of servers without GTIDs (design, race 1).
    `zone`: the server's own time zone, in which an ALTER would convert between TIMESTAMP and the types without a zone.
    """

    def __init__(self, plan: Plan, *, locking: bool, zone: str) -> None:
        self.plan = plan
        self.source = quote.table(plan.source.name)
        self.shadow = quote.table(plan.names.shadow)
        self.source_key = [quote.name(column.name) for column in plan.copy_key.source_columns]
        self.shadow_key = [quote.name(column.name) for column in plan.copy_key.shadow_columns]
        self.index = f"FORCE INDEX ({quote.name(plan.copy_key.index)})"
        self.shadow_index = f"FORCE INDEX ({quote.name(plan.copy_key.shadow_index)})"
        self._zone = zone
        self._locking = locking
        self._share = " LOCK IN SHARE MODE" if locking else ""
        self._targets = ", ".join(quote.name(feed.target.name) for feed in plan.columns.feeds)
        self._values = ", ".join(self.value(feed) for feed in plan.columns.feeds)
        self.filter = f" AND ({plan.where})" if plan.where else ""
        self.bounds = ", ".join(bound_sql(column) for column in plan.copy_key.source_columns)
        key = plan.copy_key
        self._part_by_part = listed_part_by_part((*key.source_columns, *key.shadow_columns))
        self.writes_over = _writes_over(plan)
        """Whether a row that refuses another one, by a unique key, is that same row."""

    def over(self, plan: Plan) -> Statements:
        """The same for another plan of the same change: for other names of its tables."""
        return Statements(plan, locking=self._locking, zone=self._zone)

    def fed(self, feed: ColumnFeed) -> Value:
        """What feeds a column, over the columns of a source row."""
        if feed.source is None:
            return Value(f"({feed.transform})")
        return altered_value(feed.source, feed.target, self._zone)

    def value(self, feed: ColumnFeed) -> str:
        """The same, as SQL only."""
        return self.fed(feed).sql

    # --- ranges and keys -------------------------------------------------------------------------------------------

    def within(self, chunk: KeyRange, columns: Sequence[str]) -> str:
        """A condition for the rows of `chunk`; `columns` are the quoted key columns of either table."""
        conditions = []
        if chunk.low is not None:
            conditions.append(_beyond(columns, chunk.low, ">", ">"))
        if chunk.high is not None:
            conditions.append(_beyond(columns, chunk.high, "<", "<="))
        return " AND ".join(conditions) or "TRUE"

    def among(self, keys: Iterable[Key], columns: Sequence[str]) -> str:
        """A condition for the rows with these keys."""
        return among(keys, columns, part_by_part=self._part_by_part)

    # --- copy ------------------------------------------------------------------------------------------------------

    def next_bound(self, low: Bound | None, rows: int, high: Bound | None = None) -> str:
        order = ", ".join(self.source_key)
        # Selected inside, written as literals outside: else the server would write them out for every row it skips.
        return (
            f"SELECT {self.bounds} FROM (SELECT {order} FROM {self.source} {self.index} "
            f"WHERE {self.within(KeyRange(low, high), self.source_key)} ORDER BY {order} LIMIT 1 OFFSET {rows - 1}) AS bound"
        )

    def copy(self, chunk: KeyRange) -> str:
        return (
            f"INSERT INTO {self.shadow} ({self._targets}) SELECT {self._values} FROM {self.source} {self.index} "
            f"WHERE {self.within(chunk, self.source_key)}{self.filter}{self._share}"
        )

    # --- resync ----------------------------------------------------------------------------------------------------

    def delete_keys(self, keys: Iterable[Key]) -> str:
        # A DELETE takes no FORCE INDEX, and the shadow's statistics lag behind its growth.
        table, index = (quote.name(name) for name in (self.plan.names.shadow.table, self.plan.copy_key.shadow_index))
        hint = f"/*+ INDEX({table} {index}) */"
        return f"DELETE {hint} FROM {self.shadow} WHERE {self.among(keys, self.shadow_key)}"

    def delete_beyond(self, low: Bound, rows: int) -> str:
        """Delete up to `rows` rows of the shadow above `low`; needs a key that both tables order alike."""
        return f"DELETE FROM {self.shadow} WHERE {self.within(KeyRange(low, None), self.shadow_key)} LIMIT {rows}"

    def insert_keys(self, keys: Iterable[Key], copied: KeyRange) -> str:
        condition = self.among(keys, self.source_key)
        if copied.high is not None:
            condition += f" AND ({self.within(copied, self.source_key)})"
        return (
            f"INSERT INTO {self.shadow} ({self._targets}) SELECT {self._values} FROM {self.source} {self.index} "
            f"WHERE {condition}{self.filter}{self._share}"
        )

    def write_over(self, keys: Iterable[Key], copied: KeyRange) -> str:
        """As `insert_keys`, over the rows that are there; needs `writes_over`.

        Of those only the columns and index entries that have changed are written.
        """
        columns = self.plan.columns
        sets = [f"{name} = VALUES({name})" for name in (quote.name(feed.target.name) for feed in columns.feeds)]
        # A column that follows the clock (ON UPDATE) moves unless it is set.
        added = [quote.name(column.name) for column in columns.added if column.generated is Generated.NO]
        sets += [f"{name} = {self.shadow}.{name}" for name in added]
        return f"{self.insert_keys(keys, copied)} ON DUPLICATE KEY UPDATE {', '.join(sets)}"

    def gone(self, keys: Iterable[Key]) -> str:
        """Key texts of the shadow's rows with these keys that come from no row of the source. Names each table once, and by its own name."""
        text = shadow_key_sql(self.plan.copy_key, self.plan.names.shadow.table)
        pairs = zip(self.source_key, self.shadow_key, strict=True)
        same = " AND ".join(f"{self.source}.{old} = {self.shadow}.{new}" for old, new in pairs)
        return (
            f"SELECT {text} FROM {self.shadow} {self.shadow_index} WHERE {self.among(keys, self.shadow_key)} "
            f"AND NOT EXISTS (SELECT 1 FROM {self.source} {self.index} WHERE {same}{self.filter})"
        )

    # --- rows as the shadow would hold them ------------------------------------------------------------------------

    def transformed(self, condition: str, extra: Sequence[str] = ()) -> str:
        """A SELECT of source rows as the shadow would hold them, under the shadow's column names, after `extra` expressions."""
        columns = [f"{self.value(feed)} AS {quote.name(feed.target.name)}" for feed in self.plan.columns.feeds]
        return f"SELECT {', '.join([*extra, *columns])} FROM {self.source} {self.index} WHERE {condition}{self.filter}"


def _writes_over(plan: Plan) -> bool:
    """Where keys compare alike in both tables, and the shadow has no other unique key, no two rows of the source can meet in one of the shadow."""
    unique = [index for index in plan.shadow.indexes if index.unique]
    key = plan.copy_key
    wanted = {column.name for column in key.shadow_columns}
    return (
        len(unique) == 1
        and set(unique[0].plain_columns or ()) == wanted
        and all(map(_same_values, key.source_columns, key.shadow_columns))
    )


def _same_values(old: Column, new: Column) -> bool:
    if old.data_type in INTEGERS and new.data_type in INTEGERS:
        return True
    return (old.full_type, old.charset, old.collation) == (new.full_type, new.charset, new.collation)


def _beyond(columns: Sequence[str], bound: Bound, strict: str, last: str) -> str:
    """Row comparison, spelled out: a row constructor would not use the index as a range."""
    alternatives = []
    for position, literal in enumerate(bound):
        equal = [f"{columns[i]} = {bound[i]}" for i in range(position)]
        operator = last if position == len(bound) - 1 else strict
        alternatives.append(" AND ".join([*equal, f"{columns[position]} {operator} {literal}"]))
    if len(alternatives) == 1:
        return alternatives[0]
    return "(" + " OR ".join(f"({alternative})" for alternative in alternatives) + ")"
