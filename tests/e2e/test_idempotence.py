"""The same change asked for again, as cron does: where the table has the wanted shape, nothing is done, and the exit code is 0."""

from __future__ import annotations

from collections.abc import Callable

import postgres_witness
import pytest
import witness
from migrating import Finished, cursor_of, ghostpy, url_of

from ghostpy import sandbox
from ghostpy.dialects.mysql.housekeeping import lock_name
from ghostpy.model.names import TableName

NewDatabase = Callable[[sandbox.Server], str]
NOTHING = "nothing to do, the table has the wanted shape already"

TABLE = (
    "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a INT NOT NULL, b VARCHAR(20), c INT, d INT, "
    "KEY by_a (a), KEY by_cb (c, b))",
    "INSERT INTO t (a, b, c, d) VALUES (1, 'x', 1, 1), (2, 'y', 2, 2)",
)


def again(server: sandbox.Server, database: str, alter: str, *flags: str) -> Finished:
    return ghostpy(
        "migrate", f"--url={url_of(server, database)}", "--table=t", f"--alter={alter}", "--execute", "--quiet", *flags
    )


def prepared(server: sandbox.Server, database: str, *statements: str) -> None:
    with cursor_of(server, database) as cursor:
        for statement in statements:
            cursor.execute(statement)


MYSQL_DONE = {
    "add column": "ADD COLUMN n INT",
    "add column at a place": "ADD COLUMN n INT NOT NULL DEFAULT 5 AFTER id, ADD m VARCHAR(9) FIRST",
    "add column with an index": "ADD COLUMN n INT, ADD INDEX by_n (n, a)",
    "add unique column": "ADD COLUMN n INT UNIQUE",
    "add generated column": "ADD COLUMN g INT AS (a + 1) STORED, ADD INDEX by_g (g)",
    "drop column": "DROP COLUMN c",
    "change type": "MODIFY a BIGINT NOT NULL",
    "rename and change type": "CHANGE d e BIGINT NULL",
    "rename column": "RENAME COLUMN c TO e",
    "add index": "ADD INDEX by_b (b)",
    "add index without a name": "ADD INDEX (b)",
    "add unique index": "ADD CONSTRAINT u UNIQUE (a, b)",
    "drop index": "DROP INDEX by_a",
    "rename index": "RENAME INDEX by_a TO on_a",
    "another primary key": "DROP PRIMARY KEY, ADD PRIMARY KEY (id, a)",
    "default": "ALTER COLUMN a SET DEFAULT 3",
    "comment": "COMMENT='force'",
    "character set": "CONVERT TO CHARACTER SET latin1",
    "several": "DROP COLUMN c, ADD COLUMN n INT, MODIFY b VARCHAR(40), ADD INDEX by_n (n)",
}


@pytest.mark.parametrize("alter", MYSQL_DONE.values(), ids=MYSQL_DONE.keys())
def test_on_mysql_what_is_done_is_not_done_again(mysql: sandbox.MySQLServer, database: str, alter: str) -> None:
    prepared(mysql, database, *TABLE, f"ALTER TABLE t {alter}")
    before = witness.Witness(mysql, database)
    finished = again(mysql, database, alter)
    assert (finished.status, finished.output) == (0, f"ghostpy: {database}.t: {NOTHING}\n"), finished.errors
    before.assert_as_before()


@pytest.mark.parametrize("alter", ["ADD COLUMN n INT", "DROP COLUMN c", "CHANGE d e BIGINT NULL", "ADD INDEX (b)"])
def test_on_mariadb_what_is_done_is_not_done_again(
    mariadb: sandbox.MariaDBServer, new_database: NewDatabase, alter: str
) -> None:
    database = new_database(mariadb)
    prepared(mariadb, database, *TABLE, f"ALTER TABLE t {alter}")
    finished = again(mariadb, database, alter)
    assert (finished.status, finished.output) == (0, f"ghostpy: {database}.t: {NOTHING}\n"), finished.errors
    with cursor_of(mariadb, database) as cursor:
        cursor.execute("SHOW TABLES")
        assert cursor.fetchall() == (("t",),)


