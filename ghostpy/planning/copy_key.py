"""The choice of the copy key: a unique not-null key of the source whose columns lead an index of the shadow."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from ghostpy.model.column_map import ColumnMap, CopyKey
from ghostpy.model.finding import Finding
from ghostpy.model.table import Column, Index, Table

# The cheaper to compare and to hold in memory, the earlier. Names of types that only one kind of server has do no harm.
_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "integer"})
_INEXACT = frozenset({"float", "double", "real", "double precision"})


class KeyChoice(Struct, frozen=True):
    """The chosen key, or None with a finding that says why each candidate was passed over."""

    key: CopyKey | None
    finding: Finding | None = None


def choose_copy_key(
    source: Table,
    shadow: Table,
    columns: ColumnMap,
    *,
    carries: Callable[[Column, Column], bool],
    only_index: str | None = None,
    told_by: str = "binlog_row_image",
) -> KeyChoice:
    """The best key of `source` for copying into `shadow`.

    `carries(source column, shadow column)` says whether a key literal of the one finds the row in the other. With `only_index`
    no other index will do (the stream tells no other columns, by what `told_by` names).
    """
    reasons: list[str] = []
    usable: list[CopyKey] = []
    for index in source.indexes:
        if not index.unique:
            continue
        outcome = _as_copy_key(index, source, shadow, columns, carries)
        if isinstance(outcome, CopyKey):
            if only_index is None or index.name == only_index:
                usable.append(outcome)
            else:
                reasons.append(f"{index.name}: with this {told_by} the stream carries only {only_index}")
        else:
            reasons.append(f"{index.name}: {outcome}")
    if usable:
        return KeyChoice(min(usable, key=_price))
    why = "; ".join(reasons) if reasons else "the table has no unique key"
    return KeyChoice(
        None,
        Finding(
            "no-copy-key",
            f"no unique not-null key of {source.name} survives the change, so rows cannot be told apart ({why})",
            "Add a primary or unique key over NOT NULL columns first, or keep one in the ALTER.",
        ),
    )


def _as_copy_key(
    index: Index, source: Table, shadow: Table, columns: ColumnMap, carries: Callable[[Column, Column], bool]
) -> CopyKey | str:
    """The copy key over `index`, or why there is none."""
    names = index.plain_columns
    if names is None:
        return "it covers only a part of a column, or an expression"
    if not index.visible and index.name != "PRIMARY":
        return "it is invisible"
    source_columns = tuple(source.column(name) for name in names)
    nullable = [column.name for column in source_columns if column.nullable]
    if nullable:
        return f"{_listed(nullable)} may be NULL"
    shadow_columns = []
    for column in source_columns:
        feed = columns.feed_of(column.name)
        if feed is None:
            return f"the change does not keep {column.name} as it is"
        if not carries(column, feed.target):
            if (column.full_type, column.collation) == (feed.target.full_type, feed.target.collation):
                return f"{column.name} is {column.full_type}, of which not every value can be told in a key"
            old, new = _kinds(column, feed.target)
            return f"{column.name} changes from {old} to {new}, which alters how it compares"
        shadow_columns.append(feed.target)
    names_there = [column.name for column in shadow_columns]
    leading = [other for other in shadow.indexes if other.visible and other.ordered and _leads(other, names_there)]
    if not leading:
        return f"no index of the new table begins with {_listed(names_there)}"
    best = min(leading, key=lambda other: (other.name != "PRIMARY", not other.unique, len(other.parts)))
    return CopyKey(index.name, best.name, source_columns, tuple(shadow_columns))


def _kinds(old: Column, new: Column) -> tuple[str, str]:
    """Both columns' types, with their collations where only those tell them apart."""
    if old.full_type != new.full_type:
        return old.full_type, new.full_type
    return f"{old.full_type} COLLATE {old.collation}", f"{new.full_type} COLLATE {new.collation}"


def _leads(index: Index, names: list[str]) -> bool:
    first = index.parts[: len(names)]
    return {part.column for part in first if part.prefix is None} == set(names)


def _price(key: CopyKey) -> tuple[int, int, bool]:
    types = [column.data_type for column in key.source_columns]
    inexact = sum(kind in _INEXACT for kind in types)
    not_integer = sum(kind not in _INTEGERS for kind in types)
    return (inexact, len(types) + not_integer, key.index != "PRIMARY")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
