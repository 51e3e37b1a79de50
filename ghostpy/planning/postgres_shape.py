"""A PostgreSQL table's shape: of its definition all that CREATE TABLE and what pg_dump writes behind it can say. Texts are the server's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from ghostpy.planning.postgres_alter import quoted

OWN_SEQUENCE = "the next number of a sequence of its own"
"""The default of a serial column, in the place of the server's text, which names the sequence."""
_SERIALS = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}
_STORAGES = {"p": "PLAIN", "e": "EXTERNAL", "m": "MAIN", "x": "EXTENDED"}
_COMPRESSIONS = {"p": "pglz", "l": "lz4", "": "DEFAULT"}
_IDENTITIES = {"a": "ALWAYS", "d": "BY DEFAULT"}
_GENERATED = {"s": "STORED", "v": "VIRTUAL"}


class SequenceShape(Struct, frozen=True):
    """Of an identity column. `maximum` is None where it is the type's."""

    start: int
    increment: int
    minimum: int
    maximum: int | None
    cache: int
    cycle: bool

    def options(self, before: str = "") -> str:
        """As CREATE SEQUENCE takes them, each with `before` before it."""
        found = (
            f"START WITH {self.start}",
            f"INCREMENT BY {self.increment}",
            f"MINVALUE {self.minimum}",
            "NO MAXVALUE" if self.maximum is None else f"MAXVALUE {self.maximum}",
            f"CACHE {self.cache}",
            "CYCLE" if self.cycle else "NO CYCLE",
        )
        return " ".join(f"{before}{option}" for option in found)


class ColumnShape(Struct, frozen=True):
    name: str
    type_text: str
    collation: str
    """Quoted and qualified; empty where it is the type's."""
    not_null: bool
    default: str
    """Empty: there is none. Of a generated column: its expression."""
    generated: str
    """`s`, `v` or nothing."""
    identity: str
    """`a`, `d` or nothing."""
    sequence: SequenceShape | None
    storage: str
    """Empty where it is the type's."""
    type_storage: str
    compression: str
    comment: str | None

    @property
    def typed(self) -> str:
        """The type with its collation."""
        return f"{self.type_text} COLLATE {self.collation}" if self.collation else self.type_text

    @property
    def storage_word(self) -> str:
        return _STORAGES[self.storage or self.type_storage]

    @property
    def compression_word(self) -> str:
        return _COMPRESSIONS[self.compression]

    @property
    def identity_words(self) -> str:
        return f"GENERATED {_IDENTITIES[self.identity]}"

    @property
    def definition(self) -> str:
        """What ADD COLUMN takes behind the name; storage, compression and comment are set by themselves."""
        parts = [self.typed]
        if self.generated:
            parts.append(f"GENERATED ALWAYS AS ({self.default}) {_GENERATED[self.generated]}")
        elif self.identity and self.sequence is not None:
            parts.append(f"{self.identity_words} AS IDENTITY ({self.sequence.options()})")
        elif self.default == OWN_SEQUENCE:
            parts = [_SERIALS.get(self.type_text, self.typed)]
        elif self.default:
            parts.append(f"DEFAULT {self.default}")
        if self.not_null:
            parts.append("NOT NULL")
        return " ".join(parts)


class ConstraintShape(Struct, frozen=True):
    name: str
    definition: str
    parent: str = ""
    """Of a foreign key: the other table, quoted and qualified."""


class IndexShape(Struct, frozen=True):
    """One that no constraint stands on."""

    name: str
    unique: bool
    behind: str
    """What follows the table's name."""
    valid: bool = True

    def create(self, table: str) -> str:
        return f"CREATE {'UNIQUE ' if self.unique else ''}INDEX {quoted(self.name)} ON {table} {self.behind}"


class TableShape(Struct, frozen=True):
    columns: tuple[ColumnShape, ...]
    constraints: tuple[ConstraintShape, ...]
    indexes: tuple[IndexShape, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    unlogged: bool = False
    method: str = "heap"
    comment: str | None = None

    def column(self, name: str) -> ColumnShape | None:
        return next((column for column in self.columns if column.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def differing(one: TableShape, other: TableShape) -> tuple[str, ...]:
    """What the two shapes differ in, in words; nothing where they are the same. The order of columns counts for nothing."""
    found = [
        f"the column {name}" for name in dict.fromkeys((*one.names, *other.names)) if one.column(name) != other.column(name)
    ]  # fmt: skip
    found += _differing("the constraint", one.constraints, other.constraints)
    found += _differing("the index", one.indexes, other.indexes)
    found += [
        f"the option {name}"
        for name in {**one.options, **other.options}
        if one.options.get(name) != other.options.get(name)
    ]
    found += ["UNLOGGED"] if one.unlogged != other.unlogged else []
    found += ["the access method"] if one.method != other.method else []
    found += ["the table's comment"] if one.comment != other.comment else []
    return tuple(found)


def _differing(
    what: str, one: Sequence[ConstraintShape | IndexShape], other: Sequence[ConstraintShape | IndexShape]
) -> list[str]:
    here, there = ({each.name: each for each in parts} for parts in (one, other))
    return [f"{what} {name}" for name in dict.fromkeys((*here, *there)) if here.get(name) != there.get(name)]
