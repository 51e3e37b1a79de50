"""A desired table's text, taken apart; shapes read off the server's texts; what leads from one to the other."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostpy.errors import PlanRefused, UsageError
from ghostpy.planning.alter_between import Between, alter_text, differing
from ghostpy.planning.desired_text import read_desired
from ghostpy.planning.lookalikes import alike, check_renames, staying
from ghostpy.planning.postgres_desired import other_statements
from ghostpy.planning.postgres_desired import read_desired as read_for_postgres
from ghostpy.planning.sql_tokens import tokenize
from ghostpy.planning.table_shape import TableShape, comparable, read_shape


@given(st.permutations(list("abcdef")), st.permutations(list("abcdef")))
def test_no_more_columns_move_than_must(now: list[str], wanted: list[str]) -> None:
    still = staying(now, wanted)
    assert [name for name in now if name in still] == [name for name in wanted if name in still]
    larger = combinations(now, len(still) + 1)
    assert not any([n for n in now if n in some] == [n for n in wanted if n in some] for some in map(set, larger))


def test_columns_that_are_alike_are_pairs() -> None:
    dropped = {"a": ("int", "int NULL"), "b": ("int", "int NOT NULL"), "c": ("text", "text")}
    added = {"x": ("int", "int NOT NULL"), "y": ("int", "int DEFAULT 1"), "z": ("date", "date")}
    assert alike(dropped, added) == (("b", "x"), ("a", "y"))


def test_a_rename_is_made_once() -> None:
    assert check_renames([("a", "b")], ["a"], ["b"]) == ((("a", "b"),), ())
    renames, notes = check_renames([("a", "b")], ["b"], ["b"])
    assert renames == ()
    assert "already" in notes[0]


@pytest.mark.parametrize(
    ("renames", "says"),
    [
        ([("a", "z")], "no column z"),
        ([("a", "b")], "already, beside a"),
        ([("q", "n")], "no column q"),
        ([("k", "n")], "a column k still"),
        ([("a", "n"), ("a", "m")], "column a twice"),
        ([("a", "n"), ("c", "n")], "column n twice"),
    ],
)
def test_a_rename_that_cannot_be_meant(renames: list[tuple[str, str]], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        check_renames(renames, ["a", "b", "c", "k"], ["b", "k", "n", "m"])


def test_the_statement_is_sent_as_its_tokens_and_nothing_else() -> None:
    text = """/* first */ create table IF NOT EXISTS `s`.`t` ( -- one
        a INT /*!80023 INVISIBLE */, # two
        CONSTRAINT `c``1` CHECK (a > 1), CONSTRAINT CHECK (a > 2), b INT CONSTRAINT c2 CHECK (b <> ';')
    ) COMMENT 'x' ;; """
    read = read_desired(text)
    assert (read.database, read.table, read.check_names) == ("s", "t", ("c`1", "c2"))
    assert read.create("`n`", ["`o1`", "`o2`"]) == (
        "CREATE TABLE `n` ( a INT INVISIBLE , CONSTRAINT `o1` CHECK (a > 1), CONSTRAINT CHECK (a > 2), "
        "b INT CONSTRAINT `o2` CHECK (b <> ';') ) COMMENT 'x'"
    )


def test_double_quotes_are_names_only_where_the_server_says_so() -> None:
    read = read_desired('CREATE TABLE t ("a`b" INT)')
    assert read.create("`n`", []) == 'CREATE TABLE `n` ("a`b" INT)'
    assert read.create("`n`", [], ansi_quotes=True) == "CREATE TABLE `n` (`a``b` INT)"
    with pytest.raises(UsageError, match="backslash in double quotes"):
        read_desired(r'CREATE TABLE t (a INT COMMENT "a\b")')


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE t (SELECT 1 AS a)",
        "CREATE TABLE t (a INT) (SELECT 1)",
        "CREATE TABLE t (a INT) TABLE other",
        "CREATE TABLE t (a INT) (TABLE other)",
        "CREATE TABLE t (a INT) VALUES ROW(1)",
        "CREATE TABLE t (a INT) IGNORE SELECT 1",
        "CREATE TABLE t (a INT) WITH x AS (SELECT 1) SELECT 1",
        "CREATE TABLE t (a INT) START TRANSACTION",
        "CREATE TABLE t (a INT) ENGINE 'MyISAM'",
        "CREATE TABLE t (a INT) TYPE=MEMORY",
        "CREATE TABLE t (a INT) WITH SYSTEM VERSIONING",
        "CREATE TABLE t (a INT) PARTITION BY HASH (a) (PARTITION p DATA DIRECTORY = '/x')",
        "CREATE TABLE t (a INT) /*!99999 ; DROP TABLE x */",
    ],
)
def test_what_could_be_more_than_a_table_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        read_desired(text)


@pytest.mark.parametrize("opened", ["/*!99999", "/*M!999999", "/*!99999/*!99998", "/*! ", "/*M! ", "/*!9999 "])
@pytest.mark.parametrize("quote", ["'", '"', "`"])
def test_no_quotes_hide_the_end_of_a_condition(opened: str, quote: str) -> None:
    # A server that skips the first comment would read another statement.
    for inside in (
        f"{quote} */; DROP TABLE x; /* {quote} */",
        f"{quote} */ SELECT 1 /* {quote} */",
        f"{quote}/*{quote} */",
    ):
        with pytest.raises(UsageError):
            read_desired(f"CREATE TABLE t (a INT) COMMENT {opened} {inside}{' */' * (opened.count('/*') - 1)}")


_SMUGGLED = [
    # Each is more than one statement, or ends elsewhere, for one of the servers at least.
    "CREATE TABLE t (a INT) COMMENT ''''; DROP TABLE x; -- '",
    "CREATE TABLE t (a INT) COMMENT 'a\\\\'; DROP TABLE x; -- '",
    'CREATE TABLE t (a INT) COMMENT "a\\"; DROP TABLE x; -- "',
    'CREATE TABLE t (a INT) COMMENT """"; DROP TABLE x; -- "',
    "CREATE TABLE t (`a\\`; DROP TABLE x; -- ` INT)",
    "CREATE TABLE t (a INT) --; DROP TABLE x",
    "CREATE TABLE t (a INT) --\u00a0\n; DROP TABLE x",
    "CREATE TABLE t (a INT) -- \r\n; DROP TABLE x",
    "CREATE TABLE t (a INT) # '\n; DROP TABLE x # '",
    "CREATE TABLE t (a INT) /* /* */ ; DROP TABLE x; */",
    "CREATE TABLE t (a INT) /* /*!50000 */ ; DROP TABLE x */",
    "CREATE TABLE t (a INT) /*!50000 /* */ ; DROP TABLE x */",
    "CREATE TABLE t (a INT) /*!50000 /* */ */ ; DROP TABLE x",
    "CREATE TABLE t (a INT) /*!50000 # */\n ; DROP TABLE x */",
    "CREATE TABLE t (a INT) /*!50000 -- */\n ; DROP TABLE x */",
    "CREATE TABLE t (a INT) /*/ ; DROP TABLE x /*/ */",
    "CREATE TABLE t (a INT) /*! ; DROP TABLE x */",
    "CREATE TABLE t (a INT) /*M!100000 ; DROP TABLE x */",
    "CREATE TABLE t (a INT) /*M! SELECT 1 */",
    "CREATE TABLE t (a INT /*!99999 ) SELECT (1 */ )",
    "CREATE /*!99999 OR REPLACE */ TABLE t (a INT)",
    "CREATE TABLE t (a INT) PARTITION BY HASH (a) VALUES (1)",
    "CREATE TABLE t (a INT) PARTITION BY HASH (a) SELECT 1",
    "CREATE TABLE t (a INT) */ ; DROP TABLE x /*",
    "DELIMITER //\nCREATE TABLE t (a INT) // DROP TABLE x",
]


