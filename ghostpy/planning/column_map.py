"""Which column of the source feeds which column of the shadow, from the two tables as the server describes them.

The server has parsed the ALTER already: both tables are at hand. Only what they cannot show is taken from the ALTER's
text: that a column was renamed, or dropped and added anew under its old name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from ghostpy.model.column_map import ColumnFeed, ColumnMap
from ghostpy.model.finding import Finding
from ghostpy.model.table import Column, Generated, Table


def map_columns(
    source: Table,
    shadow: Table,
    *,
    renamed: Sequence[tuple[str, str]] = (),
    dropped: Collection[str] = (),
    transforms: Sequence[tuple[str, str]] = (),
    implicit_value: Callable[[Column], str | None] = lambda _: None,
) -> ColumnMap:
    """The feeds of all stored columns of `shadow`; a transform goes before a column of the same name.

    `implicit_value` gives what the server itself fills into a new NOT NULL column without a default (0, '', …), as an ALTER does.
    """
    expressions = {column.casefold(): expression for column, expression in transforms}
    origin = _origins(source, renamed, dropped)
    feeds: list[ColumnFeed] = []
    added: list[Column] = []
    for target in shadow.columns:
        if target.generated is not Generated.NO:
            continue
        folded = target.name.casefold()
        if folded in expressions:
            feeds.append(ColumnFeed(target=target, source=None, transform=expressions[folded]))
        elif folded in origin:
            feeds.append(ColumnFeed(target=target, source=origin[folded]))
        elif _must_be_fed(target) and (value := implicit_value(target)) is not None:
            feeds.append(ColumnFeed(target=target, source=None, transform=value))
        else:
            added.append(target)
    used = {feed.source.name for feed in feeds if feed.source is not None}
    return ColumnMap(
        feeds=tuple(feeds),
        added=tuple(added),
        dropped=tuple(c for c in source.columns if c.name not in used and c.generated is Generated.NO),
        renamed=tuple((old, new) for old, new in renamed if old != new),
    )


def paired_columns(
    source: Table, shadow: Table, pairs: Sequence[tuple[str, str]], transforms: Sequence[tuple[str, str]]
) -> ColumnMap:
    """The feeds of all stored columns of `shadow` where the server itself tells which columns go on.

    `pairs`: (source column, shadow column), spelled exactly. A transform goes before the column's own values.
    """
    expressions = dict(transforms)
    origin = {new: source.column(old) for old, new in pairs}
    feeds: list[ColumnFeed] = []
    added: list[Column] = []
    for target in shadow.columns:
        if target.generated is not Generated.NO:
            continue
        if target.name in expressions:
            feeds.append(ColumnFeed(target, origin.get(target.name), expressions[target.name]))
        elif target.name in origin:
            feeds.append(ColumnFeed(target, origin[target.name]))
        else:
            added.append(target)
    kept = {old for old, _ in pairs}
    return ColumnMap(
        feeds=tuple(feeds),
        added=tuple(added),
        dropped=tuple(c for c in source.columns if c.name not in kept and c.generated is Generated.NO),
        renamed=tuple((old, new) for old, new in pairs if old != new),
    )


def _origins(source: Table, renamed: Sequence[tuple[str, str]], dropped: Collection[str]) -> Mapping[str, Column]:
    """Shadow column names (folded) and the source columns that they continue."""
    new_names = {old.casefold(): new.casefold() for old, new in renamed}
    gone = {name.casefold() for name in dropped}
    return {
        new_names.get(column.name.casefold(), column.name.casefold()): column
        for column in source.columns
        if column.name.casefold() not in gone
    }


def transform_findings(shadow: Table, transforms: Sequence[tuple[str, str]]) -> list[Finding]:
    """Transforms that name no column, or one that cannot be written."""
    findings = []
    for name, _ in transforms:
        if not shadow.has_column(name):
            findings.append(
                Finding(
                    "transform-unknown-column",
                    f"--transform names the column {name!r}, which the table does not have after the change",
                    "Name a column of the new table.",
                )
            )
        elif shadow.column(name).generated is not Generated.NO:
            findings.append(
                Finding(
                    "transform-generated-column",
                    f"--transform names the generated column {name!r}, whose value the server computes itself",
                    "Leave the transform out, or change the column's own expression.",
                )
            )
    return findings


def valueless_columns(columns: ColumnMap) -> list[Finding]:
    """New NOT NULL columns without a default that the server has no implicit value for either: no row could be stored."""
    return [
        Finding(
            "no-value-for-column",
            f"the new column {column.name!r} ({column.full_type}) is NOT NULL and has no default, and existing rows need a value",
            f'Give it a DEFAULT, or a --transform "{column.name}=…".',
        )
        for column in columns.added
        if _must_be_fed(column)
    ]


def _must_be_fed(column: Column) -> bool:
    return not (column.nullable or column.has_default or column.auto_increment)
