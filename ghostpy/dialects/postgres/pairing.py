"""How rows of source and shadow find each other for a comparison, and the statements that compare them.

A row's digest is the first 64 bits that `hashtextextended` makes of the whole row as text: that leaves nothing out, neither the sign of −0.0
nor a numeric's trailing zeros, and tells NULL from an empty string. Where both tables have their keys in one order, rows are first compared
side by side in that order, column by column where equal values are the same bytes, and the rest of the row as text: nothing is left out
either, and it takes a third of the time.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.key_text import INTEGERS
from ghostpy.dialects.postgres.statements import Statements
from ghostpy.model.keys import Bound, Key, KeyRange
from ghostpy.model.table import Column

_EXACT = INTEGERS | {
    "boolean",
    "bytea",
    "date",
    "oid",
    "time without time zone",
    "timestamp with time zone",
    "timestamp without time zone",
    "uuid",
}
"""Types in which equal values are the same bytes."""
_TEXTS = frozenset({"text", "character varying"})
"""The same, compared by the collation "C"."""
_SIDE_BY_SIDE = 500
"""Columns compared one by one at most: a join takes 1664 in all."""

_ONE = "_ghostpy_one"
"""The alias of what the other table's rows are looked up for: a table called by a plain letter would hide it in there."""


def orders_alike(source: Column, shadow: Column) -> bool:
    """Whether both columns put the same values in the same order."""
    if source.data_type in INTEGERS:
        return shadow.data_type in INTEGERS
    return source.collation == shadow.collation


def _exactly(column: Column) -> str | None:
    """With which COLLATE, if any, equal values of this column are the same bytes; None where they need not be."""
    if column.data_type in _EXACT:
        return ""
    if column.data_type in _TEXTS:
        return ' COLLATE "C"'
    # Of a fixed length both are padded with blanks to the same one; without a length, blanks at the end do not count.
    fixed = column.full_type.startswith("character(") and column.full_type.endswith(")")
    return ' COLLATE "C"' if fixed else None


def _numbered(expressions: Iterable[str]) -> str:
    return ", ".join(f"{expression} AS c{i}" for i, expression in enumerate(expressions))


def row_digest(parts: Iterable[str]) -> str:
    """The digest of a row, a signed 64-bit number; `parts` are expressions."""
    return f"hashtextextended({_as_text(parts)}, 0)"


def _as_text(parts: Iterable[str]) -> str:
    return f'ROW({", ".join(parts)})::text COLLATE "C"'


class Pairing(Struct, frozen=True):
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

    def side_by_side(self, chunk: KeyRange) -> str:
        """(source rows, key texts of the rows that differ or are in one table only): one statement, so one moment. Needs `same_order`."""
        of = self.statements
        source, shadow = [*of.source_key], [*of.shadow_key]
        same_row = " AND ".join(f"a.c{i} = b.c{i}" for i in range(len(source)))
        # Not by the key: a row type's value without a value in it "IS NULL".
        differing = ["a.there IS NULL", "b.there IS NULL"]
        others = []
        for feed in of.plan.columns.feeds:
            collate = _exactly(feed.target)
            if collate is None or len(source) == _SIDE_BY_SIDE:
                others.append(feed)
                continue
            i = len(source)
            source.append(of.stored(feed))
            shadow.append(quote.name(feed.target.name))
            differing.append(f"a.c{i}{collate} IS DISTINCT FROM b.c{i}{collate}")
        if others:
            differing.append(f"a.c{len(source)} IS DISTINCT FROM b.c{len(source)}")
            source.append(_as_text(of.stored(feed) for feed in others))
            shadow.append(_as_text(quote.name(feed.target.name) for feed in others))
        places = range(len(of.source_key))
        text = (
            f"CASE WHEN a.there IS NULL THEN {of.text_of_shadow_key([f'b.c{i}' for i in places])} "
            f"ELSE {of.text_of_key([f'a.c{i}' for i in places])} END"
        )
        return (
            f"SELECT count(a.there), array_agg({text}) FILTER (WHERE {' OR '.join(differing)}) FROM "
            f"(SELECT TRUE AS there, {_numbered(source)} FROM {of.source} WHERE {of.within(chunk, of.source_key)}{of.filter}) AS a FULL JOIN "
            f"(SELECT TRUE AS there, {_numbered(shadow)} FROM {of.shadow} WHERE {of.within(chunk, of.shadow_key)}) AS b ON {same_row}"
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
