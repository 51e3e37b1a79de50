"""PostgreSQL's ALTER text taken apart: headers, clauses and what they tell, and texts that must be refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostpy.errors import UsageError
from ghostpy.planning.postgres_alter import parse_alter, shadow_findings
from ghostpy.planning.postgres_clauses import Kind
from ghostpy.planning.postgres_partitions import Partition, Partitioning
from ghostpy.planning.postgres_tokens import tokenize

T = '"s"."t"'

HEADERS = [
    ("ADD x int", None, None),
    ("ALTER TABLE t ADD x int", None, "t"),
    ("alter table S.T add x int;", "s", "t"),
    ('ALTER TABLE "S"."T" ADD x int', "S", "T"),
    ('ALTER TABLE "a""b"."c.d" ADD x int', 'a"b', "c.d"),
    ('ALTER TABLE U&"\\0061b".t ADD x int', "ab", "t"),
    ("ALTER TABLE IF EXISTS ONLY s . t * ADD x int ; ;", "s", "t"),
    ("/* a /* nested */ one */ ALTER -- why\n TABLE t ADD x int -- so", None, "t"),
    ("ALTER TABLE Größe ADD x int", None, "größe"),
    ("ALTER TABLE t$1 ADD x int", None, "t$1"),
    (f"ALTER TABLE {'n' * 70} ADD x int", None, "n" * 63),
]


@pytest.mark.parametrize(("text", "schema", "table"), HEADERS)
def test_header(text: str, schema: str | None, table: str | None) -> None:
    found = parse_alter(text)
    assert (found.schema, found.table) == (schema, table)
    assert [statement.lower() for statement in found.statements(T)] == [f"alter table {T} add x int"]


CLAUSES = [
    ("ADD COLUMN IF NOT EXISTS a int DEFAULT f(1, 2)", Kind.ADD_COLUMN, "a", None),
    ("ADD exclude int", Kind.ADD_COLUMN, "exclude", None),
    ("ADD EXCLUDE USING gist (a WITH =)", Kind.ADD_EXCLUDE, None, None),
    ("ADD EXCLUDE (a WITH =)", Kind.ADD_EXCLUDE, None, None),
    ("ADD CONSTRAINT n EXCLUDE (a WITH =)", Kind.ADD_EXCLUDE, None, "n"),
    ('ADD "check" int', Kind.ADD_COLUMN, "check", None),
    ("ADD CHECK (a > 0)", Kind.ADD_CHECK, None, None),
    ("ADD CONSTRAINT N CHECK (a IN (1, 2))", Kind.ADD_CHECK, None, "n"),
    ("ADD UNIQUE NULLS NOT DISTINCT (a, b)", Kind.ADD_UNIQUE, None, None),
    ("ADD CONSTRAINT n UNIQUE USING INDEX i", Kind.ADD_UNIQUE, None, "n"),
    ("ADD PRIMARY KEY (a)", Kind.ADD_PRIMARY_KEY, None, None),
    ("ADD CONSTRAINT n NOT NULL a NOT VALID", Kind.ADD_NOT_NULL, None, "n"),
    ("ADD FOREIGN KEY (a) REFERENCES p ON DELETE SET NULL (a)", Kind.ADD_FOREIGN_KEY, None, None),
    ("DROP a", Kind.DROP_COLUMN, "a", None),
    ("DROP COLUMN IF EXISTS A CASCADE", Kind.DROP_COLUMN, "a", None),
    ("DROP cascade", Kind.DROP_COLUMN, "cascade", None),
    ("DROP index RESTRICT", Kind.DROP_COLUMN, "index", None),
    ("DROP CONSTRAINT IF EXISTS n", Kind.DROP_CONSTRAINT, None, "n"),
    ("ALTER a TYPE bigint", Kind.ALTER_TYPE, "a", None),
    ("ALTER COLUMN a SET DATA TYPE text COLLATE \"C\" USING a || ','", Kind.ALTER_TYPE, "a", None),
    ("ALTER type SET DEFAULT 1", Kind.SET_DEFAULT, "type", None),
    ("ALTER a DROP DEFAULT", Kind.DROP_DEFAULT, "a", None),
    ("ALTER a SET NOT NULL", Kind.SET_NOT_NULL, "a", None),
    ("ALTER a DROP NOT NULL", Kind.DROP_NOT_NULL, "a", None),
    ("ALTER a SET EXPRESSION AS (b + 1)", Kind.SET_EXPRESSION, "a", None),
    ("ALTER a DROP EXPRESSION IF EXISTS", Kind.DROP_EXPRESSION, "a", None),
    ("ALTER a ADD GENERATED ALWAYS AS IDENTITY (START 5)", Kind.IDENTITY, "a", None),
    ("ALTER a SET INCREMENT BY 2 SET CACHE 5", Kind.IDENTITY, "a", None),
    ("ALTER a RESTART WITH 7", Kind.IDENTITY, "a", None),
    ("ALTER a DROP IDENTITY IF EXISTS", Kind.IDENTITY, "a", None),
    ("ALTER a SET STATISTICS 100", Kind.SET_STATISTICS, "a", None),
    ("ALTER a SET STORAGE EXTERNAL", Kind.SET_STORAGE, "a", None),
    ("ALTER a SET COMPRESSION lz4", Kind.SET_STORAGE, "a", None),
    ("ALTER a SET (n_distinct = 5)", Kind.COLUMN_OPTIONS, "a", None),
    ("ALTER a RESET (n_distinct)", Kind.COLUMN_OPTIONS, "a", None),
    ("ALTER CONSTRAINT n DEFERRABLE", Kind.ALTER_CONSTRAINT, None, "n"),
    ("VALIDATE CONSTRAINT n", Kind.VALIDATE, None, "n"),
    ("RENAME COLUMN a TO b", Kind.RENAME_COLUMN, "a", "b"),
    ("RENAME a TO b", Kind.RENAME_COLUMN, "a", "b"),
    ("RENAME CONSTRAINT a TO b", Kind.RENAME_CONSTRAINT, None, "b"),
    ("RENAME TO b", Kind.RENAME_TABLE, None, "b"),
    ("SET SCHEMA b", Kind.SET_SCHEMA, None, "b"),
    ("OWNER TO b", Kind.OWNER, None, "b"),
    ("SET (fillfactor = 70, autovacuum_enabled = off)", Kind.TABLE_OPTIONS, None, None),
    ("SET TABLESPACE b", Kind.TABLESPACE, None, "b"),
    ("SET ACCESS METHOD heap", Kind.ACCESS_METHOD, None, "heap"),
    ("SET UNLOGGED", Kind.PERSISTENCE, None, None),
    ("CLUSTER ON i", Kind.CLUSTER, None, "i"),
    ("REPLICA IDENTITY FULL", Kind.REPLICA_IDENTITY, None, "full"),
    ("ENABLE ALWAYS TRIGGER x", Kind.TRIGGER, None, "always"),
    ("DISABLE RULE x", Kind.RULE, None, "x"),
    ("ENABLE ROW LEVEL SECURITY", Kind.ROW_SECURITY, None, "level"),
    ("NO FORCE ROW LEVEL SECURITY", Kind.ROW_SECURITY, None, "row"),
    ("NO INHERIT p", Kind.INHERIT, None, "p"),
    ("ATTACH PARTITION p FOR VALUES FROM (1) TO (2)", Kind.PARTITION, None, "p"),
    ("ADD CONSTRAINT n SOMETHING NEW", Kind.OTHER, None, None),
    ("SPLIT THE TABLE", Kind.OTHER, None, None),
    ("ADD U&\"d!0061t\" UESCAPE '!' int", Kind.ADD_COLUMN, None, None),
]


@pytest.mark.parametrize(("text", "kind", "column", "name"), CLAUSES, ids=[text for text, *_ in CLAUSES])
def test_clause(text: str, kind: Kind, column: str | None, name: str | None) -> None:
    (clause,) = parse_alter(text).clauses
    assert (clause.kind, clause.column, clause.text) == (kind, column, text)
    if kind is not Kind.OTHER:
        assert clause.name == name


@pytest.mark.parametrize(
    ("text", "not_valid"),
    [
        ("ADD CHECK (a IS NOT NULL)", False),
        ("ADD CHECK (a) NOT VALID", True),
        ("ADD CHECK (a) NOT ENFORCED", True),
        ("ADD FOREIGN KEY (a) REFERENCES p NOT DEFERRABLE", False),
        ("ADD FOREIGN KEY (a) REFERENCES p NOT VALID", True),
    ],
)
def test_not_valid(text: str, not_valid: bool) -> None:
    assert parse_alter(text).clauses[0].not_valid is not_valid


STATEMENTS = [
    ("ADD a int, DROP b", [f"ALTER TABLE {T} ADD a int, DROP b"]),
    ("ADD a int; DROP b", [f"ALTER TABLE {T} ADD a int", f"ALTER TABLE {T} DROP b"]),
    (
        "ADD a int, RENAME b TO c, ADD d int, DROP e",
        [f"ALTER TABLE {T} ADD a int", f"ALTER TABLE {T} RENAME b TO c", f"ALTER TABLE {T} ADD d int, DROP e"],
    ),
    ("ALTER TABLE x RENAME a TO b; ADD c int", [f"ALTER TABLE {T} RENAME a TO b", f"ALTER TABLE {T} ADD c int"]),
    ("CREATE INDEX ON x (a)", [f"CREATE INDEX ON {T} (a)"]),
    (
        "create unique index concurrently if not exists I on only q.x using btree (a, (b||',')) where c;",
        [f"CREATE UNIQUE INDEX IF NOT EXISTS \"i\" ON {T} using btree (a, (b||',')) where c"],
    ),
    (
        "DROP INDEX CONCURRENTLY IF EXISTS s.i, j CASCADE",
        [f'DROP INDEX IF EXISTS "s".{i} CASCADE' for i in ('"i"', '"j"')],
    ),
    ("ADD a text DEFAULT $x$,';$$,$x$, DROP b", [f"ALTER TABLE {T} ADD a text DEFAULT $x$,';$$,$x$, DROP b"]),
    (
        "ADD a text DEFAULT E'\\',;'; DROP b",
        [f"ALTER TABLE {T} ADD a text DEFAULT E'\\',;'", f"ALTER TABLE {T} DROP b"],
    ),
    ("ADD a text DEFAULT '\\'; DROP b", [f"ALTER TABLE {T} ADD a text DEFAULT '\\'", f"ALTER TABLE {T} DROP b"]),
    ("ADD a int[] DEFAULT ARRAY[1,2]", [f"ALTER TABLE {T} ADD a int[] DEFAULT ARRAY[1,2]"]),
    ("ADD a text DEFAULT E'x' -- ,\n '\\',;'", [f"ALTER TABLE {T} ADD a text DEFAULT E'x' -- ,\n '\\',;'"]),
    ("ADD a int -- one, two;\n", [f"ALTER TABLE {T} ADD a int"]),
    ("ADD a int /* , /* ; */ , */", [f"ALTER TABLE {T} ADD a int"]),
    ('ADD "a,;b" int', [f'ALTER TABLE {T} ADD "a,;b" int']),
]


@pytest.mark.parametrize(("text", "statements"), STATEMENTS)
def test_statements(text: str, statements: list[str]) -> None:
    assert list(parse_alter(text).statements(T)) == statements


def test_partitioning() -> None:
    alter = parse_alter(
        "DROP CONSTRAINT k, PARTITION BY RANGE (a, lower(b)); create table if not exists P partition of s.t for values in (1) PARTITION BY HASH (c);"
        'CREATE TABLE s."Q;" PARTITION OF p FOR VALUES WITH (MODULUS 1, REMAINDER 0)'
    )
    assert (alter.schema, alter.table) == ("s", "t")
    assert list(alter.statements(T)) == [f"ALTER TABLE {T} DROP CONSTRAINT k"]
    assert alter.partitioning == Partitioning(
        "RANGE (a, lower(b))",
        (
            Partition("p", None, "for values in (1) PARTITION BY HASH (c)"),
            Partition("Q;", "p", "FOR VALUES WITH (MODULUS 1, REMAINDER 0)"),
        ),
    )
    assert alter.text.startswith("DROP CONSTRAINT k, PARTITION BY RANGE (a, lower(b)); create table")


def test_using() -> None:
    alter = parse_alter(
        "ALTER a TYPE int USING (a)::int, ALTER COLUMN \"B\" SET DATA TYPE text COLLATE x USING b || ', ' /* c */, ADD d int,"
        "ALTER e TYPE text"
    )
    assert alter.using == {"a": "(a)::int", "B": "b || ', '"}


REFUSED = [
    "",
    " ; -- nothing\n;",
    "ALTER TABLE t",
    "ALTER TABLE",
    "ALTER TABLE a.b.c ADD x int",
    "ALTER TABLE ALL IN TABLESPACE x SET TABLESPACE y",
    "ADD a int,",
    ", ADD a int",
    "ADD a int,, ADD b int",
    "ADD a varchar(5",
    "ADD a varchar)5(",
    "ADD a int[)",
    "ADD a text DEFAULT 'x",
    'ADD "a int',
    "ADD a text DEFAULT E'x\\'",
    "ADD a text DEFAULT $x$ $y$",
    "ADD a int /* /* */",
    "ADD a\0 int",
    "SELECT 1",
    "ADD a int; DELETE FROM t",
    "BEGIN; ADD a int; COMMIT",
    "CREATE TABLE x (a int)",
    "PARTITION BY RANGE (a)",
    "CREATE TABLE p PARTITION OF t DEFAULT",
    "PARTITION BY RANGE (a); PARTITION BY RANGE (a); CREATE TABLE p PARTITION OF t DEFAULT",
    "PARTITION BY RANGE (a); CREATE TABLE x (a int)",
    "PARTITION BY RANGE (a); CREATE TABLE p PARTITION OF t (CHECK (a > 0)) DEFAULT",
    "PARTITION BY RANGE (a); CREATE TABLE p PARTITION OF t DEFAULT; CREATE TABLE p PARTITION OF t DEFAULT",
    "PARTITION BY RANGE (a); CREATE TABLE t PARTITION OF t DEFAULT",
    "PARTITION BY RANGE (a); CREATE TABLE r.p PARTITION OF s.t DEFAULT",
    "PARTITION BY RANGE (a); CREATE TABLE p PARTITION OF t DEFAULT; CREATE TABLE q PARTITION OF u DEFAULT",
    "CREATE INDEX i (a)",
    "CREATE INDEX ON (a)",
    "DROP TABLE x",
    "DROP INDEX i; x",
    "DROP INDEX i j",
    "ALTER INDEX i RENAME TO j",
    "ALTER SEQUENCE x RESTART",
    "ALTER TABLE a ADD x int; ALTER TABLE b ADD x int",
    "ALTER TABLE s.a ADD x int; CREATE INDEX ON r.a (x)",
    "ALTER TABLE s.a ADD x int; DROP INDEX r.i",
    "MERGE INTO t USING x ON a = b WHEN MATCHED THEN DELETE",
]


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_alter(text)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("ADD a int, RENAME b TO c", []),
        ("RENAME TO x", ["renames-table"]),
        ("ADD a int; SET SCHEMA x", ["renames-table"]),
        ("OWNER TO x, DISABLE TRIGGER ALL", ["not-by-shadow", "not-by-shadow"]),
    ],
)
def test_shadow_findings(text: str, codes: list[str]) -> None:
    assert [finding.code for finding in shadow_findings(parse_alter(text))] == codes


pieces = st.one_of(
    st.text(alphabet="'\"$/*-\\();[],eEuU& \nax1", max_size=25),
    st.sampled_from(["$a$", "$$", "E'", "/*", "*/", "--", "\n", 'U&"', "ADD a", ",", ";", "(", ")"]),
)


@given(st.lists(pieces, max_size=12).map("".join))
def test_tokens_cover_the_text_in_order_or_it_is_refused(text: str) -> None:
    try:
        tokens = tokenize(text, "it")
    except UsageError:
        return
    place = 0
    for token in tokens:
        assert token.start >= place
        assert token.text
        assert text[token.start : token.end] == token.text
        place = token.end


literals = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20).map(
    lambda text: "'" + text.replace("'", "''") + "'"
)
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=10).map(
    lambda text: '"' + text.replace('"', '""') + '"'
)


@given(st.lists(st.tuples(names, literals), min_size=1, max_size=4))
def test_clauses_come_back_as_written(columns: list[tuple[str, str]]) -> None:
    clauses = [f"ADD COLUMN {name} text DEFAULT {literal}" for name, literal in columns]
    found = parse_alter(" , ".join(clauses))
    assert [clause.text for clause in found.clauses] == clauses
    assert [clause.column for clause in found.clauses] == [name[1:-1].replace('""', '"') for name, _ in columns]
    assert parse_alter(found.statements(T)[0]).clauses == found.clauses
    assert parse_alter(f"ALTER TABLE {columns[0][0]} {' , '.join(clauses)};").statements(T) == found.statements(T)
