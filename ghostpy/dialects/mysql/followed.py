"""The tables that a change stream is followed for: whose rows an event has, and which statements are about the source.

Source: "Table_map_event" in the MySQL source documentation (libs/mysql/binlog/event).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field

from ghostpy.dialects.mysql import table_map
from ghostpy.dialects.mysql.row_image import LedgerRows, SourceRows
from ghostpy.dialects.mysql.statement_text import SourceName, changes_source
from ghostpy.errors import SourceChanged
from ghostpy.model.names import TableName
from ghostpy.model.table import Column

Rows = SourceRows | LedgerRows


class Followed(Struct, frozen=True):
    """What is looked for in the stream. `columns` are all of the source's, in order; `key` those of the copy key."""

    source: TableName
    columns: Sequence[Column]
    key: Sequence[Column]
    ledger: TableName
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Literals of key columns whose default is a constant."""
    folded_names: bool = False
    """Whether the server compares table names without regard to case."""
    settled: tuple[str, int] = ("", 0)
    """File and offset up to which XA transactions that end without their beginning are known to be visible."""
    exchange: str = ""
    """A statement that gave the source its name: the one change of it that is not somebody's."""


class FollowedTables:
    """The source and the ledger, as the stream names them. `beat` is given the ledger's heartbeats."""

    def __init__(self, followed: Followed, beat: Callable[[int], None]) -> None:
        self._of = followed
        self._beat = beat
        self._source = SourceName(followed.source, followed.folded_names)
        self._ledger = SourceName(followed.ledger, followed.folded_names)

    def rows_of(self, buffer: bytes, body: int, end: int) -> Rows | None:
        """Who reads the rows of the table that this TABLE_MAP event is about; None: nobody.

        Raises SourceChanged where it is the source with other columns than are known, StreamLost where it cannot be read.
        """
        schema, table, _ = table_map.table_name(buffer, body)
        name = schema.decode("utf-8", "replace"), table.decode("utf-8", "replace")
        if self._source.is_table(*name):
            return self._source_rows(table_map.parse(buffer, body, end))
        if self._ledger.is_table(*name):
            return LedgerRows(table_map.parse(buffer, body, end), self._beat)
        return None

    def _source_rows(self, table: table_map.TableMap) -> SourceRows:
        of = self._of
        if len(table.fields) != len(of.columns):
            raise SourceChanged(
                f"{of.source} has {len(table.fields)} columns in the change stream, but {len(of.columns)} are expected"
            )
        for logged, column in zip(table.fields, of.columns, strict=True):
            if not logged.fits(column):
                raise SourceChanged(
                    f"column {column.name} of {of.source} is not of the type {column.full_type} any more "
                    f"in the change stream (binlog type {logged.code})"
                )
        return SourceRows(str(of.source), table, of.columns, of.key, of.defaults)

    def changed_by(self, statement: str, database: str) -> bool:
        """Whether this statement, run in `database`, may have changed the source's definition, or rows without row events."""
        return changes_source(statement, database, self._source)