MYSQL_DIFFERENT = {
    "other type": ("ADD COLUMN n INT", "ADD COLUMN n BIGINT", "Duplicate column"),
    "other place": ("ADD COLUMN n INT", "ADD COLUMN n INT FIRST", "Duplicate column"),
    "other default": ("ADD COLUMN n INT", "ADD COLUMN n INT DEFAULT 7", "Duplicate column"),
    "half of it": ("ADD COLUMN n INT", "ADD COLUMN n INT, ADD COLUMN m INT", "Duplicate column"),
    "the other half": ("DROP COLUMN c", "DROP COLUMN c, ADD COLUMN m INT", "check that"),
    "renamed, and not changed": ("RENAME COLUMN d TO e", "CHANGE d e BIGINT", "Unknown column"),
    "other index": ("ADD INDEX i (b)", "ADD INDEX i (c)", "Duplicate key name"),
    "other primary key": ("COMMENT='x'", "ADD PRIMARY KEY (id, a)", "Multiple primary key"),
    "one of two indexes": ("COMMENT='x'", "DROP INDEX by_a, DROP INDEX nowhere", "check that"),
}


@pytest.mark.parametrize(("there", "alter", "told"), MYSQL_DIFFERENT.values(), ids=MYSQL_DIFFERENT.keys())
def test_on_mysql_what_differs_is_refused_as_ever(
    mysql: sandbox.MySQLServer, database: str, there: str, alter: str, told: str
) -> None:
    prepared(mysql, database, *TABLE, f"ALTER TABLE t {there}")
    before = witness.Witness(mysql, database)
    finished = again(mysql, database, alter)
    assert (finished.status, finished.output) == (3, f"ghostpy: {database}.t: not started (refused), exit 3\n")
    assert told in finished.errors
    before.assert_as_before()


MYSQL_STILL_DONE = {
    "rebuild": "ENGINE=InnoDB",
    "rebuild, and a column that is like that": "MODIFY d INT, FORCE",
    "a column made anew": "DROP COLUMN d, ADD COLUMN d INT",
    "names exchanged": "RENAME COLUMN c TO d, RENAME COLUMN d TO c",
}


@pytest.mark.parametrize("alter", MYSQL_STILL_DONE.values(), ids=MYSQL_STILL_DONE.keys())
def test_on_mysql_more_than_a_shape_is_done_each_time(mysql: sandbox.MySQLServer, database: str, alter: str) -> None:
    prepared(mysql, database, *TABLE)
    finished = ghostpy("migrate", f"--url={url_of(mysql, database)}", "--table=t", f"--alter={alter}")
    assert finished.status == 0, finished.errors
    assert "strategy      shadow" in finished.output


def test_on_mysql_a_filter_is_more_than_a_shape(mysql: sandbox.MySQLServer, database: str) -> None:
    prepared(mysql, database, *TABLE, "ALTER TABLE t ADD n INT")
    assert again(mysql, database, "ADD n INT", "--where=id > 1").status == 3
    assert again(mysql, database, "ADD n INT", "--transform=a=a + 1").status == 3
    assert NOTHING in again(mysql, database, "ADD n INT", "--transform=n=a + 1").output


def test_on_mysql_runs_one_after_the_other(mysql: sandbox.MySQLServer, database: str) -> None:
    """Real ones: each is done once, in whichever order they come again, and the old table of the last one stays."""
    prepared(mysql, database, *TABLE)
    first, second = "ADD COLUMN n INT", "ADD COLUMN m INT, ADD INDEX by_nm (n, m), DROP INDEX by_a"
    finished = again(mysql, database, first, "--ok-to-drop-table")
    assert finished.output.startswith(f"ghostpy: {database}.t: done in "), finished.errors
    assert again(mysql, database, second).status == 0
    before = witness.Witness(mysql, database)
    assert sorted(before.before) == ["_t_del", "t"]
    for alter in (first, second, first):
        finished = again(mysql, database, alter, "--initially-drop-old-table")
        assert NOTHING in finished.output, finished.errors
    before.assert_as_before()


