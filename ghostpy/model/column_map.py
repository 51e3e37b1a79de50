"""Which expression over the source feeds which column of the shadow."""

from __future__ import annotations

from msgspec import Struct

from ghostpy.model.table import Column


class ColumnFeed(Struct, frozen=True):
    """One stored column of the shadow and what fills it.

    `source` is the column it comes from, or None where a transform makes it; `transform` is the user's SQL over the source row.
    """

    target: Column
    source: Column | None
    transform: str | None = None


class ColumnMap(Struct, frozen=True):
    """The feeds in the shadow's column order, and what is left out on purpose."""

    feeds: tuple[ColumnFeed, ...]
    added: tuple[Column, ...] = ()
    """Columns of the shadow that nothing feeds: their default applies."""
    dropped: tuple[Column, ...] = ()
    """Columns of the source that feed nothing."""
    renamed: tuple[tuple[str, str], ...] = ()
    """Pairs of old and new name."""
    fills: tuple[ColumnFeed, ...] = ()
    """In a revert: what some of `added` are filled with where the row is new."""

    def feed_of(self, source_column: str) -> ColumnFeed | None:
        """The feed that carries `source_column` over unchanged in meaning (no transform), or None."""
        for feed in self.feeds:
            if feed.source is not None and feed.transform is None and feed.source.name == source_column:
                return feed
        return None


class CopyKey(Struct, frozen=True):
    """A unique not-null key of the source, whose columns lead an index of the shadow.

    `source_columns[i]` feeds `shadow_columns[i]`; `shadow_index` is the index of the shadow that they lead.
    """

    index: str
    shadow_index: str
    source_columns: tuple[Column, ...]
    shadow_columns: tuple[Column, ...]
