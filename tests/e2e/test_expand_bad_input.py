"""Bad input to `ghostpy expand`, `contract` and `rollback`: each a clear paragraph, the exit code of its kind, and nothing created or changed."""

from __future__ import annotations

from collections.abc import Callable

import postgres_witness
import pytest
import witness
from bad_input import Case
from expanding import here
from migrating import Finished, cursor_of, url_of
from witness import assert_failed

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]

TABLE = (
    "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20), country VARCHAR(20))",
    "INSERT INTO t VALUES (1, 'Ada', 'gb'), (2, 'Grace', 'us'), (3, NULL, NULL)",
)
ADD, UP, DOWN = "--add=label VARCHAR(40)", "--up=label = UPPER(name)", "--down=name = LOWER(label)"


def case(name: str, status: int, *says: str, flags: tuple[str, ...] = (ADD, UP, DOWN), **more: object) -> Case:
    return Case(name, status, says, alter=None, flags=flags, **more)  # type: ignore[arg-type]


USAGE = [
    case("nothing to add", 2, "--add must be given", flags=(UP, DOWN)),
    case("no way back", 2, "--down must be given", flags=(ADD, UP)),
    case("no name", 2, "does not begin with a column's name", flags=("--add='label' int", UP, DOWN)),
    case("twice", 2, "names the column label twice", flags=(ADD, ADD, UP, DOWN)),
    case("two columns in one", 2, "one --up is for one column", flags=(ADD, "--up=label = name, x = 1", DOWN)),
    case("no expression", 2, "--up label is empty", flags=(ADD, "--up=label = ", DOWN)),
]  # fmt: skip
COMMON = [
    case("no such table", 3, "there is no table", "nowhere", table="nowhere"),
    case("no such column", 3, "has no column nobody", flags=(ADD, UP, "--down=nobody = label")),
    case("a column that is there", 3, "has a column country already", flags=("--add=country INT", "--up=country = name", "--down=name = country")),
    case("no up", 3, "no --up for the new column other", flags=(ADD, "--add=other INT", UP, DOWN)),
    case("up of another", 3, "is of no column that --add adds", flags=(ADD, UP, "--up=name = 1", DOWN)),
    case("up looks elsewhere", 3, "--up label uses country", flags=(ADD, "--up=label = CONCAT(name, country)", DOWN)),
    case("down looks elsewhere", 3, "--down name uses country", flags=(ADD, UP, "--down=name = CONCAT(label, country)")),
    case("the time", 3, "--up label uses NOW", flags=(ADD, "--up=label = CONCAT(name, NOW())", DOWN)),
    case("a time zone", 3, "depends on the session's time zone", flags=(ADD, "--up=label = FROM_UNIXTIME(name)", DOWN)),
    case("other rows", 3, "--up label uses SELECT", flags=(ADD, "--up=label = (SELECT 1)", DOWN)),
    case("a default", 3, "--add label holds DEFAULT", flags=("--add=label INT DEFAULT 1", UP, DOWN)),
    case("no type", 3, "--add label has no type", flags=("--add=label", UP, DOWN)),
    case("a type that there is not", 3, "the server refused", flags=("--add=label NOTYPE", UP, DOWN)),
    case("syntax", 3, "refused --up or --down", flags=(ADD, "--up=label = name +", DOWN)),
    case("syntax of down", 3, "refused --up or --down", flags=(ADD, UP, "--down=name = no_function(label)")),
    case("too long", 3, "--up gives values that the new columns cannot hold", "id = 2", flags=("--add=label VARCHAR(3)", UP, DOWN)),
    case(
        "too long on the way back", 3, "--down gives values that the old columns cannot hold", "id = 1",
        flags=(ADD, UP, "--down=name = CONCAT(label, '12345678901234567890')"),
    ),
    case("NULL on the way back", 3, "--down gives values", "id = 1", flags=(ADD, UP, "--down=name = NULLIF(label, label)"), before=(
        "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL)", "INSERT INTO t VALUES (1, 'Ada')",
    )),
    case("the key", 3, "id is a part of the", flags=("--add=label INT", "--up=label = id", "--down=id = label")),
    case("no key", 3, "no unique key", before=("CREATE TABLE t (id INT, name VARCHAR(20))",)),
    case("a view", 3, "v is a view", table="v", before=(*TABLE, "CREATE VIEW v AS SELECT * FROM t")),
    case("a computed default", 3, "the default of name is computed", before=(
        "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20) DEFAULT (UPPER('a')))",
    )),
    case("a generated column", 3, "name is a column whose value the server makes", before=(
        "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9), name VARCHAR(20) GENERATED ALWAYS AS (UPPER(a)) STORED)",
    )),
]  # fmt: skip
MYSQL = [
    case("a float", 3, "cannot be kept in step", flags=("--add=label FLOAT", "--up=label = name", DOWN)),
    case("the ledger's name", 3, "_t_ghx", "no ledger of ghostpy's", before=(*TABLE, "CREATE TABLE _t_ghx (id INT PRIMARY KEY)")),
    case("a foreign key", 3, "whose cascades fire no triggers", before=(
        "CREATE TABLE p (name VARCHAR(20) PRIMARY KEY)",
        "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20), FOREIGN KEY (name) REFERENCES p (name) ON UPDATE CASCADE)",
    )),
    case("no columns at once", 3, "cannot add the columns", before=(
        "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20)) ROW_FORMAT=COMPRESSED",
    )),
]  # fmt: skip
POSTGRES = [
    case("the ledger's name", 3, "_public_t_ghx", "none of ghostpy's", before=(*TABLE, "CREATE SCHEMA _public_t_ghx")),
    case("rules", 3, "rules of", before=(*TABLE, "CREATE RULE never AS ON UPDATE TO t DO INSTEAD NOTHING")),
    case("inherited", 3, "cannot be expanded yet", before=(*TABLE, "CREATE TABLE child () INHERITS (t)")),
    case("partitioned", 3, "partitioned table", before=("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20)) PARTITION BY HASH (id)",)),
    case("a domain", 3, "is of a domain", flags=("--add=label d", UP, DOWN), before=(*TABLE, "CREATE DOMAIN d AS text CHECK (VALUE <> '')")),
    case("a function of another schema", 3, "refused --up or --down", "need their schema", flags=(ADD, "--up=label = f(name)", DOWN), before=(
        *TABLE, "CREATE SCHEMA other", "CREATE FUNCTION other.f(text) RETURNS text LANGUAGE sql AS 'SELECT $1'",
    )),
]  # fmt: skip


