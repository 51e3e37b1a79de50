"""How rows of source and shadow find each other for a comparison, and the statements that compare them.

A row's digest is the first 64 bits that `hashtextextended` makes of the whole row as text: that leaves nothing out, neither the sign of −0.0
nor a numeric's trailing zeros, and tells NULL from an empty string.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.key_text import INTEGERS
from ghostpy.dialects.postgres.statements import Statements
from ghostpy.model.keys import Bound, Key, KeyRange
from ghostpy.model.table import Column

_ONE = "_ghostpy_one"
"""The alias of what the other table's rows are looked up for: a table called by a plain letter would hide it in there."""


def orders_alike(source: Column, shadow: Column) -> bool:
    """Whether both columns put the same values in the same order."""
    if source.data_type in INTEGERS:
        return shadow.data_type in INTEGERS
    return source.collation == shadow.collation


def row_digest(parts: Iterable[str]) -> str:
    """The digest of a row, a signed 64-bit number; `parts` are expressions."""
    return f"""hashtextextended(ROW({", ".join(parts)})::text COLLATE "C", 0)"""


@dataclass(frozen=True, slots=True)
class Pairing:
    """The comparison of one plan."""

    statements: Statements
    source_digest: str
    shadow_digest: str
    same_order: bool

    @classmethod
    def of(cls, statements: Statements) -> Pairing:
        """The pairing for the plan of `statements`."""
        plan = statements.plan
        feeds = plan.columns.feeds
        return cls(
            statements=statements,
            source_digest=row_digest(statements.stored(feed) for feed in feeds),
            shadow_digest=row_digest(quote.name(feed.target.name) for feed in feeds),
            same_order=all(map(orders_alike, plan.copy_key.source_columns, plan.copy_key.shadow_columns)),
        )

    def totals(self, chunk: KeyRange) -> str:
        """(source rows, their digests XORed, shadow rows, theirs): one statement, so one moment. Needs `same_order`."""
        of = self.statements
        return (
            "SELECT a.n, a.x, b.n, b.x FROM "
            f"(SELECT count(*) AS n, bit_xor({self.source_digest}) AS x FROM {of.source} "
            f"WHERE {of.within(chunk, of.source_key)}{of.filter}) AS a, "
            f"(SELECT count(*) AS n, bit_xor({self.shadow_digest}) AS x FROM {of.shadow} "
            f"WHERE {of.within(chunk, of.shadow_key)}) AS b"
        )

    def count(self, chunk: KeyRange) -> str:
        """The number of source rows that belong into the shadow."""
        of = self.statements
        return f"SELECT count(*) FROM {of.source} WHERE {of.within(chunk, of.source_key)}{of.filter}"

    def differing_in(self, chunk: KeyRange) -> str:
        """Rows in `chunk` that differ or are in one table only: key text, digest in the source, digest in the shadow (NULL: no such row).

        Where the order differs, rows that only the shadow has are looked for once, with the last chunk.
        """
        of = self.statements
        extra = None
        if self.same_order:
            extra = of.within(chunk, of.shadow_key)
        elif chunk.high is None:
            extra = "TRUE"
        return self._differing(of.within(chunk, of.source_key), extra)

    def differing_among(self, keys: Iterable[Key]) -> str:
        """The same of those of `keys` whose rows differ or are in one table only."""
        of, known = self.statements, list(keys)
        return self._differing(of.in_source(known), of.in_shadow(known))

    def delete_beyond(self, low: Bound) -> str:
        """Delete the shadow's rows that come from no row of the source up to `low`."""
        of = self.statements
        if self.same_order:
            return f"DELETE FROM {of.shadow} WHERE {of.within(KeyRange(low, None), of.shadow_key)}"
        shadow_columns = ", ".join(f"{name} AS k{i}" for i, name in enumerate(of.shadow_key))
        below = of.within(KeyRange(None, low), of.source_key)
        return (
            # Rows of two partitions may have the same ctid.
            f"DELETE FROM {of.shadow} WHERE (tableoid, ctid) IN (SELECT {_ONE}.r, {_ONE}.c FROM "
            f"(SELECT tableoid AS r, ctid AS c, {shadow_columns} FROM {of.shadow}) AS {_ONE} "
            f"WHERE NOT EXISTS (SELECT FROM {of.source} WHERE {self._equal(of.source_key)} AND {below}))"
        )

    def _differing(self, in_source: str, in_shadow: str | None) -> str:
        of = self.statements
        source_columns = ", ".join(f"{name} AS k{i}" for i, name in enumerate(of.source_key))
        shadow_columns = ", ".join(f"{name} AS k{i}" for i, name in enumerate(of.shadow_key))
        a = (
            f"SELECT {of.source_key_text} AS t, {source_columns}, {self.source_digest} AS d FROM {of.source} "
            f"WHERE ({in_source}){of.filter}"
        )
        # Joined by key, never hashed as a whole: the other table may be large.
        missing = (
            f"SELECT {_ONE}.t, {_ONE}.d, b.d FROM ({a}) AS {_ONE} LEFT JOIN LATERAL (SELECT {self.shadow_digest} AS d FROM {of.shadow} "
            f"WHERE {self._equal(of.shadow_key)}) AS b ON true WHERE b.d IS DISTINCT FROM {_ONE}.d"
        )
        if in_shadow is None:
            return missing
        extra = (
            f"SELECT {_ONE}.t, NULL::bigint, {_ONE}.d FROM (SELECT {of.shadow_key_text} AS t, {shadow_columns}, {self.shadow_digest} AS d FROM {of.shadow} WHERE {in_shadow}) AS {_ONE} "
            f"WHERE NOT EXISTS (SELECT FROM {of.source} WHERE {self._equal(of.source_key)}{of.filter})"
        )
        return f"{missing} UNION {extra}"

    def _equal(self, names: list[str]) -> str:
        """The row with `a`'s key among those of a table whose key columns are `names`, by that table's own index."""
        key, of = self.statements.plan.copy_key, self.statements
        columns = key.source_columns if names is of.source_key else key.shadow_columns
        conditions = []
        for i, (name, column) in enumerate(zip(names, columns, strict=True)):
            collate = f" COLLATE {column.collation}" if column.collation else ""
            conditions.append(f"{name} = {_ONE}.k{i}{collate}")
        return " AND ".join(conditions)
