"""Which values are looked for before a change, and which need not be."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ghostpy.model.column_map import ColumnFeed, ColumnMap
from ghostpy.model.names import TableName
from ghostpy.model.table import Column, Index, IndexPart, Table
from ghostpy.planning.misfits import Dialect, kept_apart, looks

_SAYS = Dialect(
    lambda name: f"<{name}>",
    lambda value: f"MICROS({value})",
    lambda value: f"LENGTH({value})",
    frozenset({"varchar", "char"}),
)


def _column(kind: str, *, nullable: bool = True, **more: object) -> Column:
    return replace(Column("c", 1, kind, kind, nullable), **more)  # type: ignore[arg-type]


def _asked(source: Column, target: Column, transform: str | None = None) -> list[tuple[str, str]]:
    columns = ColumnMap((ColumnFeed(target, source, transform),))
    return [(look.code, look.condition) for look in looks(columns, _SAYS)]


_DECIMAL = _column("decimal", numeric_precision=8, numeric_scale=4)


@pytest.mark.parametrize(
    ("source", "target", "asked"),
    [
        (_column("int"), _column("int", nullable=False), [("null-values", "<c> IS NULL")]),
        (_column("int"), _column("bigint"), []),
        (_column("bigint"), _column("int"), [("out-of-range", "(<c> < -2147483648 OR <c> > 2147483647)")]),
        (_column("int"), _column("int", unsigned=True), [("out-of-range", "(<c> < 0 OR <c> > 4294967295)")]),
        (_column("int", unsigned=True), _column("bigint"), []),
        (_column("double"), _column("tinyint"), [("out-of-range", "(<c> < -128 OR <c> > 127)")]),
        (_column("varchar", character_length=9), _column("varchar", character_length=9), []),
        (_column("varchar", character_length=9), _column("varchar", character_length=8), [("too-long", "LENGTH(<c>) > 8")]),
        (_column("text"), _column("varchar", character_length=8), [("too-long", "LENGTH(<c>) > 8")]),
        (_column("varchar", character_length=8), _column("text"), []),
        (_DECIMAL, replace(_DECIMAL, numeric_precision=9), []),
        (_DECIMAL, replace(_DECIMAL, numeric_precision=6, numeric_scale=2), [("out-of-range", "(ROUND(<c>, 2) < -9999.99 OR ROUND(<c>, 2) > 9999.99)"), ("rounded-values", "<c> <> ROUND(<c>, 2)")]),
        (_DECIMAL, _column("tinyint"), [("out-of-range", "(ROUND(<c>, 0) < -128 OR ROUND(<c>, 0) > 127)"), ("rounded-values", "<c> <> ROUND(<c>, 0)")]),
        (_column("numeric"), _column("numeric", numeric_precision=3, numeric_scale=1), [("out-of-range", "(ROUND(<c>, 1) < -99.9 OR ROUND(<c>, 1) > 99.9)"), ("rounded-values", "<c> <> ROUND(<c>, 1)")]),
        (_column("numeric", numeric_precision=3, numeric_scale=1), _column("numeric"), []),
        (_column("datetime", fraction_digits=6), _column("datetime", fraction_digits=3), [("rounded-values", "MICROS(<c>) % 1000 <> 0")]),
        (_column("datetime", fraction_digits=3), _column("datetime", fraction_digits=6), []),
        (_column("varchar", character_length=9), _column("int"), []),
    ],
)  # fmt: skip
def test_what_is_asked(source: Column, target: Column, asked: list[tuple[str, str]]) -> None:
    assert _asked(source, target) == asked


def test_a_computed_column_is_not_looked_at() -> None:
    assert _asked(_column("bigint"), _column("int", nullable=False), "c % 10") == []


def test_values_that_a_key_of_the_source_keeps_apart() -> None:
    text = _column("varchar", character_length=9, collation="bin")
    source = Table(
        TableName("s", "t"), "BASE TABLE", "InnoDB", (text,), (Index("u", (IndexPart("c"),), True), Index("n", (IndexPart("d"),), False))
    )  # fmt: skip

    def kept(target: Column) -> bool:
        return kept_apart(ColumnMap((ColumnFeed(target, text),)), ("c",), source)

    assert kept(text)
    assert kept(replace(text, full_type="varchar(20)", character_length=20))
    assert not kept(replace(text, full_type="varchar(5)", character_length=5))
    assert not kept(replace(text, collation="ci"))
    assert not kept_apart(ColumnMap((ColumnFeed(text, text),)), ("c",), replace(source, indexes=source.indexes[1:]))
    assert not kept_apart(ColumnMap((ColumnFeed(text, text),)), ("other",), source)