ASKED_OF_THE_SERVER = (
    "no such table", "a type that there is not", "syntax", "syntax of down", "too long", "too long on the way back", "NULL on the way back",
    "the key", "no key", "a view", "a computed default", "a generated column",
)  # fmt: skip
"""What is not decided by the same code on both kinds of servers."""


def _run(server: sandbox.Server, database: str, asked: Case, command: str = "expand") -> Finished:
    return here(command, f"--url={url_of(server, database)}", f"--table={asked.table}", "--execute", *asked.flags)


def _make(server: sandbox.Server, database: str, asked: Case) -> None:
    with cursor_of(server, database) as cursor:
        for statement in TABLE if asked.before is None else asked.before:
            cursor.execute(statement)


@pytest.mark.parametrize("asked", [*USAGE, *COMMON, *MYSQL], ids=lambda asked: asked.id)
def test_refused_on_mysql(mysql: sandbox.MySQLServer, database: str, asked: Case) -> None:
    _make(mysql, database, asked)
    before = witness.Witness(mysql, database)
    assert_failed(_run(mysql, database, asked), asked.status, *asked.says)
    before.assert_as_before()


@pytest.mark.parametrize(
    "asked", [*(each for each in COMMON if each.name in ASKED_OF_THE_SERVER), *POSTGRES], ids=lambda asked: asked.id
)
def test_refused_on_postgres(postgres: sandbox.PostgresServer, new_database: NewDatabase, asked: Case) -> None:
    database = new_database(postgres)
    _make(postgres, database, asked)
    before = postgres_witness.Witness(postgres, database)
    assert_failed(_run(postgres, database, asked), asked.status, *asked.says)
    before.assert_as_before()


@pytest.mark.parametrize("asked", [each for each in COMMON if each.name in ("too long", "a computed default")],
                         ids=lambda asked: asked.id)  # fmt: skip
def test_refused_on_mariadb(mariadb: sandbox.MariaDBServer, new_database: NewDatabase, asked: Case) -> None:
    database = new_database(mariadb)
    _make(mariadb, database, asked)
    before = witness.tables_of(mariadb, database)
    assert_failed(_run(mariadb, database, asked), asked.status, *asked.says)
    assert witness.tables_of(mariadb, database) == before


@pytest.mark.parametrize("command", ["contract", "rollback"])
@pytest.mark.parametrize("kind", ["mysql", "postgres"])
def test_no_expansion(request: pytest.FixtureRequest, new_database: NewDatabase, kind: str, command: str) -> None:
    server = request.getfixturevalue(kind)
    database, asked = new_database(server), case("none", 17, "is not being expanded", flags=())
    _make(server, database, asked)
    assert_failed(_run(server, database, asked, command), asked.status, *asked.says)
    assert_failed(_run(server, database, case("", 2, flags=("--watch-seconds=-1",)), "contract"), 2, "--watch-seconds")
