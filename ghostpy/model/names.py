"""Names of the source and of the tables that a run makes beside it.

The scheme is gh-ost's (`_T_gho`, `_T_ghc`, `_T_del`), so that operators recognise leftovers at sight.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace


class TableName(Struct, frozen=True):
    """A table's name within its schema (MySQL: database), unquoted."""

    schema: str
    table: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}"

    def beside(self, table: str) -> TableName:
        return TableName(self.schema, table)


class HelperNames(Struct, frozen=True):
    """The tables of one run: shadow, ledger, the old table after the exchange, and the empty clone of a dry run."""

    shadow: TableName
    ledger: TableName
    old: TableName
    probe: TableName


def helper_names(
    source: TableName,
    *,
    limit: int,
    base: str | None = None,
    old_timestamp: datetime | None = None,
) -> HelperNames:
    """The helper tables' names for `source`.

    `limit` is the server's bound on an identifier's length in characters. `base` replaces the table's name
    (`--force-table-names`); `old_timestamp` goes into the old table's name (`--timestamp-old-table`).
    """
    stem = base or source.table
    old_suffix = f"_{old_timestamp:%Y%m%d%H%M%S}_del" if old_timestamp else "_del"
    return HelperNames(
        shadow=source.beside(_fitted(stem, "_gho", limit)),
        ledger=source.beside(_fitted(stem, "_ghc", limit)),
        old=source.beside(_fitted(stem, old_suffix, limit)),
        probe=source.beside(_fitted(stem, "_ghp", limit)),
    )


def backfill_names(names: HelperNames, source: TableName, limit: int, base: str | None = None) -> HelperNames:
    """`names`, with a ledger that a change of the table leaves alone."""
    return replace(names, ledger=source.beside(_fitted(base or source.table, "_ghb", limit)))


def expansion_ledger(source: TableName, limit: int, base: str | None = None) -> TableName:
    """The ledger of an expansion, which stands for as long as it lasts."""
    return source.beside(_fitted(base or source.table, "_ghx", limit))


TRIGGER_WORD = "ghostpy_step"
"""What the names of an expansion's triggers hold, so that any run knows an expanded table by its triggers."""


def expansion_trigger(source: TableName, event: str, limit: int) -> TableName:
    """One of the triggers of an expansion."""
    return source.beside(_fitted(source.table, f"_{TRIGGER_WORD}_{event}", limit))


def _fitted(stem: str, suffix: str, limit: int) -> str:
    name = f"_{stem}{suffix}"
    if len(name) <= limit:
        return name
    # Cutting alone would give two long names with a common beginning the same helper tables.
    digest = hashlib.sha256(stem.encode()).hexdigest()[:8]
    room = limit - len(suffix) - len(digest) - 2
    return f"_{stem[:room]}_{digest}{suffix}"


def table_of(helper: str, suffix: str, tables: Collection[str], *, limit: int) -> str | None:
    """Which of `tables` the one called `helper` was made for, whose name ends in `suffix`; None where it is none of them."""
    stem = helper.removeprefix("_").removesuffix(suffix)
    if stem in tables:
        return stem
    if len(helper) < limit:
        return None  # it was not cut
    begin = stem.rpartition("_")[0]
    return next((each for each in tables if each.startswith(begin) and _fitted(each, suffix, limit) == helper), None)


def reverted_name(old: TableName, *, limit: int) -> TableName:
    """What the new table is called once an exchange that left `old` is taken back."""
    return old.beside(_fitted(old.table.removeprefix("_").removesuffix("_del"), "_rev_del", limit))
