"""Whether an ALTER's outcome is there already: how its clauses are read, undone and compared."""

from __future__ import annotations

import pytest

from ghostpy.model.names import TableName
from ghostpy.model.table import Column, Index, IndexPart, Table
from ghostpy.planning.outcome import Does, Step, anywhere, same_shape, steps_of, takes_away, undoing


@pytest.mark.parametrize(
    ("clauses", "steps"),
    [
        ("ADD COLUMN n INT", [Step(Does.ADD_COLUMN, "n")]),
        ("ADD `n m` INT AFTER a", [Step(Does.ADD_COLUMN, "n m", placed=True)]),
        ("ADD n INT COMMENT 'first' FIRST", [Step(Does.ADD_COLUMN, "n", placed=True)]),
        ("ADD COLUMN IF NOT EXISTS n DECIMAL(3, 1), DROP m", [Step(Does.ADD_COLUMN, "n"), Step(Does.DROP_COLUMN, "m")]),
        ("ADD vector INT", [Step(Does.ADD_COLUMN, "vector")]),
        ("DROP COLUMN IF EXISTS n", [Step(Does.DROP_COLUMN, "n")]),
        ("CHANGE COLUMN a b INT", [Step(Does.RENAME_COLUMN, "a", "b")]),
        ("CHANGE a A INT", [Step(Does.AGAIN)]),
        ("RENAME COLUMN a TO b", [Step(Does.RENAME_COLUMN, "a", "b")]),
        ("RENAME KEY a TO b", [Step(Does.RENAME_INDEX, "a", "b")]),
        ("ADD INDEX i (a)", [Step(Does.ADD_INDEX, "i")]),
        ("ADD KEY i USING BTREE (a)", [Step(Does.ADD_INDEX, "i")]),
        ("ADD FULLTEXT i (a)", [Step(Does.ADD_INDEX, "i")]),
        ("ADD UNIQUE KEY i (a)", [Step(Does.ADD_INDEX, "i")]),
        ("ADD UNIQUE (a, b)", [Step(Does.ADD_INDEX, "a", named=False)]),
        ("ADD INDEX USING HASH (a)", [Step(Does.ADD_INDEX, "a", named=False)]),
        ("ADD CONSTRAINT c UNIQUE (a)", [Step(Does.ADD_INDEX, "c")]),
        ("ADD CONSTRAINT c UNIQUE KEY i (a)", [Step(Does.ADD_INDEX, "i")]),
        ("ADD PRIMARY KEY (a)", [Step(Does.ADD_PRIMARY)]),
        ("ADD CONSTRAINT p PRIMARY KEY (a)", [Step(Does.ADD_PRIMARY)]),
        ("DROP PRIMARY KEY", [Step(Does.DROP_PRIMARY)]),
        ("DROP KEY i", [Step(Does.DROP_INDEX, "i")]),
        ("MODIFY a BIGINT, ALTER b SET DEFAULT 3", [Step(Does.AGAIN), Step(Does.AGAIN)]),
        ("CONVERT TO CHARACTER SET utf8mb4", [Step(Does.AGAIN)]),
        ("COMMENT = 'engine force'", [Step(Does.AGAIN)]),
    ],
)
def test_clauses_that_are_understood(clauses: str, steps: list[Step]) -> None:
    assert steps_of(clauses) == tuple(steps)


@pytest.mark.parametrize(
    "clauses",
    [
        "ENGINE=InnoDB",
        "COMMENT='x' ENGINE=InnoDB",
        "FORCE",
        "ADD n INT, FORCE",
        "ORDER BY a",
        "ADD n INT PARTITION BY HASH (id)",
        "REMOVE PARTITIONING",
        "COALESCE PARTITION 2",
        "AUTO_INCREMENT=100",
        "ADD CONSTRAINT c CHECK (a > 0)",
        "ADD CHECK (a > 0)",
        "DROP CHECK c",
        "ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES p (id)",
        "DROP FOREIGN KEY f",
        "ALTER CHECK c NOT ENFORCED",
        "ADD (n INT, m INT)",
        "RENAME TO other",
        "ADD SYSTEM VERSIONING",
        "ADD n INT /*!80023 INVISIBLE */",
        "DISCARD TABLESPACE",
        "frobnicate",
        "MODIFY a INT, frobnicate",
    ],
)
def test_others_tell_nothing(clauses: str) -> None:
    assert steps_of(clauses) is None