def test_a_second_run_beside_the_first_does_not_wait(mysql: sandbox.MySQLServer, database: str) -> None:
    prepared(mysql, database, *TABLE)
    with cursor_of(mysql, database) as cursor:
        cursor.execute("SELECT GET_LOCK(%s, 0)", [lock_name(TableName(database, "t"))])
        finished = again(mysql, database, "ADD n INT")
    assert finished.status == 75
    assert finished.output == f"ghostpy: {database}.t: not started (another run is under way), exit 75\n"
    assert f"another run is changing {database}.t" in finished.errors


POSTGRES_TABLE = (
    "CREATE TABLE p (id int PRIMARY KEY)",
    "CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, b text, c int, d int CONSTRAINT positive CHECK (d > 0))",
    "CREATE INDEX by_a ON t (a)",
    "CREATE INDEX by_cb ON t (c, b)",
    "INSERT INTO t SELECT i, i, 'x', NULL, i FROM generate_series(1, 10) AS i",
)
POSTGRES_DONE = {
    "add column": "ADD COLUMN n int",
    "add column with a default": "ADD COLUMN n int NOT NULL DEFAULT 5, ADD m varchar(9)",
    "add column with an index": "ADD COLUMN n int; CREATE INDEX by_n ON t (n, a)",
    "add unique column": "ADD COLUMN n int UNIQUE",
    "add generated column": "ADD COLUMN g int GENERATED ALWAYS AS (a + 1) STORED",
    "drop column": "DROP COLUMN c",
    "change type": "ALTER COLUMN a TYPE bigint",
    "rename column": "RENAME COLUMN c TO e",
    "add index": "CREATE INDEX by_b ON t (b)",
    "add index without a name": "CREATE INDEX ON t (b)",
    "add unique constraint": "ADD CONSTRAINT u UNIQUE (a, b)",
    "add unique constraint without a name": "ADD UNIQUE (a, b)",
    "drop index": "DROP INDEX by_a",
    "add check": "ADD CONSTRAINT small CHECK (a < 1000)",
    "add check without a name": "ADD CHECK (a < 1000)",
    "drop constraint": "DROP CONSTRAINT positive",
    "add foreign key": "ADD CONSTRAINT to_p FOREIGN KEY (c) REFERENCES p (id)",
    "not null": "ALTER COLUMN b SET NOT NULL",
    "default": "ALTER COLUMN b SET DEFAULT 'x'",
    "another primary key": "DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id, a)",
    "identity": "ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY",
    "several": "DROP COLUMN c, ADD COLUMN n int, ALTER COLUMN a TYPE bigint, DROP CONSTRAINT positive",
}


def statements_of(alter: str) -> list[str]:
    parts = [part.strip() for part in alter.split(";")]
    return [part if part.startswith(("CREATE", "DROP INDEX")) else f"ALTER TABLE t {part}" for part in parts]


@pytest.mark.parametrize("alter", POSTGRES_DONE.values(), ids=POSTGRES_DONE.keys())
def test_on_postgres_what_is_done_is_not_done_again(
    postgres: sandbox.PostgresServer, new_database: NewDatabase, alter: str
) -> None:
    database = new_database(postgres)
    prepared(postgres, database, *POSTGRES_TABLE, *statements_of(alter))
    before = postgres_witness.Witness(postgres, database)
    finished = again(postgres, database, alter)
    assert (finished.status, finished.output) == (0, f"ghostpy: public.t: {NOTHING}\n"), finished.errors
    before.assert_untouched()


