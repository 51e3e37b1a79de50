"""The way back from a change: which column of the new table feeds which of the old one, and what cannot come along."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from ghostpy.errors import CannotResume
from ghostpy.model.column_map import ColumnFeed, ColumnMap
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.revertible import Named, Revertible
from ghostpy.model.table import Column, Index, Table
from ghostpy.planning.column_map import paired_columns


def pairs_back(columns: ColumnMap) -> Named:
    """(new column, old column) for all that a change carries over without a transform."""
    return tuple(
        (feed.target.name, feed.source.name)
        for feed in columns.feeds
        if feed.source is not None and feed.transform is None
    )


def columns_back(
    source: Table, old: Table, pairs: Named, fills: Named, implicit_value: Callable[[Column], str | None]
) -> ColumnMap:
    """The feeds of the old table's columns. What the source has nothing for is filled in new rows alone: by `fills`, or as an ALTER would."""
    columns = paired_columns(source, old, pairs, ())
    given = dict(fills)
    filled = []
    for column in columns.added:
        value = given.get(column.name)
        if value is None and not (column.nullable or column.has_default or column.auto_increment):
            value = implicit_value(column)
        if value is not None:
            filled.append(ColumnFeed(column, None, value))
    return replace(columns, fills=tuple(filled))


def _changed_since(source: Table, old: Table, pairs: Named) -> list[str]:
    """Columns that were there at the exchange and are not there now."""
    return [
        *(f"{source.name}.{new}" for new, _ in pairs if not source.has_column(new)),
        *(f"{old.name}.{column}" for _, column in pairs if not old.has_column(column)),
    ]


def still_there(noted: Revertible, source: Table | None, old: Table | None, address: str) -> tuple[Table, Table]:
    """Both tables, as an exchange needs them that is to be taken back. Raises CannotResume."""
    if source is None or old is None:
        missing = noted.source if source is None else noted.old
        raise CannotResume(f"there is no {missing} on {address} any more; nothing was changed", hint="")
    changed = _changed_since(source, old, noted.pairs)
    if changed:
        raise CannotResume(
            f"{noted.source} or {noted.old} on {address} was altered since the exchange: there is no {', '.join(changed)} "
            "any more; nothing was changed",
            hint="A revert goes back to the table as it was; undo the alteration, or make another change instead.",
        )
    return source, old


def losses(
    columns: ColumnMap, source: Table, old: Table, *, refuses: Callable[[Column, Column], bool] = lambda *_: True
) -> list[Finding]:
    """What a revert cannot bring back, or may stop at. `columns`: by `columns_back`.

    `refuses`: whether a value of the one column that does not fit into the other is refused there, and not changed until it fits.
    """
    findings = []
    for column in columns.added:
        findings.append(
            _warning(
                "revert-keeps",
                f"on a revert, {column.name} keeps its values in rows that stay; rows inserted since get "
                f"{_value(column, columns)}",
            )
        )
    if columns.dropped:
        names = ", ".join(column.name for column in columns.dropped)
        findings.append(_warning("revert-loses", f"a revert does not bring back what was written to {names}"))
    for feed in columns.feeds:
        assert feed.source is not None
        kinds = (feed.source.full_type, feed.target.full_type)
        if kinds[0] != kinds[1] or feed.source.charset != feed.target.charset:
            what = (
                "it stops at the first value that does not fit, with the table as it is"
                if refuses(feed.source, feed.target)
                else "what that cannot hold is rounded, cut or refused, as the server does it in an assignment"
            )
            text = f"a revert stores {feed.source.name} ({kinds[0]}) as {kinds[1]} again: {what}"
            findings.append(_warning("revert-narrows", text))
        if feed.source.nullable and not feed.target.nullable:
            findings.append(
                _warning(
                    "revert-not-null",
                    f"a revert stops at the first NULL in {feed.source.name}, with the table as it is",
                )
            )
    findings += [_unique(index) for index in old.indexes if index.unique and not _held(index, columns, source)]
    return findings


def no_way_back(key: Finding) -> Finding:
    """What `choose_copy_key` says of the way back, before the change is made."""
    return Finding(
        "not-revertible",
        f"this change could not be reverted: {key.text}",
        "Leave --revert-window and --keep-revertible out, or keep the key.",
    )


def no_way_back_from_a_filter() -> Finding:
    return Finding(
        "not-revertible",
        "this change could not be reverted: rows that --where leaves out are not in the new table, so the two could not be compared",
        "Leave --revert-window and --keep-revertible out, or delete the rows beforehand instead of filtering them.",
    )


def _value(column: Column, columns: ColumnMap) -> str:
    for feed in columns.fills:
        if feed.target.name == column.name:
            return str(feed.transform)
    return "its default"


def _held(index: Index, columns: ColumnMap, source: Table) -> bool:
    """Whether a unique key of the source keeps this one's values apart, too."""
    origin = {feed.target.name: feed.source.name for feed in columns.feeds if feed.source is not None}
    names = index.plain_columns
    if names is None or any(name not in origin for name in names):
        return False
    wanted = {origin[name] for name in names}
    return any(
        other.unique and other.plain_columns is not None and set(other.plain_columns) <= wanted
        for other in source.indexes
    )


def _unique(index: Index) -> Finding:
    columns = ", ".join(part.column or str(part.expression) for part in index.parts)
    return _warning(
        "revert-unique",
        f"a revert stops at rows that collide on {index.name} ({columns}), which the new table does not keep apart",
    )


def _warning(code: str, text: str) -> Finding:
    return Finding(code, text, severity=Severity.WARN)
