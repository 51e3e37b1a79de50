"""The SQL of a revert: rows of the old table are brought in line with the new table, and keep what that does not have.

What is carried out within LOCK TABLES names each of the two tables once, and by its own name: another would need a lock of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.key_codec import key_sql, shadow_key_sql
from ghostpy.dialects.mysql.pairing import same_row
from ghostpy.dialects.mysql.statements import Statements
from ghostpy.model.keys import Key, KeyRange
from ghostpy.model.plan import Plan


class TurnedStatements(Statements):
    """Of a plan whose shadow is the old table."""

    def __init__(self, plan: Plan, *, locking: bool, zone: str) -> None:
        super().__init__(plan, locking=locking, zone=zone)
        self._fed = [quote.name(feed.target.name) for feed in plan.columns.feeds]
        self._kept = [quote.name(column.name) for column in plan.columns.added]
        fills = {feed.target.name: f"({feed.transform})" for feed in plan.columns.fills}
        self._filled = [quote.name(name) for name in fills]
        self._fillings = list(fills.values())

    @property
    def holds_rows(self) -> bool:
        """Whether resyncing locks rows of the source until the end of the transaction."""
        return self._locking or not self._by_primary_key

    @property
    def _by_primary_key(self) -> bool:
        return self.plan.copy_key.shadow_index == "PRIMARY"

    def over(self, plan: Plan) -> TurnedStatements:
        return TurnedStatements(plan, locking=self._locking, zone=self._zone)

    def update_keys(self, keys: Iterable[Key]) -> str:
        """Update the rows that both tables have."""
        if not self._by_primary_key:
            return self.update_keys_frozen(keys)
        # An UPDATE of a join locks what it reads, an INSERT … SELECT does not. The row's own primary key is what its insert meets first.
        columns = [*self._fed, *self._kept]
        values = [f"fresh.v{i}" for i in range(len(self._fed))]
        kept = [f"{self.shadow}.{name}" for name in self._kept]
        sets = [f"{name} = fresh.v{i}" for i, name in enumerate(self._fed)]
        sets += [f"{name} = {value}" for name, value in zip(self._kept, kept, strict=True)]
        return (
            f"INSERT INTO {self.shadow} ({', '.join(columns)}) SELECT {', '.join([*values, *kept])} "
            f"FROM ({self._fresh(keys, values=True)}) AS fresh STRAIGHT_JOIN {self.shadow} {self.shadow_index} ON {self._same()} "
            f"ON DUPLICATE KEY UPDATE {', '.join(sets)}"
        )

    def update_keys_frozen(self, keys: Iterable[Key]) -> str:
        """The same where the tables are locked: the shadow is named once."""
        sets = [f"{self.shadow}.{name} = fresh.v{i}" for i, name in enumerate(self._fed)]
        # A column that follows the clock (ON UPDATE) moves unless it is set.
        sets += [f"{self.shadow}.{name} = {self.shadow}.{name}" for name in self._kept]
        return (
            f"UPDATE ({self._fresh(keys, values=True)}) AS fresh STRAIGHT_JOIN {self.shadow} {self.shadow_index} "
            f"ON {self._same()} SET {', '.join(sets)}"
        )

    def gone(self, keys: Iterable[Key]) -> str:
        """Key texts of the rows that only the old table has."""
        known = list(keys)
        standing = [f"{self.shadow}.{name}" for name in self.shadow_key]
        text = shadow_key_sql(self.plan.copy_key, self.plan.names.shadow.table)
        return (
            f"SELECT {text} FROM {self.shadow} {self.shadow_index} LEFT JOIN ({self._fresh(known)}) AS fresh "
            f"ON {self._same()} WHERE {self.among(known, standing)} AND fresh.k0 IS NULL"
        )

    def missing(self, keys: Iterable[Key]) -> str:
        """Key texts of the rows that only the new table has."""
        return (
            f"SELECT fresh.t FROM ({self._fresh(keys)}) AS fresh LEFT JOIN {self.shadow} {self.shadow_index} "
            f"ON {self._same()} WHERE {self.shadow}.{self.shadow_key[0]} IS NULL"
        )

    def insert_keys(self, keys: Iterable[Key], copied: KeyRange) -> str:
        """Insert rows, with what a new row of the old table gets in the columns that nothing feeds."""
        targets = [*self._fed, *self._filled]
        values = [*(self.value(feed) for feed in self.plan.columns.feeds), *self._fillings]
        return (
            f"INSERT INTO {self.shadow} ({', '.join(targets)}) SELECT {', '.join(values)} FROM {self.source} {self.index} "
            f"WHERE {self.among(keys, self.source_key)}{self._share}"
        )

    def locked(self, keys: Iterable[Key]) -> str:
        """Hold the source's rows as they are until the end of the transaction."""
        return (
            f"SELECT COUNT(*) FROM (SELECT {self.source_key[0]} FROM {self.source} {self.index} "
            f"WHERE {self.among(keys, self.source_key)} LOCK IN SHARE MODE) AS held"
        )

    def replace_keys(self, keys: Iterable[Key]) -> str:
        """As `update_keys`, for rows that give values of a unique key to each other: the server reads all of them before it writes one."""
        values = [f"fresh.v{i}" for i in range(len(self._fed))]
        kept = [f"{self.shadow}.{name}" for name in self._kept]
        return (
            f"REPLACE INTO {self.shadow} ({', '.join([*self._fed, *self._kept])}) SELECT {', '.join([*values, *kept])} "
            f"FROM ({self._fresh(keys, values=True)}) AS fresh JOIN {self.shadow} {self.shadow_index} ON {self._same()}"
        )

    def _fresh(self, keys: Iterable[Key], *, values: bool = False) -> str:
        columns = [f"{key_sql(self.plan.copy_key.source_columns)} AS t"]
        columns += [f"{name} AS k{i}" for i, name in enumerate(self.source_key)]
        if values:
            columns += [f"{self.value(feed)} AS v{i}" for i, feed in enumerate(self.plan.columns.feeds)]
        return (
            f"SELECT {', '.join(columns)} FROM {self.source} {self.index} "
            f"WHERE {self.among(keys, self.source_key)}{self._share}"
        )

    def _same(self) -> str:
        fresh: Sequence[str] = [f"fresh.k{i}" for i in range(len(self.shadow_key))]
        return same_row(self.plan.copy_key, fresh, [f"{self.shadow}.{name}" for name in self.shadow_key])
