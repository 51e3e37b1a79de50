"""A table as its server describes it."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct
from msgspec.structs import astuple

from ghostpy.model.compared import ComparedInPart
from ghostpy.model.names import TableName


class Generated(Enum):
    NO = "no"
    VIRTUAL = "virtual"
    STORED = "stored"


class Column(Struct, frozen=True):
    """One column. `data_type` is the bare type in lower case (`varchar`), `full_type` as declared (`varchar(20)`)."""

    name: str
    position: int
    data_type: str
    full_type: str
    nullable: bool
    unsigned: bool = False
    charset: str | None = None
    collation: str | None = None
    deterministic: bool = True
    """Whether values that are equal under the collation are the same text; where not, it is PostgreSQL that says so."""
    character_length: int | None = None
    numeric_precision: int | None = None
    numeric_scale: int | None = None
    fraction_digits: int = 0
    default: str | None = None
    has_default: bool = False
    """Whether an INSERT may leave the column out (a NULL default counts for nullable columns only)."""
    generated: Generated = Generated.NO
    expression: str | None = None
    """What a generated column is computed from, in the server's SQL."""
    auto_increment: bool = False
    invisible: bool = False
    labels: tuple[str, ...] = ()
    """ENUM and SET members in order."""


class IndexPart(Struct, frozen=True):
    """One part of an index: a column (perhaps only its first `prefix` characters), or an expression."""

    column: str | None
    prefix: int | None = None
    expression: str | None = None


class Index(Struct, frozen=True):
    name: str
    parts: tuple[IndexPart, ...]
    unique: bool
    visible: bool = True
    ordered: bool = True
    """Whether it finds ranges of values (not full-text or spatial)."""

    @property
    def plain_columns(self) -> tuple[str, ...] | None:
        """The index's columns where all parts are whole columns, else None."""
        columns = tuple(part.column for part in self.parts if part.column is not None and part.prefix is None)
        return columns if len(columns) == len(self.parts) else None


class ForeignKey(Struct, frozen=True):
    name: str
    child: TableName
    parent: TableName


class Table(ComparedInPart, frozen=True):
    """A table with what hangs on it. `kind` is the server's word for it (`BASE TABLE`, `VIEW`, …)."""

    name: TableName
    kind: str
    engine: str | None
    columns: tuple[Column, ...]
    indexes: tuple[Index, ...]
    row_estimate: int = 0
    data_bytes: int = 0
    foreign_keys_out: tuple[ForeignKey, ...] = ()
    foreign_keys_in: tuple[ForeignKey, ...] = ()
    triggers: tuple[str, ...] = ()
    create_sql: str = ""

    @property
    def compared(self) -> tuple[object, ...]:
        return astuple(self)[:-1]

    def column(self, name: str) -> Column:
        """The column called `name`: in this very spelling, else in any case, as MySQL compares them; KeyError if none."""
        for column in self.columns:
            if column.name == name:
                return column
        folded = name.casefold()
        for column in self.columns:
            if column.name.casefold() == folded:
                return column
        raise KeyError(name)

    def has_column(self, name: str) -> bool:
        return any(column.name.casefold() == name.casefold() for column in self.columns)