@pytest.mark.parametrize("text", _SMUGGLED)
def test_nothing_is_smuggled_in(text: str) -> None:
    with pytest.raises(UsageError):
        read_desired(text)


def test_a_backslash_is_read_as_the_session_reads_it() -> None:
    # Under NO_BACKSLASH_ESCAPES, which is taken from the session, this would be two statements.
    text = r"CREATE TABLE t (a INT) COMMENT '\'; DROP TABLE x; -- '"
    assert read_desired(text).create("t", []) == text


def test_two_minus_signs_begin_no_comment() -> None:
    # The server would take what follows the comment's line for the next words.
    for text in ("1--/**/'\n SELECT 2 -- '", "1-/**/-'\n SELECT 2 -- '", "1-/*!50000 -*/ '\n SELECT 2 -- '", "1--1"):
        sent = read_desired(f"CREATE TABLE t (a INT DEFAULT ({text}))").create("n", [])
        assert "--" not in sent.split("'")[0]


@given(st.text(alphabet="-/*!M5# \n\\'\"`;(a1)", max_size=30))
def test_what_is_sent_reads_as_what_was_looked_at(text: str) -> None:
    try:
        read = read_desired(f"CREATE TABLE t (a INT) COMMENT 'x' {text}")
    except UsageError:
        return
    sent = tokenize(read.create("n", []), "what is sent")
    assert [token.text for token in sent[3:]] == [token.text for token in read.tokens]