POSTGRES_DIFFERENT = {
    "other type": ("ADD COLUMN n int", "ADD COLUMN n bigint", "already exists"),
    "other default": ("ADD COLUMN n int", "ADD COLUMN n int DEFAULT 7", "already exists"),
    "half of it": ("ADD COLUMN n int", "ADD COLUMN n int, ADD COLUMN m int", "already exists"),
    "the other half": ("DROP COLUMN c", "DROP COLUMN c, ADD COLUMN m int", "does not exist"),
    "other index": ("CREATE INDEX i ON t (b)", "CREATE INDEX i ON t (c)", "already exists"),
    "other primary key": ("ADD COLUMN n int", "ADD PRIMARY KEY (id, a)", "multiple primary keys"),
    "other check": ("ADD CONSTRAINT k CHECK (a > 0)", "ADD CONSTRAINT k CHECK (a > 1)", "already exists"),
    "not valid yet": (
        "ADD CONSTRAINT k CHECK (a > 0) NOT VALID",
        "ADD CONSTRAINT k CHECK (a > 0)",
        "already exists",
    ),
    "one of two indexes": ("ADD COLUMN n int", "DROP INDEX by_a; DROP INDEX nowhere", "does not exist"),
}


@pytest.mark.parametrize(("there", "alter", "told"), POSTGRES_DIFFERENT.values(), ids=POSTGRES_DIFFERENT.keys())
def test_on_postgres_what_differs_is_refused_as_ever(
    postgres: sandbox.PostgresServer, new_database: NewDatabase, there: str, alter: str, told: str
) -> None:
    database = new_database(postgres)
    prepared(postgres, database, *POSTGRES_TABLE, *statements_of(there))
    before = postgres_witness.Witness(postgres, database)
    finished = again(postgres, database, alter)
    assert (finished.status, finished.output) == (3, "ghostpy: public.t: not started (refused), exit 3\n")
    assert told in finished.errors
    before.assert_untouched()


def test_on_postgres_a_type_that_is_there_already_under_a_view(
    postgres: sandbox.PostgresServer, new_database: NewDatabase
) -> None:
    database = new_database(postgres)
    prepared(postgres, database, *POSTGRES_TABLE, "CREATE VIEW v AS SELECT a, c FROM t")
    for alter, told in (
        ("ALTER COLUMN a TYPE bigint", "strategy      shadow"),
        ("ALTER COLUMN a TYPE int", "there is nothing to do"),
        ("ALTER COLUMN a TYPE int USING a + 1", "strategy      shadow"),
    ):
        finished = ghostpy("migrate", f"--url={url_of(postgres, database)}", "--table=t", f"--alter={alter}")
        assert told in finished.output, finished.output + finished.errors


def test_on_postgres_more_than_a_shape_is_done_each_time(
    postgres: sandbox.PostgresServer, new_database: NewDatabase
) -> None:
    database = new_database(postgres)
    prepared(postgres, database, *POSTGRES_TABLE)
    finished = again(postgres, database, "DROP COLUMN d, ADD COLUMN d int CONSTRAINT positive CHECK (d > 0)")
    assert "done in" in finished.output, finished.errors
    with cursor_of(postgres, database) as cursor:
        cursor.execute("SELECT count(d) FROM t")
        assert cursor.fetchone() == (0,)
    assert again(postgres, database, "ADD n int").status == 0
    assert again(postgres, database, "ADD n int", "--where=id > 1").status == 3
    assert again(postgres, database, "ADD n int", "--transform=a=a + 1").status == 3


def test_on_postgres_runs_one_after_the_other(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> None:
    """Real ones by way of a shadow, whose old tables stay: each is done once, in whichever order they come again."""
    database = new_database(postgres)
    prepared(postgres, database, *POSTGRES_TABLE)
    first = ("ADD COLUMN n int", "--strategy=shadow", "--transform=n=a * 2")
    second = ("ADD COLUMN m int, ADD CONSTRAINT nm CHECK (n > m), ALTER a TYPE bigint",)
    finished = again(postgres, database, *first, "--ok-to-drop-table")
    assert finished.output.startswith("ghostpy: public.t: done in "), finished.errors
    assert again(postgres, database, *second).status == 0
    before = postgres_witness.Witness(postgres, database)
    for alter, *flags in (first, second, first):
        finished = again(postgres, database, alter, *flags)
        assert NOTHING in finished.output, finished.errors
    before.assert_untouched()
