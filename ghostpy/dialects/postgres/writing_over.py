"""A resync as one statement that writes over the rows that are there ("MERGE", from 15): what is right already is left alone, indexes and WAL too.

A row that is only updated keeps its place in every index whose columns it keeps; deleted and inserted it would be entered in all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.key_text import INTEGERS, is_integer, typed_row
from ghostpy.dialects.postgres.statements import Statements
from ghostpy.model.column_map import ColumnFeed
from ghostpy.model.keys import Key, KeyRange
from ghostpy.model.plan import Plan
from ghostpy.model.table import Column

FROM_VERSION = 150000
"""As server_version_num."""

_STANDS, _FRESH, _WANTED = "_ghostpy_stands", "_ghostpy_fresh", "_ghostpy_wanted"
_REFUSING = INTEGERS | {
    "boolean",
    "bytea",
    "date",
    "double precision",
    "json",
    "jsonb",
    "numeric",
    "real",
    "text",
    "time without time zone",
    "timestamp with time zone",
    "timestamp without time zone",
    "uuid",
}
"""Types of which a CAST refuses what storing refuses. To one with a length it cuts off what is too long, and what is cut off would look equal."""
_COLUMNS = 500
"""A join takes 1664 columns in all."""


def writes_over(plan: Plan) -> bool:
    """Whether a row of the shadow with the key of a row of the source is that row, and may be given all of its values.

    Where keys compare otherwise in the shadow, two rows of the source can meet in one of it, and one would silently be written over
    the other. What a transform makes has the type that the column it is stored in gives it, which no sub-select knows.
    """
    feeds, key = plan.columns.feeds, plan.copy_key
    return (
        len(feeds) <= _COLUMNS
        and all(feed.transform is None for feed in feeds)
        and all(map(_same_values, key.source_columns, key.shadow_columns))
        # GENERATED ALWAYS AS IDENTITY takes values from an INSERT only.
        and not any(feed.target.auto_increment for feed in feeds if feed.target not in key.shadow_columns)
    )


def _same_values(old: Column, new: Column) -> bool:
    if old.data_type in INTEGERS:
        return new.data_type in INTEGERS
    return (old.full_type, old.collation) == (new.full_type, new.collation)


def write_over(of: Statements, keys: Iterable[Key], copied: KeyRange) -> str:
    """Bring the shadow's rows with these keys in line with the source's within `copied`; needs `writes_over`."""
    feeds, key = of.plan.columns.feeds, of.plan.copy_key
    names = [quote.name(feed.target.name) for feed in feeds]
    values = [f"{_FRESH}.v{i}" for i in range(len(feeds))]
    place = range(len(key.source_columns))
    # A row type's value may be neither NULL nor NOT NULL, so a row that is there says so itself.
    found = ", ".join(
        ["TRUE AS there"]
        + [f"{name} AS k{i}" for i, name in enumerate(of.source_key)]
        + [f"{of.value(feed)} AS v{i}" for i, feed in enumerate(feeds)]
    )
    # Integers that are equal are the same; of other types equal keys may be written differently.
    same = {column.name for column in key.shadow_columns if column.data_type in INTEGERS}
    sets = [
        f"{name} = {value}"
        for name, value, feed in zip(names, values, feeds, strict=True)
        if feed.target.name not in same
    ]
    update = f"WHEN MATCHED{_differs(feeds)} THEN UPDATE SET {', '.join(sets)} " if sets else ""
    return (
        f"MERGE INTO {of.shadow} AS {_STANDS} USING (SELECT {_WANTED}.*, {_FRESH}.* FROM {_listed(of, keys)} LEFT JOIN "
        f"(SELECT {found} FROM {of.source} WHERE {of.within(copied, of.source_key)}{of.filter}) AS {_FRESH} "
        f"ON {' AND '.join(f'{_FRESH}.k{i} = {_WANTED}.w{i}' for i in place)}) AS {_FRESH} "
        f"ON {' AND '.join(f'{_STANDS}.{name} = {_FRESH}.w{i}' for i, name in enumerate(of.shadow_key))} "
        f"WHEN MATCHED AND {_FRESH}.there IS NULL THEN DELETE {update}"
        f"WHEN NOT MATCHED AND {_FRESH}.there IS NOT NULL THEN INSERT ({', '.join(names)}) OVERRIDING SYSTEM VALUE "
        f"VALUES ({', '.join(values)})"
    )


def _differs(feeds: Sequence[ColumnFeed]) -> str:
    """A further condition for rows that are not yet as they are to be; none where that cannot be told safely.

    They are compared as images, byte by byte: what is equal may still be written differently ("Composite Type Comparison").
    """
    stands, fresh = [], []
    for i, feed in enumerate(feeds):
        assert feed.source is not None
        stands.append(f"{_STANDS}.{quote.name(feed.target.name)}")
        if feed.source.full_type == feed.target.full_type:
            fresh.append(f"{_FRESH}.v{i}")
        elif feed.target.data_type in _REFUSING:
            fresh.append(f"CAST({_FRESH}.v{i} AS {feed.target.full_type})")
        else:
            return ""
    return f" AND ROW({', '.join(stands)})::record OPERATOR(pg_catalog.*<>) ROW({', '.join(fresh)})::record"


def _listed(of: Statements, keys: Iterable[Key]) -> str:
    """The keys as rows of w0, w1, …, each once: two spellings of one key are one."""
    columns = of.plan.copy_key.source_columns
    names = ", ".join(f"w{i}" for i in range(len(columns)))
    if is_integer(columns):
        return f"unnest('{{{','.join(map(str, keys))}}}'::{columns[0].data_type}[]) AS {_WANTED} ({names})"
    listed = iter(keys)
    first = typed_row(str(next(listed)), columns)
    rows = "".join(f",({key})" for key in listed)
    return f"(SELECT DISTINCT * FROM (VALUES ({first}){rows}) AS listed) AS {_WANTED} ({names})"
