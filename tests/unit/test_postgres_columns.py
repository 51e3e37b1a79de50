"""A column's own constraints told apart, table names exchanged in definitions, and the locks that clauses take."""

from __future__ import annotations

import pytest

from ghostpy.dialects.postgres.in_place.locks import lock_of
from ghostpy.planning.postgres_alter import parse_alter
from ghostpy.planning.postgres_columns import Part, column_parts, names_behind, redirected, without

COLUMN, CHECK, UNIQUE, KEY, REFERENCES = Part.COLUMN, Part.CHECK, Part.UNIQUE, Part.PRIMARY_KEY, Part.REFERENCES

PARTS = [
    ("ADD c int", [(COLUMN, "ADD c int")]),
    ("ADD COLUMN c int CHECK (c > 0)", [(COLUMN, "ADD COLUMN c int"), (CHECK, "CHECK (c > 0)")]),
    (
        "ADD c int CONSTRAINT x CHECK (c IN (1, 2)) NO INHERIT NOT ENFORCED DEFAULT 1",
        [
            (COLUMN, "ADD c int"),
            (CHECK, "CONSTRAINT x CHECK (c IN (1, 2)) NO INHERIT NOT ENFORCED"),
            (COLUMN, "DEFAULT 1"),
        ],
    ),
    (
        "ADD c int REFERENCES p (a) MATCH FULL ON DELETE SET NULL ON UPDATE SET DEFAULT DEFERRABLE INITIALLY DEFERRED NOT NULL",
        [
            (COLUMN, "ADD c int"),
            (
                REFERENCES,
                "REFERENCES p (a) MATCH FULL ON DELETE SET NULL ON UPDATE SET DEFAULT DEFERRABLE INITIALLY DEFERRED",
            ),
            (COLUMN, "NOT NULL"),
        ],
    ),
    (
        'ADD "check" text COLLATE "C" DEFAULT \'UNIQUE\' UNIQUE NULLS NOT DISTINCT WITH (fillfactor = 70) NULL',
        [
            (COLUMN, 'ADD "check" text'),
            (COLUMN, 'COLLATE "C"'),
            (COLUMN, "DEFAULT 'UNIQUE'"),
            (UNIQUE, "UNIQUE NULLS NOT DISTINCT WITH (fillfactor = 70)"),
            (COLUMN, "NULL"),
        ],
    ),
    (
        "ADD c int DEFAULT NULL CONSTRAINT n NOT NULL CONSTRAINT k PRIMARY KEY",
        [
            (COLUMN, "ADD c int"),
            (COLUMN, "DEFAULT NULL"),
            (COLUMN, "CONSTRAINT n NOT NULL"),
            (KEY, "CONSTRAINT k PRIMARY KEY"),
        ],
    ),
    (
        "ADD c int GENERATED ALWAYS AS (CASE WHEN a THEN 1 ELSE 2 END) STORED CHECK (c > 1)",
        [
            (COLUMN, "ADD c int"),
            (COLUMN, "GENERATED ALWAYS AS (CASE WHEN a THEN 1 ELSE 2 END) STORED"),
            (CHECK, "CHECK (c > 1)"),
        ],
    ),
]


@pytest.mark.parametrize(("clause", "parts"), PARTS, ids=[clause for clause, _ in PARTS])
def test_parts_of_a_column(clause: str, parts: list[tuple[Part, str]]) -> None:
    assert list(column_parts(clause)) == parts
    assert without(clause) == clause


def test_without_parts() -> None:
    clause = "ADD c int CHECK (c > 0) DEFAULT 1 CONSTRAINT k REFERENCES p UNIQUE NOT NULL"
    assert without(clause, CHECK, UNIQUE, REFERENCES) == "ADD c int DEFAULT 1 NOT NULL"


REDIRECTED = [
    ("REFERENCES", "FOREIGN KEY (a) REFERENCES s.p(id) ON DELETE CASCADE", ("s.p",), "FOREIGN KEY (a) REFERENCES X(id) ON DELETE CASCADE"),
    ("REFERENCES", 'ADD c int REFERENCES "s.q" . "REFERENCES"', ('"s.q" . "REFERENCES"',), "ADD c int REFERENCES X"),
    ("REFERENCES", "ADD c int CHECK (f('REFERENCES p') > 0) REFERENCES p", ("p",), "ADD c int CHECK (f('REFERENCES p') > 0) REFERENCES X"),
    ("ON", 'CREATE INDEX "ON" ON ONLY.t USING btree (a)', ("ONLY.t",), 'CREATE INDEX "ON" ON X USING btree (a)'),
    ("ON", "ADD c int", (), "ADD c int"),
]  # fmt: skip


@pytest.mark.parametrize(("word", "text", "names", "other"), REDIRECTED)
def test_another_table(word: str, text: str, names: tuple[str, ...], other: str) -> None:
    assert names_behind(text, word) == names
    assert redirected(text, word, ["X"]) == other


def test_several_tables() -> None:
    text = "ADD c int REFERENCES p REFERENCES q (a)"
    assert redirected(text, "REFERENCES", ["one", "two"]) == "ADD c int REFERENCES one REFERENCES two (a)"


AX, SRX, SUX = "ACCESS EXCLUSIVE", "SHARE ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE"


@pytest.mark.parametrize(
    ("text", "lock"),
    [
        ("ADD c int", AX),
        ("VALIDATE CONSTRAINT c", SUX),
        ("ADD FOREIGN KEY (a) REFERENCES p NOT VALID", SRX),
        ("VALIDATE CONSTRAINT c, ADD FOREIGN KEY (a) REFERENCES p NOT VALID", SRX),
        ("VALIDATE CONSTRAINT c, DROP COLUMN a", AX),
        ("SET (fillfactor = 70, toast.autovacuum_enabled = off)", SUX),
        ("SET (autovacuum_enabled, vacuum_truncate = false)", SUX),
        ("RESET (parallel_workers)", SUX),
        ("SET (fillfactor = 70, user_catalog_table = true)", AX),
        ("SET (something_new = 1)", AX),
        ("SET ()", AX),
    ],
)
def test_locks(text: str, lock: str) -> None:
    assert lock_of(parse_alter(text).clauses) == lock
