"""The ALTER text taken apart: each form that tells something about names, and many that must tell nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostpy.errors import UsageError
from ghostpy.planning.alter import parse_alter
from ghostpy.planning.sql_tokens import expression

HEADERS = [
    ("ALTER TABLE t ADD x INT", None, "t"),
    ("alter table db.t add x int", "db", "t"),
    ("  \n ALTER\tTABLE\n`t` ADD x INT", None, "t"),
    ("ALTER TABLE `db`.`t` ADD x INT", "db", "t"),
    ("ALTER TABLE `db`.t ADD x INT", "db", "t"),
    ("ALTER TABLE db.`t` ADD x INT", "db", "t"),
    ("ALTER TABLE db . t ADD x INT", "db", "t"),
    ("ALTER TABLE `a``b`.`c d` ADD x INT", "a`b", "c d"),
    ("ALTER TABLE `a.b`.`c.d` ADD x INT", "a.b", "c.d"),
    ("ALTER TABLE `db`.`select` ADD x INT", "db", "select"),
    ('ALTER TABLE "db"."t""q" ADD x INT', "db", 't"q'),
    ("ALTER TABLE 1db.2t ADD x INT", "1db", "2t"),
    ("ALTER TABLE größe.表 ADD x INT", "größe", "表"),
    ("ALTER TABLE a$b.c_d ADD x INT", "a$b", "c_d"),
    ("ALTER TABLE IF EXISTS t ADD x INT", None, "t"),
    ("ALTER ONLINE TABLE t ADD x INT", None, "t"),
    ("ALTER OFFLINE TABLE db.t ADD x INT", "db", "t"),
    ("ALTER ONLINE IGNORE TABLE t ADD x INT", None, "t"),
    ("ALTER IGNORE TABLE t ADD x INT", None, "t"),
    ("ALTER TABLE t NOWAIT ADD x INT", None, "t"),
    ("ALTER TABLE t WAIT 5 ADD x INT", None, "t"),
    ("ALTER /* why */ TABLE -- because\n t # so\n ADD x INT", None, "t"),
    ("/* ticket 7 */ ALTER TABLE t ADD x INT", None, "t"),
    ("ALTER TABLE t ADD x INT;", None, "t"),
    ("ALTER TABLE t ADD x INT ; ; -- done", None, "t"),
    ("ADD x INT", None, None),
    ("ALTER COLUMN c SET DEFAULT 1", None, None),
    ("ALTER online SET DEFAULT 1", None, None),
]


@pytest.mark.parametrize(("text", "database", "table"), HEADERS)
def test_header(text: str, database: str | None, table: str | None) -> None:
    found = parse_alter(text)
    assert (found.database, found.table) == (database, table)
    if table is not None:
        assert found.clauses.upper() == "ADD X INT"


RENAMES: list[tuple[str, tuple[tuple[str, str], ...]]] = [
    ("CHANGE a b INT", (("a", "b"),)),
    ("CHANGE COLUMN a b INT NOT NULL", (("a", "b"),)),
    ("change column if exists a b int", (("a", "b"),)),
    ("CHANGE IF EXISTS a b INT", (("a", "b"),)),
    ("CHANGE `a` `b` INT", (("a", "b"),)),
    ("CHANGE `a``a` `b b` INT", (("a`a", "b b"),)),
    ('CHANGE "a" "b" INT', (("a", "b"),)),
    ("CHANGE `a,b` `c,d` INT", (("a,b", "c,d"),)),
    ("CHANGE 1a 2b INT", (("1a", "2b"),)),
    ("CHANGE é ü INT", (("é", "ü"),)),
    ("CHANGE a a BIGINT", ()),
    ("CHANGE a A BIGINT", ()),
    ("CHANGE a b INT, CHANGE b a INT", (("a", "b"), ("b", "a"))),
    ("CHANGE a b ENUM('x,y','CHANGE c d'), CHANGE e f INT", (("a", "b"), ("e", "f"))),
    ("CHANGE/**/a/**/b/**/INT", (("a", "b"),)),
    ("CHANGE a -- old\n b -- new\n INT", (("a", "b"),)),
    ("CHANGE `column` `to` INT", (("column", "to"),)),
    ("CHANGE t.a t.b INT", (("a", "b"),)),
    ("RENAME COLUMN a TO b", (("a", "b"),)),
    ("rename column if exists a to b", (("a", "b"),)),
    ("RENAME COLUMN `a``b` TO `c.d`", (("a`b", "c.d"),)),
    ("RENAME COLUMN begin TO end, RENAME COLUMN x TO y", (("begin", "end"), ("x", "y"))),
    ("RENAME COLUMN `to` TO `index`", (("to", "index"),)),
    ("ADD x INT, RENAME COLUMN a TO b, DROP c", (("a", "b"),)),
    ("/*!80000 RENAME COLUMN a TO b */", (("a", "b"),)),
    ("ADD x INT COMMENT 'CHANGE a b INT'", ()),
    ("ADD x INT COMMENT ', CHANGE a b INT'", ()),
    ("ADD x INT COMMENT 'it''s, CHANGE a b INT'", ()),
    (r"ADD x INT COMMENT 'it\', CHANGE a b INT'", ()),
    ('ADD x INT COMMENT ", CHANGE a b INT"', ()),
    (r"ADD x INT COMMENT 'a\\', CHANGE a b INT", (("a", "b"),)),
    ("ADD x INT /* , CHANGE a b INT */", ()),
    ("ADD x INT /* /* , CHANGE a b INT */, CHANGE c d INT", (("c", "d"),)),
    ("ADD x INT -- , CHANGE a b INT", ()),
    ("ADD x INT --\t, CHANGE a b INT", ()),
    ("ADD x INT # , CHANGE a b INT", ()),
    ("ADD x INT DEFAULT 1--1, CHANGE a b INT", (("a", "b"),)),
    ("ADD `, CHANGE a b` INT", ()),
    ("ADD COLUMN (`change` INT, change_b INT)", ()),
    ("ADD change_x INT, ADD `change` INT", ()),
    ("ADD x INT AFTER `change`, CHANGE a b INT FIRST", (("a", "b"),)),
    ("RENAME INDEX a TO b", ()),
    ("RENAME KEY a TO b", ()),
    ("ORDER BY a, b DESC, change_me", ()),
    ("MODIFY a INT, MODIFY COLUMN b INT", ()),
]


@pytest.mark.parametrize(("text", "renamed"), RENAMES)
def test_renamed_columns(text: str, renamed: tuple[tuple[str, str], ...]) -> None:
    assert parse_alter(text).renamed == renamed
    assert parse_alter(f"ALTER TABLE db.t {text};").renamed == renamed


DROPS: list[tuple[str, tuple[str, ...]]] = [
    ("DROP a", ("a",)),
    ("DROP COLUMN a", ("a",)),
    ("drop column if exists a", ("a",)),
    ("DROP IF EXISTS a", ("a",)),
    ("DROP `a b`, DROP COLUMN `c,d`", ("a b", "c,d")),
    ("DROP COLUMN a RESTRICT, DROP b CASCADE", ("a", "b")),
    ("DROP a, ADD a INT", ("a",)),
    ("DROP `index`", ("index",)),
    ("DROP COLUMN `primary`", ("primary",)),
    ("DROP period", ("period",)),
    ("DROP system", ("system",)),
    ("DROP COLUMN a REMOVE PARTITIONING", ("a",)),
    ("DROP INDEX a", ()),
    ("DROP INDEX IF EXISTS a", ()),
    ("DROP KEY a", ()),
    ("DROP PRIMARY KEY", ()),
    ("DROP FOREIGN KEY a", ()),
    ("DROP CONSTRAINT a", ()),
    ("DROP CONSTRAINT IF EXISTS a", ()),
    ("DROP CHECK a", ()),
    ("DROP PARTITION p0, p1", ()),
    ("DROP PERIOD FOR SYSTEM_TIME", ()),
    ("DROP SYSTEM VERSIONING", ()),
    ("ALTER COLUMN a DROP DEFAULT", ()),
    ("ALTER a DROP DEFAULT, DROP b", ("b",)),
    ("ADD x INT DEFAULT (IF(1,2,3)), DROP b", ("b",)),
    ("ADD INDEX i (a, b), DROP c", ("c",)),
    ("ADD COLUMN (x INT, y INT), DROP c", ("c",)),
    ("ADD x JSON DEFAULT (JSON_OBJECT('a', 'b, DROP c')), DROP d", ("d",)),
    ("ADD x SET('a','b') DEFAULT 'a,b', DROP d", ("d",)),
    ("ADD x VARCHAR(9) CHARACTER SET latin1 DEFAULT _latin1'a,b', DROP d", ("d",)),
    ("ADD x BIT(2) DEFAULT b'01', ADD y BINARY(1) DEFAULT x'41', DROP d", ("d",)),
    ("ADD g INT AS (JSON_EXTRACT(j, '$.a[0],b')) STORED, DROP d", ("d",)),
    ("ADD CHECK (a IN ('x', 'DROP y')), DROP d", ("d",)),
]


@pytest.mark.parametrize(
    ("text", "constraints"),
    [
        ("DROP CHECK c", ("c",)),
        ("DROP CONSTRAINT `my check`, ALTER CHECK d NOT ENFORCED, ALTER CONSTRAINT e ENFORCED", ("my check", "d", "e")),
        ("ALTER COLUMN c SET DEFAULT 1, ALTER INDEX i VISIBLE, DROP INDEX i, DROP c", ()),
        ("ADD CONSTRAINT c CHECK (a > 1)", ()),
    ],
)
def test_constraints_named(text: str, constraints: tuple[str, ...]) -> None:
    assert parse_alter(text).constraints == constraints


@pytest.mark.parametrize(("text", "dropped"), DROPS)
def test_dropped_columns(text: str, dropped: tuple[str, ...]) -> None:
    assert parse_alter(text).dropped == dropped
    assert parse_alter(f"ALTER TABLE `db`.`t` {text} -- end").dropped == dropped


OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("RENAME b", {"table_renamed_to": "b"}),
    ("RENAME TO b", {"table_renamed_to": "b"}),
    ("RENAME AS `b c`", {"table_renamed_to": "b c"}),
    ("RENAME = b", {"table_renamed_to": "b"}),
    ("RENAME TO other.b", {"table_renamed_to": "other.b"}),
    ("ADD x INT, RENAME TO b", {"table_renamed_to": "b"}),
    ("ADD x INT DEFAULT 1, ENGINE=InnoDB, RENAME b", {"table_renamed_to": "b"}),
    ("ADD PARTITION (PARTITION p3 VALUES LESS THAN (4))", {"partition_operations": ("ADD PARTITION",)}),
    ("ADD PARTITION PARTITIONS 4", {"partition_operations": ("ADD PARTITION",)}),
    ("DROP PARTITION p0", {"partition_operations": ("DROP PARTITION",)}),
    ("TRUNCATE PARTITION ALL", {"partition_operations": ("TRUNCATE PARTITION",)}),
    ("COALESCE PARTITION 2", {"partition_operations": ("COALESCE PARTITION",)}),
    (
        "REORGANIZE PARTITION a, b INTO (PARTITION c VALUES IN (1))",
        {"partition_operations": ("REORGANIZE PARTITION",)},
    ),
    ("EXCHANGE PARTITION p WITH TABLE u", {"partition_operations": ("EXCHANGE PARTITION",)}),
    ("DISCARD PARTITION p TABLESPACE", {"partition_operations": ("DISCARD PARTITION",)}),
    ("IMPORT PARTITION p TABLESPACE", {"partition_operations": ("IMPORT PARTITION",)}),
    ("OPTIMIZE PARTITION p", {"partition_operations": ("OPTIMIZE PARTITION",)}),
    ("REBUILD PARTITION p", {"partition_operations": ("REBUILD PARTITION",)}),
    ("ANALYZE PARTITION p", {"partition_operations": ("ANALYZE PARTITION",)}),
    ("CHECK PARTITION p", {"partition_operations": ("CHECK PARTITION",)}),
    ("REPAIR PARTITION p", {"partition_operations": ("REPAIR PARTITION",)}),
    ("CONVERT PARTITION p TO TABLE u", {"partition_operations": ("CONVERT PARTITION",)}),
    ("CONVERT TABLE u TO PARTITION p VALUES IN (1)", {"partition_operations": ("CONVERT TABLE",)}),
    ("PARTITION BY HASH(id) PARTITIONS 4", {"partition_operations": ()}),
    ("ADD x INT PARTITION BY KEY(id)", {"partition_operations": ()}),
    ("REMOVE PARTITIONING", {"partition_operations": ()}),
    ("CONVERT TO CHARACTER SET utf8mb4", {"partition_operations": (), "renamed": ()}),
    ("ADD FOREIGN KEY (a) REFERENCES p (id)", {"adds_foreign_key": True}),
    ("ADD CONSTRAINT fk FOREIGN KEY (a) REFERENCES p (id)", {"adds_foreign_key": True}),
    ("ADD COLUMN a INT REFERENCES p (id)", {"adds_foreign_key": True}),
    ("ADD COLUMN (a INT, FOREIGN KEY (a) REFERENCES p (id))", {"adds_foreign_key": True}),
    ("DROP FOREIGN KEY fk", {"adds_foreign_key": False}),
    ("ADD `references` INT COMMENT 'REFERENCES'", {"adds_foreign_key": False}),
    ("AUTO_INCREMENT=100", {"auto_increment": 100}),
    ("AUTO_INCREMENT 100", {"auto_increment": 100}),
    ("ENGINE=InnoDB AUTO_INCREMENT = 7 COMMENT='x'", {"auto_increment": 7}),
    ("ADD id INT AUTO_INCREMENT PRIMARY KEY", {"auto_increment": None}),
    ("MODIFY id BIGINT AUTO_INCREMENT, AUTO_INCREMENT=9", {"auto_increment": 9}),
    ("ADD x INT, ALGORITHM=INPLACE, LOCK=NONE", {"algorithm": "INPLACE", "lock": "NONE"}),
    ("algorithm instant, add x int", {"algorithm": "INSTANT", "lock": None}),
    ("ADD algorithm INT", {"algorithm": None}),
    ("ORDER BY a, b DESC", {"orders_rows": True}),
    ("ADD INDEX i (a), ORDER\nBY a", {"orders_rows": True}),
    ("ADD g INT AS (ROW_NUMBER() OVER (ORDER BY a))", {"orders_rows": False}),
    ("DISCARD TABLESPACE", {"tablespace_operation": True}),
    ("IMPORT TABLESPACE", {"tablespace_operation": True}),
    ("TABLESPACE ts", {"tablespace_operation": False}),
    ("ALTER IGNORE TABLE t ADD UNIQUE (a)", {"ignore": True}),
    ("ALTER TABLE t ADD UNIQUE (a)", {"ignore": False}),
    ("/*!50100 PARTITION BY HASH(id) */", {"conditional": True}),
    ("ADD x INT /*M!100300 INVISIBLE */", {"conditional": True}),
    ("ADD x INT /* plain */", {"conditional": False}),
    ("FORCE", {"renamed": (), "dropped": ()}),
    ("ENGINE=InnoDB", {"renamed": (), "dropped": ()}),
    ("COMMENT='DROP a, CHANGE b c INT'", {"renamed": (), "dropped": ()}),
    ("ADD FULLTEXT INDEX f (a) WITH PARSER ngram", {"dropped": ()}),
    ("something ghostpy has never heard of", {"renamed": (), "dropped": ()}),
]


@pytest.mark.parametrize(("text", "expected"), OTHERS)
def test_what_else_it_tells(text: str, expected: dict[str, Any]) -> None:
    found = parse_alter(text)
    assert {name: getattr(found, name) for name in expected} == expected


CLAUSES = [
    ("ADD x  INT ,\n DROP y", "ADD x  INT ,\n DROP y"),
    ("  ADD x INT;  ", "ADD x INT"),
    ("ADD x INT -- why", "ADD x INT"),
    ("ADD x INT # why", "ADD x INT"),
    ("ADD x INT /* why */ ;", "ADD x INT"),
    ("ADD x INT /* why */ , DROP y -- because", "ADD x INT /* why */ , DROP y"),
    ("ADD x INT -- why\n, DROP y", "ADD x INT -- why\n, DROP y"),
    ("ALTER TABLE t /* c */ ADD x INT COMMENT ';'", "ADD x INT COMMENT ';'"),
    ("ALTER TABLE t /*!50100 PARTITION BY HASH(id) */", "/*!50100 PARTITION BY HASH(id) */"),
    ("ALTER TABLE t ADD x INT /*!80023 INVISIBLE */;", "ADD x INT /*!80023 INVISIBLE */"),
    ("ALTER TABLE t ADD x INT COMMENT '\U0001f600'", "ADD x INT COMMENT '\U0001f600'"),
]


@pytest.mark.parametrize(("text", "clauses"), CLAUSES)
def test_clauses_stay_as_written(text: str, clauses: str) -> None:
    assert parse_alter(text).clauses == clauses
    assert parse_alter(clauses).clauses == clauses


REFUSED = [
    "",
    "   ",
    ";",
    "-- nothing",
    "/* nothing */",
    "ALTER TABLE t",
    "ALTER TABLE db.t ;",
    "ALTER TABLE",
    "ALTER TABLE 'quoted' ADD x INT",
    "ALTER TABLE a.b.c ADD x INT",
    "ALTER TABLE `` ADD x INT",
    "ALTER TABLE db. ADD x INT, ADD y INT; ADD z INT",
    "ADD x INT; ADD y INT",
    "ADD x INT; DROP TABLE t",
    "ADD x INT DEFAULT 'a",
    "ADD x INT COMMENT 'it's'",
    r"ADD x INT COMMENT 'a\'",
    'ADD x INT COMMENT "a',
    "ADD `x INT",
    "ADD x DECIMAL(1,2",
    "ADD x DECIMAL 1,2)",
    "ADD x INT)(",
    "ADD x INT /* never closed",
    "ADD x INT /*!80000 INVISIBLE",
    "ADD x INT */",
    "/*!50000 ALTER TABLE t ADD x INT */",
    "CREATE INDEX i ON t (a)",
    "CREATE TABLE u (a INT)",
    "DROP TABLE t",
    "DROP INDEX i ON t",
    "RENAME TABLE a TO b",
    "TRUNCATE TABLE t",
    "ALTER DATABASE d CHARACTER SET utf8mb4",
    "ALTER VIEW v AS SELECT 1",
    "INSERT INTO t VALUES (1)",
    "SELECT 1",
]


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_alter(text)
    assert caught.value.exit_code == 2
    assert "ALTER text" in caught.value.message
    assert caught.value.hint


@given(st.text(alphabet="aA1 ,;'\"`\\()/*!-#\nCHANGEDROPx.", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse_alter(text)
    except UsageError:
        return
    assert found.clauses in text
    assert parse_alter(found.clauses).clauses == found.clauses or found.table is not None


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a + 1", "a + 1"),
        (" SUBSTRING_INDEX(name, ' ', 1) ; ", "SUBSTRING_INDEX(name, ' ', 1)"),
        ("a > 1 -- note", "a > 1"),
        ("a > 1 /* note */", "a > 1"),
        ("a = '-- no comment'", "a = '-- no comment'"),
    ],
)
def test_expression(text: str, clean: str) -> None:
    assert expression(text, "--where") == clean


@pytest.mark.parametrize("text", ["", " -- x", "a; b", "a)", "(a", "'a", "/* a", "a */ b"])
def test_expression_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--where"):
        expression(text, "--where")
