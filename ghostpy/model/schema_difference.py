"""What leads from a table as it is to the table as it is desired."""

from __future__ import annotations

from msgspec import Struct

from ghostpy.model.names import TableName


class Change(Struct, frozen=True):
    """One clause, or one statement. `what`: in a few words, such as `drop column`."""

    what: str
    name: str
    """Of the column, index, constraint or option."""
    sql: str
    loses: bool = False
    """Whether values are not there any more afterwards."""


class SchemaDifference(Struct, frozen=True):
    """`alter`: whole statements that the server, or a run, makes the change with; empty where there is nothing to do."""

    table: TableName
    alter: str = ""
    changes: tuple[Change, ...] = ()
    alike: tuple[tuple[str, str], ...] = ()
    """Columns that are dropped, each with an added one that looks as if it were the same under another name."""
    notes: tuple[str, ...] = ()
    """Differences that count for nothing, and what else there is to know."""

    @property
    def equal(self) -> bool:
        return not self.alter
