"""Scripts cut into statements, what each is about, what is refused, and what the ledger allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ghostpy.errors import CannotResume, UsageError
from ghostpy.model.script import Kind, Note, Script, Seen, Statement, Way
from ghostpy.planning.script import against, read_script, split
from ghostpy.planning.script_ledger import Next, next_of, progress_of

DIALECTS = ["mysql", "postgres"]
_PIECES = {
    "mysql": ["'a;b'", "'it''s'", r"'\';'", '"x;\\""', "`od;d`", "(1; 2)".replace(";", ","), "/* ; */ 1", "x -- ; y\n", "# ;\n 2", "/*! 3 ; 4 */"],
    "postgres": ["'a;b'", "'it''s'", r"E'\';'", '"x;y"', "$$ ; $$", "$f$ $$ ; $f$", "(1, 2)", "/* ; /* ; */ */ 1", "x -- ; y\n", r"'\'"],
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
def test_statements_come_back_as_they_were_joined(dialect: str) -> None:
    words = st.sampled_from(_PIECES[dialect])

    @given(st.lists(st.lists(words, min_size=1, max_size=4).map(" ".join), min_size=1, max_size=6), st.sampled_from([";", " ;\n", ";;\n-- c\n"]))  # fmt: skip
    def check(texts: list[str], between: str) -> None:
        bare = [split(text, "it", dialect)[0] for text in texts]
        assert split(between.join(texts), "it", dialect) == bare
        assert [split(each, "it", dialect) for each in bare] == [[each] for each in bare]

    check()


@given(st.text(alphabet="a;'\"`$-/*#\\()\n! Ee", max_size=40), st.sampled_from(DIALECTS))
def test_any_text_is_read_or_refused(text: str, dialect: str) -> None:
    try:
        script = read_script(text, "it", dialect)
    except UsageError:
        return
    assert script.statements
    assert all(1 <= each.line <= text.count("\n") + 1 for each in script.statements)


def _one(text: str, dialect: str) -> Statement:
    [statement] = read_script(text, "it", dialect, "shop").statements
    return statement


CUT = [
    ("DELIMITER //\nSELECT 1// SELECT '//';//\nDELIMITER ;\nSELECT 2;SELECT 3", ["SELECT 1", "SELECT '//';", "SELECT 2", "SELECT 3"]),
    ("delimiter $$\nCREATE PROCEDURE p() BEGIN SELECT 1; END$$\nDELIMITER ;\nSELECT 2", ["CREATE PROCEDURE p() BEGIN SELECT 1; END", "SELECT 2"]),
    ("DELIMITER ;;\n/*!50003 CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW BEGIN SET @a = 1; END */;;\n;;DELIMITER ;\n", ["/*!50003 CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW BEGIN SET @a = 1; END */"]),
    ("SELECT 1;\n-- DELIMITER //\nSELECT `DELIMITER`;", ["SELECT 1", "SELECT `DELIMITER`"]),
    ("DELIMITER -- \nSELECT 1 -- ", ["SELECT 1"]),
    ("DELIMITER //\n//\n ////", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "pieces"), CUT)
def test_delimiter_says_where_statements_end(text: str, pieces: list[str]) -> None:
    assert split(text, "it", "mysql") == pieces


def test_bodies_with_semicolons_are_read_where_delimiter_says_their_end() -> None:
    for kind in ("PROCEDURE p()", "FUNCTION f() RETURNS INT", "TRIGGER r BEFORE INSERT ON t FOR EACH ROW"):
        body = f"CREATE DEFINER=`a`@`%` {kind} BEGIN IF 1 THEN SELECT 1; END IF; END"
        script = read_script(f"DELIMITER //\n{body}//\nDELIMITER ;\nSELECT 1;", "it", "mysql")
        assert [(each.kind, each.findings, each.line) for each in script.statements] == [
            (Kind.OBJECT, (), 2),
            (Kind.ROWS, (), 4),
        ]


def test_the_guards_of_pg_dump_are_passed_over() -> None:
    text = "-- a dump\n\\restrict 0aB9'\n\nSELECT '\n\\restrict a\n';\n\\unrestrict 0aB9'\n"
    assert split(text.replace("9'", "9"), "it", "postgres") == ["SELECT '\n\\restrict a\n'"]


READ = [
    ("ALTER TABLE t ADD c INT", "both", Kind.TABLE, ("t",)),
    ("CREATE INDEX i ON t (c)", "both", Kind.TABLE, ("t",)),
    ("CREATE TABLE t (id INT)", "both", Kind.OBJECT, ()),
    ("CREATE TABLE t AS SELECT 1 AS a", "both", Kind.FILLS, ()),
    ("INSERT INTO t VALUES (1)", "both", Kind.ROWS, ("t",)),
    ("UPDATE t SET a = 1", "both", Kind.ROWS, ("t",)),
    ("DELETE FROM t WHERE a = 1", "both", Kind.ROWS, ("t",)),
    ("WITH a AS (SELECT 1) SELECT * FROM a", "both", Kind.ROWS, ()),
    ("DROP VIEW v", "both", Kind.OBJECT, ()),
    ("COMMIT", "none", Kind.COMMIT, ()),
    ("ALTER TABLE `shop`.`t` RENAME TO u", "mysql", Kind.OBJECT, ("shop", "t")),
    ("ALTER TABLE t RENAME COLUMN a TO b, ADD c INT", "mysql", Kind.TABLE, ("t",)),
    ("DROP INDEX i ON t", "mysql", Kind.TABLE, ("t",)),
    ("CREATE FULLTEXT INDEX i ON t (c)", "mysql", Kind.TABLE, ("t",)),
    ("/*!40101 SET NAMES utf8mb4 */", "mysql", Kind.SESSION, ()),
    ("SET @a = 1, foreign_key_checks = 0", "mysql", Kind.SESSION, ()),
    ("USE shop", "mysql", Kind.SESSION, ()),
    ("CREATE DEFINER=`a`@`%` TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1", "mysql", Kind.OBJECT, ()),
    ("ANALYZE TABLE t", "mysql", Kind.MAINTENANCE, ()),
    ("ALTER TABLE ONLY s.t ALTER COLUMN a SET DEFAULT nextval('q'::regclass)", "postgres", Kind.TABLE, ("s", "t")),
    ("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t USING btree (c)", "postgres", Kind.TABLE, ("t",)),
    ("COMMENT ON TABLE t IS 'x'", "postgres", Kind.OBJECT, ()),
    ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$", "postgres", Kind.OBJECT, ()),
    ("CREATE MATERIALIZED VIEW m AS SELECT 1", "postgres", Kind.FILLS, ()),
    ("SELECT pg_catalog.set_config('search_path', '', false)", "postgres", Kind.SESSION, ()),
    ("SET standard_conforming_strings = on", "postgres", Kind.SESSION, ()),
    ('SET CONSTRAINTS "a" IMMEDIATE', "postgres", Kind.ROWS, ()),
    ("ALTER TYPE mood ADD VALUE 'x'", "postgres", Kind.OBJECT, ()),
    ("VACUUM t", "postgres", Kind.MAINTENANCE, ()),
]


@pytest.mark.parametrize(("text", "dialect", "kind", "table"), READ)
def test_what_a_statement_is_about(text: str, dialect: str, kind: Kind, table: tuple[str, ...]) -> None:
    for each in DIALECTS if dialect == "both" else () if dialect == "none" else (dialect,):
        statement = _one(text, each)
        assert (statement.kind, statement.table) == (kind, table)
        assert all(finding.severity.value == "warn" for finding in statement.findings)


REFUSED = [
    ("statement-unknown", "both", "FROBNICATE t"),
    ("statement-unknown", "both", "EXPLAIN SELECT 1"),
    ("transaction-control", "both", "ROLLBACK"),
    ("transaction-control", "both", "SAVEPOINT a"),
    ("transaction-control", "both", "BEGIN"),
    ("transaction-control", "both", "COMMIT"),
    ("transaction-control", "both", "BEGIN; BEGIN; COMMIT"),
    ("temporary-table", "both", "CREATE TEMPORARY TABLE t (a INT)"),
    ("server-wide", "both", "CREATE DATABASE a"),
    ("server-wide", "both", "DROP USER a"),
    ("opaque-statement", "both", "CALL p()"),
    ("client-command", "mysql", "DELIMITER\nSELECT 1"),
    ("statement-unknown", "mysql", "DELIMITER //\nSELECT 1; SELECT 2"),
    ("statement-unknown", "mysql", "DELIMITER //\nCREATE TABLE event (a INT); DROP TABLE t//"),
    ("statement-unknown", "mysql", "DELIMITER //\nCREATE INDEX event ON t (a); DROP TABLE t//"),
    ("statement-unknown", "mysql", "DELIMITER //\nALTER TABLE t ADD a INT; DROP TABLE t//"),
    ("client-command", "mysql", "source a.sql"),
    ("server-wide", "mysql", "LOCK TABLES t WRITE"),
    ("server-wide", "mysql", "SET GLOBAL max_connections = 1"),
    ("server-wide", "mysql", "SET @@global.max_connections = 1"),
    ("server-wide", "mysql", "GRANT SELECT ON a.* TO b"),
    ("server-wide", "mysql", "SELECT 1 INTO OUTFILE '/x'"),
    ("transaction-control", "mysql", "SET autocommit = 0"),
    ("statement-unknown", "mysql", "SET sql_log_bin = 0"),
    ("statement-unknown", "mysql", "SET sql_mode = 'ANSI_QUOTES'"),
    ("statement-unknown", "mysql", "OPTIMIZE TABLE t"),
    ("other-database", "mysql", "USE other"),
    ("other-database", "mysql", "ALTER TABLE other.t ADD a INT"),
    ("other-database", "mysql", "INSERT INTO other.t VALUES (1)"),
    ("compound-statement", "mysql", "CREATE PROCEDURE p() BEGIN SELECT 1; END"),
    ("client-command", "postgres", "\\c other\nSELECT 1"),
    ("client-command", "postgres", "\\restrict a\n\\c other\nSELECT 1"),
    ("client-command", "postgres", "SELECT 1 \\restrict a"),
    ("client-command", "postgres", "SELECT 1 \\g"),
    ("server-wide", "postgres", "LOCK TABLE t"),
    ("server-wide", "postgres", "COPY t FROM stdin"),
    ("server-wide", "postgres", "ALTER SYSTEM SET a = 1"),
    ("server-wide", "postgres", "VACUUM FULL t"),
    ("server-wide", "postgres", "SET ROLE a"),
    ("opaque-statement", "postgres", "DO $$ BEGIN END $$"),
    ("compound-statement", "postgres", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END"),
    ("statement-unknown", "postgres", "SELECT 1 INTO a"),
    ("statement-unknown", "postgres", "SET LOCAL search_path = a"),
    ("statement-unknown", "postgres", "SET standard_conforming_strings = off"),
    ("statement-unknown", "postgres", "ALTER TABLE t DETACH PARTITION p CONCURRENTLY"),
    ("transaction-control", "postgres", "SET TRANSACTION READ ONLY"),
]


@pytest.mark.parametrize(("code", "dialect", "text"), REFUSED)
def test_what_is_refused(code: str, dialect: str, text: str) -> None:
    for each in DIALECTS if dialect == "both" else (dialect,):
        found = against(read_script(f"-- one\n\n{text};", "it", each, "shop"), ())
        assert code in [finding.code for _, finding in found]
        assert all(statement.line >= 3 for statement, _ in found)


@pytest.mark.parametrize(("text", "says"), [("", "no statement"), ("-- nothing\n", "no statement"), ("SELECT 'a", "is not closed"), ("SELECT (1;\n", "is not closed"), ("\n/* a", "of line 2")])  # fmt: skip
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_cannot_be_read(text: str, says: str, dialect: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_script(text, "it", dialect)


@pytest.mark.parametrize(
    ("text", "repeatable"),
    [
        ("ALTER TABLE t ADD a INT", True), ("ALTER TABLE t DROP a", True), ("ALTER TABLE t DROP a, ADD a INT", False),
        ("ALTER TABLE t EXCHANGE PARTITION p WITH TABLE u", False), ("TRUNCATE t", False), ("RENAME TABLE a TO b", True),
        ("RENAME TABLE a TO c, b TO a, c TO b", False), ("DROP TABLE t", True), ("CREATE TABLE t (a INT)", True),
    ],
)  # fmt: skip
def test_what_does_no_harm_a_second_time(text: str, repeatable: bool) -> None:
    assert _one(text, "mysql").repeatable is repeatable


def test_an_index_as_an_alter() -> None:
    text = "CREATE UNIQUE INDEX `a``b` USING BTREE ON t (c(3) DESC) COMMENT 'x' ALGORITHM=INPLACE LOCK=NONE"
    assert _one(text, "mysql").alter == "ADD UNIQUE INDEX `a``b` USING BTREE (c(3) DESC) COMMENT 'x'"


# --- the ledger -------------------------------------------------------------------------------------------------------

_SCRIPT = read_script("BEGIN; CREATE TABLE a (i INT); ALTER TABLE a ADD b INT; INSERT INTO a VALUES (1, 2); COMMIT;", "it", "mysql", "shop")  # fmt: skip


def _notes(script: Script, done: int) -> list[Note]:
    return [Note(each.number, each.digest, True) for each in script.noted[:done]]


def test_how_far_a_script_is() -> None:
    assert progress_of(_SCRIPT, []).done == 0
    assert progress_of(_SCRIPT, _notes(_SCRIPT, 3)).done == 3
    begun = replace(_notes(_SCRIPT, 3)[2], done=False)
    assert progress_of(_SCRIPT, [*_notes(_SCRIPT, 2), begun]) == type(progress_of(_SCRIPT, []))(2, begun)


def test_comments_and_white_space_are_no_change() -> None:
    again = read_script("CREATE  TABLE a\n(i INT); -- x\nALTER TABLE a ADD b INT", "it", "mysql", "shop")
    assert progress_of(again, _notes(_SCRIPT, 2)).done == 2


def test_a_script_that_changed_since() -> None:
    other = read_script("CREATE TABLE a (i BIGINT); ALTER TABLE a ADD b INT", "it", "mysql", "shop")
    with pytest.raises(CannotResume, match="was changed since"):
        progress_of(other, _notes(_SCRIPT, 1))
    short = replace(_SCRIPT, statements=_SCRIPT.statements[:2])
    with pytest.raises(CannotResume, match="cut short"):
        progress_of(short, _notes(_SCRIPT, 2))
    with pytest.raises(CannotResume, match="gaps"):
        progress_of(_SCRIPT, _notes(_SCRIPT, 3)[1:])


@pytest.mark.parametrize(
    ("text", "way", "seen", "answer"),
    [
        ("DROP TABLE t", Way.DIRECT, Seen.UNCHANGED, Next.AGAIN), ("DROP TABLE t", Way.DIRECT, Seen.CHANGED, Next.DONE),
        ("DROP TABLE t, u", Way.DIRECT, Seen.PARTLY, Next.DOUBT), ("TRUNCATE t", Way.DIRECT, Seen.UNCHANGED, Next.DOUBT),
        ("ALTER TABLE t ADD a INT", Way.ONLINE, Seen.UNCHANGED, Next.AGAIN),
        ("ALTER TABLE t ADD a INT", Way.ONLINE, Seen.CHANGED, Next.PLAN),
    ],
)  # fmt: skip
def test_what_to_do_after_a_kill(text: str, way: Way, seen: Seen, answer: Next) -> None:
    statement = _one(text, "mysql")
    assert next_of(statement, Note(1, statement.digest, False, way=way.value), seen) is answer