def _source() -> Table:
    columns = tuple(Column(name, 1, "int", "int", True) for name in ("id", "A", "b"))
    indexes = (
        Index("PRIMARY", (IndexPart("id"),), True),
        Index("By_ab", (IndexPart("A"), IndexPart("b")), False),
    )
    return Table(TableName("shop", "t"), "BASE TABLE", "InnoDB", columns, indexes)


@pytest.mark.parametrize(
    ("clauses", "undone"),
    [
        ("ADD a INT", ["DROP INDEX `By_ab`", "DROP COLUMN `A`"]),
        ("ADD a INT, ADD b INT", ["DROP INDEX `By_ab`", "DROP COLUMN `A`", "DROP COLUMN `b`"]),
        ("ADD id INT PRIMARY KEY", ["DROP PRIMARY KEY", "DROP COLUMN `id`"]),
        ("ADD c INT", []),
        ("DROP c", ["ADD COLUMN `c` INT"]),
        ("DROP a", []),
        ("CHANGE c b INT", ["RENAME COLUMN `b` TO `c`"]),
        ("CHANGE c d INT", []),
        ("CHANGE a b INT", []),
        ("ADD INDEX by_AB (a)", ["DROP INDEX `By_ab`"]),
        ("DROP INDEX i", ["ADD INDEX `i` (`id`)"]),
        ("RENAME INDEX i TO by_ab", ["RENAME INDEX `by_ab` TO `i`"]),
        ("ADD PRIMARY KEY (b)", ["DROP PRIMARY KEY"]),
    ],
)
def test_outcomes_that_are_there_are_undone(clauses: str, undone: list[str]) -> None:
    steps = steps_of(clauses)
    assert steps is not None
    assert list(undoing(steps, _source())) == undone


def test_what_loses_values_or_names_is_never_the_same() -> None:
    for clauses, expected in (
        ("DROP a, ADD a INT", True),
        ("RENAME COLUMN a TO b, RENAME COLUMN b TO a", True),
        ("DROP c", False),
    ):
        steps = steps_of(clauses)
        assert steps is not None
        assert takes_away(steps, _source()) is expected


def _table(*lines: str, end: str = ") ENGINE=InnoDB") -> str:
    return "\n".join(["CREATE TABLE `t` (", ",\n".join(f"  {line}" for line in lines), end])


ID, A, N = "`id` int NOT NULL", "`a` int DEFAULT NULL", "`n` int DEFAULT NULL"
KEY, OVER_N = "PRIMARY KEY (`id`)", "KEY `by_n` (`n`)"


@pytest.mark.parametrize(
    ("now", "undone", "redone", "same"),
    [
        (_table(ID, A, N, KEY), _table(ID, A, KEY), _table(ID, A, N, KEY), True),
        # A later change came behind it, and put an index on it.
        (_table(ID, N, A, KEY, OVER_N), _table(ID, A, KEY), _table(ID, A, N, KEY), True),
        # Another type; another column; another index of that name; something is still to be dropped; another comment.
        (_table(ID, A, "`n` bigint", KEY), _table(ID, A, KEY), _table(ID, A, N, KEY), False),
        (_table(ID, A, N, KEY), _table(ID, A, KEY), _table(ID, A, N, "`m` int", KEY), False),
        (_table(ID, N, KEY, OVER_N), _table(ID, KEY), _table(ID, N, KEY, "KEY `by_n` (`n`,`id`)"), False),
        (_table(ID, N, KEY, OVER_N), _table(ID, N, KEY, OVER_N), _table(ID, N, KEY), False),
        (_table(ID, N, KEY), _table(ID, KEY), _table(ID, N, KEY, end=") ENGINE=InnoDB COMMENT='x'"), False),
        # What may not stand anywhere stands elsewhere.
        (_table(A, ID, N, KEY), _table(A, ID, KEY), _table(ID, A, N, KEY), False),
    ],
)
def test_definitions_compared(now: str, undone: str, redone: str, same: bool) -> None:
    steps = steps_of("ADD n INT")
    assert steps is not None
    assert same_shape(now, undone, redone, anywhere(steps)) is same


def test_a_place_that_is_said_counts() -> None:
    now, undone, redone = _table(ID, N, A, KEY), _table(ID, A, KEY), _table(N, ID, A, KEY)
    assert same_shape(now, undone, redone, {"n"})
    steps = steps_of("ADD n INT FIRST")
    assert steps is not None
    assert not same_shape(now, undone, redone, anywhere(steps))