def _shape(*lines: str, tail: str = ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4") -> TableShape:
    listed = ",\n  ".join(lines)
    return read_shape(
        f"CREATE TABLE `t` (\n  {listed}\n{tail}", {"s": ("latin1", "latin1_bin")}, ("utf8mb4", "utf8mb4_bin")
    )


def test_a_shape_says_what_the_server_leaves_out() -> None:
    shape = _shape(
        "`s` varchar(3) COLLATE latin1_bin NOT NULL COMMENT 'a,b)'",
        "`g` int GENERATED ALWAYS AS (char_length(_utf8mb4'x')) STORED /*!80023 INVISIBLE */",
        "PRIMARY KEY (`s`)",
        "KEY `k` (`s`(2)) /*!80000 INVISIBLE */",
        "CONSTRAINT `c` CHECK ((`g` > 0)) /*!80016 NOT ENFORCED */",
        tail=") ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COMMENT='a=b'\n/*!50100 PARTITION BY HASH (`g`) */",
    )
    assert shape.columns[0].definition == "varchar(3) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL COMMENT 'a,b)'"
    assert shape.columns[0].type_text == "varchar ( 3 )"
    assert [column.generated for column in shape.columns] == ["", "STORED"]
    assert shape.columns[1].definition.endswith("STORED INVISIBLE")
    assert shape.indexes == {"PRIMARY": "PRIMARY KEY (`s`)", "k": "KEY `k` (`s`(2)) INVISIBLE"}
    assert shape.checks[0].text == "CHECK ((`g` > 0)) NOT ENFORCED"
    assert shape.options == {"ENGINE": "InnoDB", "COMMENT": "'a=b'"}
    assert shape.partitions == "PARTITION BY HASH (`g`)"


def test_what_is_not_known_is_refused() -> None:
    for line in ("CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `p` (`a`)", "PERIOD FOR SYSTEM_TIME (`a`, `b`)"):
        with pytest.raises(PlanRefused, match="not compared"):
            _shape("`a` int", line)
    with pytest.raises(PlanRefused, match="not compared"):
        _shape("`a` int", tail=") ENGINE=InnoDB WITH SYSTEM VERSIONING")


def test_the_client_that_wrote_a_string_counts_for_nothing() -> None:
    assert (
        comparable("(_latin1'x' <>   `a`)") == comparable("(_utf8mb4'x' <> `a`)") != comparable("(_utf8mb4'y' <> `a`)")
    )
    assert comparable("_latin1'ß'") != comparable("_utf8mb4'ß'")


def test_the_clauses() -> None:
    now = _shape(
        "`a` int",
        "`b` int",
        "`c` int",
        "`gone` int",
        "KEY `k` (`a`)",
        "KEY `x` (`b`)",
        "CONSTRAINT `c1` CHECK ((`a` > 0))",
    )
    wanted = _shape(
        *("`c` int", "`new` int NOT NULL", "`a` bigint", "`b` int", "`last` int"),
        *("KEY `k` (`a`,`b`)", "KEY `y` (`b`)", "CONSTRAINT `c2` CHECK ((`a` > 1))"),
        tail=") ENGINE=InnoDB COMMENT='x'",
    )
    between = Between(now, wanted)
    assert alter_text(between.changes()).split(",\n  ") == [
        "RENAME INDEX `x` TO `y`",
        "DROP INDEX `k`",
        "DROP CONSTRAINT `c1`",
        "DROP COLUMN `gone`",
        "MODIFY COLUMN `c` int FIRST",
        "ADD COLUMN `new` int NOT NULL AFTER `c`",
        "MODIFY COLUMN `a` bigint",
        "ADD COLUMN `last` int",
        "ADD KEY `k` (`a`,`b`)",
        "ADD CONSTRAINT `c2` CHECK ((`a` > 1))",
        "COMMENT='x'",
    ]
    assert [change.name for change in between.changes() if change.loses] == ["gone"]
    assert differing(now, now) == ()
    assert set(differing(now, wanted)) >= {
        "the columns' names or order",
        "the column a",
        "the index k",
        "CHECK constraints",
    }


def test_statements_for_postgres_go_to_the_table_that_is_meant() -> None:
    read = read_for_postgres("""
        CREATE UNLOGGED TABLE s."T" (a int DEFAULT ';', b int REFERENCES p) WITH (fillfactor = 70); -- end
        CREATE UNIQUE INDEX CONCURRENTLY i ON s."T" (a) WHERE b > 0;
        ALTER TABLE ONLY "T" ADD CONSTRAINT c CHECK (a > 0), ADD PRIMARY KEY (a);
        COMMENT ON COLUMN "T".a IS 'x;y';
    """)
    assert (read.schema, read.table, read.unlogged) == ("s", "T", True)
    assert read.create("n", read.columns) == (
        "CREATE UNLOGGED TABLE n (a int DEFAULT ';', b int REFERENCES p) WITH (fillfactor = 70)"
    )
    assert other_statements(read.others, "n") == (
        'CREATE UNIQUE INDEX "i" ON n (a) WHERE b > 0',
        "ALTER TABLE n ADD CONSTRAINT c CHECK (a > 0)",
        "ALTER TABLE n ADD PRIMARY KEY (a)",
        "COMMENT ON COLUMN n.\"a\" IS 'x;y'",
    )


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE t (id int) AS SELECT 1",
        "CREATE TABLE t AS VALUES (1)",
        "CREATE TABLE t (id int, LIKE other)",
        "CREATE TABLE t OF kind",
        "CREATE TABLE t (id int) ON COMMIT DROP",
        "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME public.s))",
        "CREATE TABLE t (id int, UNIQUE (id) USING INDEX TABLESPACE x)",
        "CREATE TABLE t (id int); ALTER TABLE t ADD COLUMN a int",
        "CREATE TABLE t (id int); ALTER TABLE t ADD PRIMARY KEY USING INDEX i",
        "CREATE TABLE t (id int); ADD CONSTRAINT c CHECK (id > 0)",
        "CREATE TABLE t (id int); COMMENT ON INDEX i IS 'x'",
        "CREATE TABLE a.t (id int); CREATE INDEX ON b.t (id)",
        "CREATE FOREIGN TABLE t (id int) SERVER s",
        "CREATE TABLE t (id int); CREATE TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION f()",
        "CREATE TABLE t (id int); DO $$ BEGIN END $$",
    ],
)
def test_what_could_be_more_than_a_table_is_refused_for_postgres(text: str) -> None:
    with pytest.raises(UsageError):
        read_for_postgres(text)
