"""How rows of source and shadow find each other for a comparison, and the statements that compare them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.digest import Canonical, canonical, row_digest
from ghostpy.dialects.mysql.key_codec import key_sql, shadow_key_sql
from ghostpy.dialects.mysql.statements import Statements
from ghostpy.dialects.mysql.types import TEXTS, orders_alike
from ghostpy.model.column_map import CopyKey
from ghostpy.model.keys import Bound, Key, KeyRange

_PARTS = 256
"""Of a chunk: so many times fewer rows need a second look, where a few differ."""


class Pairing(Struct, frozen=True):
    """The comparison of one plan. `uncompared` names the shadow's columns that no faithful comparison is known for."""

    statements: Statements
    source_digest: str
    shadow_digest: str
    uncompared: tuple[str, ...]
    same_order: bool

    @classmethod
    def of(cls, statements: Statements) -> Pairing:
        """The pairing for the plan of `statements`."""
        plan = statements.plan
        compared: list[Canonical] = []
        uncompared: list[str] = []
        for feed in plan.columns.feeds:
            found = canonical(feed, statements.fed(feed))
            if found is None:
                uncompared.append(feed.target.name)
            else:
                compared.append(found)
        return cls(
            statements=statements,
            source_digest=row_digest([column.source for column in compared]),
            shadow_digest=row_digest([column.shadow for column in compared]),
            uncompared=tuple(uncompared),
            same_order=all(map(orders_alike, plan.copy_key.source_columns, plan.copy_key.shadow_columns)),
        )

    def totals(self, chunk: KeyRange) -> str:
        """(source rows, their digests XORed, shadow rows, theirs): one statement, so one moment. Needs `same_order`."""
        in_source, in_shadow = self._within(chunk)
        return (
            f"SELECT a.n, a.x, b.n, b.x FROM (SELECT {self._total(self.source_digest)} {in_source}) AS a, "
            f"(SELECT {self._total(self.shadow_digest)} {in_shadow}) AS b"
        )

    def totals_by_part(self, chunk: KeyRange) -> str:
        """(0 for the source or 1, a part of the chunk's keys, its rows, their digests XORed), as `totals` does it.

        In which part a row is, only its key tells; but where the two tables write a key differently, it may be another one.
        """
        of = self.statements
        in_source, in_shadow = self._within(chunk)
        return (
            f"SELECT 0, {_part(of.source_key)}, {self._total(self.source_digest)} {in_source} GROUP BY 2 UNION ALL "
            f"SELECT 1, {_part(of.shadow_key)}, {self._total(self.shadow_digest)} {in_shadow} GROUP BY 2"
        )

    def _within(self, chunk: KeyRange) -> tuple[str, str]:
        """Where the rows of a chunk are, in each of the tables."""
        of = self.statements
        where = f" AND ({of.plan.where})" if of.plan.where else ""
        return (
            f"FROM {of.source} {of.index} WHERE {of.within(chunk, of.source_key)}{where}",
            f"FROM {of.shadow} {of.shadow_index} WHERE {of.within(chunk, of.shadow_key)}",
        )

    def _total(self, digest: str) -> str:
        return f"COUNT(*) AS n, BIT_XOR({digest}) AS x"

    def count(self, chunk: KeyRange) -> str:
        """The number of source rows that belong into the shadow."""
        return f"SELECT COUNT(*) {self._within(chunk)[0]}"

    def differing_in(self, chunk: KeyRange, parts: Sequence[int] = ()) -> str:
        """Rows in `chunk` that differ or are in one table only: key text, digest in the source, digest in the shadow (NULL: no such row).

        Where the order differs, rows that only the shadow has are looked for once, with the last chunk. `parts`: look only in these.
        """
        of = self.statements
        in_source = of.within(chunk, of.source_key) + _in_parts(of.source_key, parts)
        extra = None
        if self.same_order:
            extra = of.within(chunk, of.shadow_key) + _in_parts(of.shadow_key, parts)
        elif chunk.high is None:
            extra = "TRUE"
        return self._differing(in_source, extra)

    def differing_among(self, keys: Iterable[Key]) -> str:
        """The same of those of `keys` whose rows differ or are in one table only."""
        of = self.statements
        known = list(keys)
        return self._differing(of.among(known, of.source_key), of.among(known, of.shadow_key))

    def beyond(self, low: Bound) -> str:
        """Key texts of the shadow's rows that come from no row of the source up to `low`.

        Looked for, not deleted at once: a DELETE of a join would lock all that it reads of the source.
        """
        of = self.statements
        source_columns = ", ".join(f"{name} AS k{i}" for i, name in enumerate(of.source_key))
        below = f"SELECT {source_columns}, 1 AS d FROM {of.source} {of.index} WHERE {of.within(KeyRange(None, low), of.source_key)}"
        pairs = self._same_row("a", "b")
        for i, name in enumerate(of.shadow_key):
            pairs = pairs.replace(f"b.k{i}", f"b.{name}")
        text = shadow_key_sql(of.plan.copy_key, "b")
        return f"SELECT {text} FROM {of.shadow} AS b LEFT JOIN ({below}) AS a ON {pairs} WHERE a.d IS NULL"

    def _differing(self, in_source: str, in_shadow: str | None) -> str:
        of, key = self.statements, self.statements.plan.copy_key
        where = f" AND ({of.plan.where})" if of.plan.where else ""
        source_columns = ", ".join(f"{name} AS k{i}" for i, name in enumerate(of.source_key))
        shadow_columns = ", ".join(f"{name} AS k{i}" for i, name in enumerate(of.shadow_key))
        text = key_sql(key.source_columns)
        a = (
            f"SELECT {text} AS t, {source_columns}, {self.source_digest} AS d FROM {of.source} {of.index} "
            f"WHERE ({in_source}){where}"
        )
        shadow_digest = self.shadow_digest
        missing = (
            f"SELECT a.t, a.d AS a, b.d AS b FROM ({a}) AS a LEFT JOIN (SELECT {shadow_columns}, {shadow_digest} AS d FROM {of.shadow} {of.shadow_index}) AS b "
            f"ON {self._same_row('a', 'b')} WHERE b.d IS NULL OR a.d <> b.d"
        )
        if in_shadow is None:
            return missing
        shadow_text = shadow_key_sql(key)
        extra = (
            f"SELECT b.t, NULL, b.d FROM (SELECT {shadow_text} AS t, {shadow_columns}, {shadow_digest} AS d FROM {of.shadow} {of.shadow_index} WHERE {in_shadow}) AS b "
            f"LEFT JOIN (SELECT {source_columns}, 1 AS d FROM {of.source} {of.index} WHERE TRUE{where}) AS a "
            f"ON {self._same_row('a', 'b')} WHERE a.d IS NULL"
        )
        return f"{missing} UNION {extra}"

    def _same_row(self, a: str, b: str) -> str:
        key = self.statements.plan.copy_key
        columns = range(len(key.source_columns))
        return same_row(key, [f"{a}.k{i}" for i in columns], [f"{b}.k{i}" for i in columns])


def _part(names: Sequence[str]) -> str:
    """One of `_PARTS`, by a key whose quoted columns are `names`."""
    return f"({' ^ '.join(f'CRC32({name})' for name in names)}) % {_PARTS}"


def _in_parts(names: Sequence[str], parts: Sequence[int]) -> str:
    return f" AND {_part(names)} IN ({', '.join(map(str, parts))})" if parts else ""


def same_row(key: CopyKey, source: Sequence[str], shadow: Sequence[str]) -> str:
    """A condition for a row of each table to have the same key; the expressions are those of its columns."""
    conditions = []
    for old, new, left, right in zip(key.source_columns, key.shadow_columns, source, shadow, strict=True):
        if old.data_type in TEXTS | {"enum"} and old.collation != new.collation and new.collation:
            left = f"CONVERT({left} USING {new.charset}) COLLATE {quote.name(new.collation)}"
        conditions.append(f"{left} = {right}")
    return " AND ".join(conditions)
