"""Values that the new table does not take, or takes otherwise: what to ask the rows of the source for, before anything is copied."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from ghostpy.model.column_map import ColumnFeed, ColumnMap
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.table import Column, Table

_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "integer": 32, "bigint": 64}
"""Of whole numbers, under the names that either kind of server gives them."""
_INEXACT = frozenset({"float", "double", "real", "double precision"})
_EXACT = frozenset({"decimal", "numeric"})


class Look(Struct, frozen=True):
    """A question: `condition` is SQL over a row of the source, which is true for rows that do not fit, or are changed."""

    code: str
    condition: str
    text: str
    severity: Severity
    way_out: str

    def finding(self, columns: str, keys: list[str]) -> Finding:
        """For rows that were found. `columns`: of their key, `keys`: of some of them."""
        return Finding(
            self.code, f"{self.text}, for example with {columns} = {', '.join(keys)}", self.way_out, self.severity
        )


class Dialect(Struct, frozen=True):
    """How a server says it. `micros`: the microseconds within a second of a value; `length`: the characters of a text that count against a
    bound; `text`: its types with one."""

    name: Callable[[str], str]
    micros: Callable[[str], str]
    length: Callable[[str], str]
    text: frozenset[str]


def looks(columns: ColumnMap, of: Dialect) -> list[Look]:
    """What to look for, column by column. A computed column is not looked at: its expression may be anything."""
    return [look for feed in columns.feeds if feed.transform is None for look in _of_feed(feed, of)]


def _of_feed(feed: ColumnFeed, of: Dialect) -> Iterator[Look]:
    source, target = feed.source, feed.target
    assert source is not None
    value = of.name(source.name)
    named = source.name if source.name == target.name else f"{source.name} (now {target.name})"
    if source.nullable and not target.nullable:
        yield _unfit(
            "null-values", f"{value} IS NULL", f"{named} is NULL in rows, and {target.full_type} NOT NULL takes none"
        )
    length = target.character_length
    if length and target.data_type in of.text and (source.character_length is None or source.character_length > length):
        condition = f"{of.length(value)} > {length}"
        yield _unfit("too-long", condition, f"{named} has values of more than {length} characters")
    low, high = _bounds(target)
    if low is not None and (_is_number(source) and not _holds(target, source)):
        scale = target.numeric_scale or 0
        rounded = f"ROUND({value}, {scale})" if source.data_type in _EXACT else value
        condition = f"({rounded} < {low} OR {rounded} > {high})"
        yield _unfit(
            "out-of-range", condition, f"{named} has values that {target.full_type} does not hold ({low} to {high})"
        )
    endless = not source.numeric_precision
    if (
        _scale(target) is not None
        and source.data_type in _EXACT
        and (endless or (source.numeric_scale or 0) > (_scale(target) or 0))
    ):
        text = f"{named} has values with more digits behind the point than {target.full_type} keeps"
        yield _changed(f"{value} <> ROUND({value}, {_scale(target)})", text)
    if source.data_type == target.data_type and source.fraction_digits > target.fraction_digits:
        text = f"{named} has times with more digits behind the second than {target.full_type} keeps"
        yield _changed(f"{of.micros(value)} % {10 ** (6 - target.fraction_digits)} <> 0", text)


def _unfit(code: str, condition: str, text: str) -> Look:
    way_out = "Correct the rows, or add a --transform for the column."
    return Look(code, condition, text, Severity.REFUSE, way_out)


def _changed(condition: str, text: str) -> Look:
    way_out = "They are rounded, as by the server's own ALTER. To keep them, keep the digits."
    return Look("rounded-values", condition, text, Severity.WARN, way_out)


def _is_number(column: Column) -> bool:
    return column.data_type in _BITS or column.data_type in _EXACT | _INEXACT


def _scale(column: Column) -> int | None:
    """Digits behind the point; None where there may be any number of them."""
    if column.data_type in _BITS:
        return 0
    return column.numeric_scale if column.data_type in _EXACT and column.numeric_precision else None


def _bounds(column: Column) -> tuple[str | None, str | None]:
    if column.data_type in _BITS:
        bits = _BITS[column.data_type]
        if column.unsigned:
            return "0", str(2**bits - 1)
        return str(-(2 ** (bits - 1))), str(2 ** (bits - 1) - 1)
    if column.data_type in _EXACT and column.numeric_precision:
        digits, scale = column.numeric_precision, column.numeric_scale or 0
        whole = "9" * (digits - scale) or "0"
        most = f"{whole}.{'9' * scale}" if scale else whole
        return "0" if column.unsigned else f"-{most}", most
    return None, None


def _holds(target: Column, source: Column) -> bool:
    """Whether each value of `source` lies within the bounds of `target`."""
    theirs, ours = _bounds(source), _bounds(target)
    if None in theirs or None in ours:
        return False
    (low, high), (lowest, highest) = (tuple(float(str(each)) for each in pair) for pair in (theirs, ours))
    return lowest <= low and high <= highest


def kept_apart(columns: ColumnMap, names: tuple[str, ...], source: Table) -> bool:
    """Whether a unique key of the source, compared in the same way, keeps the values of these columns of the new table apart."""
    origin: Mapping[str, ColumnFeed] = {feed.target.name: feed for feed in columns.feeds if feed.transform is None}
    if any(name not in origin for name in names):
        return False
    feeds = [origin[name] for name in names]
    if not all(feed.source is not None and _keeps_apart(feed.source, feed.target) for feed in feeds):
        return False
    wanted = {feed.source.name for feed in feeds if feed.source is not None}
    return any(
        index.unique and index.plain_columns is not None and set(index.plain_columns) <= wanted
        for index in source.indexes
    )


def _keeps_apart(source: Column, target: Column) -> bool:
    """Whether two values stay two: a narrower type, or another collation, may make them one."""
    if source.collation != target.collation:
        return False
    if source.data_type in _BITS and target.data_type in _BITS:
        return _holds(target, source)
    longer = (
        source.data_type == target.data_type and (target.character_length or 0) >= (source.character_length or 0) > 0
    )
    return longer or source.full_type == target.full_type


def unlooked(why: str) -> Finding:
    """Where the rows were not all looked at in the time there is for it."""
    text = f"not all rows were looked at for values that do not fit: {why}"
    return Finding("not-looked-at-wholly", text, "A run finds them as it copies, and stops there.", Severity.WARN)
