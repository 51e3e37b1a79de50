"""Bad input to `ghostpy backfill`: each a clear paragraph, the exit code of its kind, and nothing created or changed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import postgres_witness
import pytest
import witness
from bad_input import Case
from migrating import Finished, cursor_of, ghostpy, url_of
from witness import assert_failed

from ghostpy import sandbox
from ghostpy.cli.main import main

Capture = pytest.CaptureFixture[str]
NewDatabase = Callable[[sandbox.Server], str]
PASSWORD = "Dunlin-8830"

TABLE = (
    "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(60), amount INT NOT NULL)",
    "INSERT INTO t VALUES (1, 'Ada', 10), (2, 'Grace', 20), (3, NULL, 30)",
)


def case(name: str, status: int, *says: str, flags: tuple[str, ...], **more: object) -> Case:
    return Case(name, status, says, alter=None, flags=flags, **more)  # type: ignore[arg-type]


COMMON = [
    case("no such table", 3, "there is no table", "nowhere", flags=("--set=a = 1",), table="nowhere"),
    case("no such column", 3, "has no column nobody", flags=("--set=nobody = 1",)),
    case("no such column in an expression", 3, "nobody", flags=("--set=amount = nobody + 1",)),
    case("no such column in the filter", 3, "nobody", flags=("--set=amount = 1", "--where=nobody = 1")),
    case("syntax in an expression", 3, "refused --set or --where", "syntax", flags=("--set=amount = amount +",)),
    case("syntax in the filter", 3, "refused --set or --where", "syntax", flags=("--set=amount = 1", "--where=id = = 1")),
    case("another type", 3, "refused --set or --where", flags=("--set=amount = no_function(id)",)),
    case("aggregate", 3, "refused --set or --where", flags=("--set=amount = MAX(amount)",)),
    case("query", 3, "--set amount uses SELECT", flags=("--set=amount = (SELECT MAX(amount) FROM t)",)),
    case("query in the filter", 3, "--where uses SELECT", flags=("--set=amount = 1", "--where=id IN (SELECT 1)")),
    case("the key", 3, "id is a part of the key", "take it out of --set", flags=("--set=id = id + 1",)),
    case(
        "no key", 3, "no unique key", "Add a primary or unique key", flags=("--set=a = 1",), table="k",
        before=("CREATE TABLE k (id INT NOT NULL, a INT)", "INSERT INTO k VALUES (1, 1)"),
    ),
    case(
        "a view", 3, "v is a view", flags=("--set=amount = 1",), table="v",
        before=(*TABLE, "CREATE VIEW v AS SELECT * FROM t"),
    ),
    case(
        "a generated column", 3, "twice is a generated column", flags=("--set=twice = 1",),
        before=("CREATE TABLE t (id INT PRIMARY KEY, a INT, twice INT GENERATED ALWAYS AS (a * 2) STORED)",),
    ),
    case("nothing to go on with", 17, "--resume", "never begun, or it is done", flags=("--set=amount = 1", "--resume")),
]  # fmt: skip
MYSQL = [
    case("a variable", 3, "uses a variable", flags=("--set=amount = (@n := @n + 1)",)),
    case(
        "MyISAM", 3, "MyISAM", flags=("--set=a = 1",), table="m",
        before=("CREATE TABLE m (id INT PRIMARY KEY, a INT) ENGINE=MyISAM",),
    ),
    case(
        "the ledger's name", 3, "_t_ghb", "no ledger of ghostpy's", flags=("--set=amount = 1",),
        before=(*TABLE, "CREATE TABLE _t_ghb (id INT PRIMARY KEY)"),
    ),
]  # fmt: skip
POSTGRES = [
    case("TABLE", 3, "uses TABLE", flags=("--set=amount = (TABLE k)",)),
    case(
        "inherited", 3, "inherits from", flags=("--set=amount = 1",),
        before=(*TABLE, "CREATE TABLE child () INHERITS (t)"),
    ),
    case(
        "rules", 3, "rules of", flags=("--set=amount = 1",),
        before=(*TABLE, "CREATE RULE never AS ON UPDATE TO t DO INSTEAD NOTHING"),
    ),
    case(
        "the ledger's name", 3, "_public_t_ghb", "none of ghostpy's", flags=("--set=amount = 1",),
        before=(*TABLE, "CREATE SCHEMA _public_t_ghb"),
    ),
    case(
        "a materialized view", 3, "v is a materialized view", flags=("--set=amount = 1",), table="v",
        before=(*TABLE, "CREATE MATERIALIZED VIEW v AS SELECT * FROM t"),
    ),
]  # fmt: skip


def _run(server: sandbox.Server, database: str, asked: Case, capsys: Capture) -> Finished:
    """The program in this process: most of these calls take a tenth of the time that it takes to begin."""
    call = ("backfill", f"--url={url_of(server, database)}", f"--table={asked.table}", "--execute", *asked.flags)
    began = time.monotonic()
    status = main(call)
    shown = capsys.readouterr()
    return Finished(status, shown.out, shown.err, began, time.monotonic())


def _make(server: sandbox.Server, database: str, asked: Case) -> None:
    with cursor_of(server, database) as cursor:
        for statement in TABLE if asked.before is None else asked.before:
            cursor.execute(statement)


@pytest.mark.parametrize("asked", [*COMMON, *MYSQL], ids=lambda asked: asked.id)
def test_refused_on_mysql(mysql: sandbox.MySQLServer, database: str, asked: Case, capsys: Capture) -> None:
    _make(mysql, database, asked)
    before = witness.Witness(mysql, database)
    assert_failed(_run(mysql, database, asked, capsys), asked.status, *asked.says)
    before.assert_as_before()


@pytest.mark.parametrize("asked", [*COMMON, *POSTGRES], ids=lambda asked: asked.id)
def test_refused_on_postgres(
    postgres: sandbox.PostgresServer, new_database: NewDatabase, asked: Case, capsys: Capture
) -> None:
    database = new_database(postgres)
    _make(postgres, database, asked)
    before = postgres_witness.Witness(postgres, database)
    assert_failed(_run(postgres, database, asked, capsys), asked.status, *asked.says)
    before.assert_as_before()


@pytest.mark.parametrize("asked", [each for each in COMMON if each.name in ("aggregate", "query", "syntax in the filter", "the key")],
                         ids=lambda asked: asked.id)  # fmt: skip
def test_refused_on_mariadb(
    mariadb: sandbox.MariaDBServer, new_database: NewDatabase, asked: Case, capsys: Capture
) -> None:
    database = new_database(mariadb)
    _make(mariadb, database, asked)
    before = witness.tables_of(mariadb, database)
    assert_failed(_run(mariadb, database, asked, capsys), asked.status, *asked.says)
    assert witness.tables_of(mariadb, database) == before


# --- privileges -------------------------------------------------------------------------------------------------------


@pytest.fixture
def account(mysql: sandbox.MySQLServer, database: str) -> Iterator[str]:
    name = f"{database}_user"
    mysql.execute(f"USE {database}", *TABLE, f"CREATE USER '{name}'@'%' IDENTIFIED BY '{PASSWORD}'")
    yield name
    mysql.execute(f"DROP USER '{name}'@'%'")


def test_privileges_on_mysql(mysql: sandbox.MySQLServer, database: str, account: str) -> None:
    """What is missing is named; what is documented is enough."""
    mysql.execute(f"GRANT CREATE, DROP, INSERT, SELECT ON {database}.* TO '{account}'@'%'")
    mysql.execute(f"GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO '{account}'@'%'")
    call = (
        "backfill",
        f"--url=mysql://{account}@{mysql.host}:{mysql.port}/{database}",
        "--table=t",
        "--set=amount = amount + 1",
    )
    environment = {**os.environ, "GHOSTPY_PASSWORD": PASSWORD}
    before = witness.Witness(mysql, database)
    assert_failed(ghostpy(*call, "--execute", environment=environment), 5, "UPDATE", "nothing was", never=(PASSWORD,))
    before.assert_as_before()
    mysql.execute(f"GRANT UPDATE ON {database}.* TO '{account}'@'%'")
    done = ghostpy(*call, "--execute", environment=environment)
    assert done.status == 0, done.errors
    with cursor_of(mysql, database) as cursor:
        cursor.execute("SELECT SUM(amount) FROM t")
        assert cursor.fetchall() == ((63,),)


def test_privileges_on_postgres(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> None:
    database = new_database(postgres)
    role = f"{database}_user"
    call = (
        "backfill",
        f"--url=postgresql://{role}@{postgres.host}:{postgres.port}/{database}",
        "--table=t",
        "--set=amount = amount + 1",
    )
    with cursor_of(postgres, database) as cursor:
        for statement in (*TABLE, f"CREATE ROLE {role} LOGIN", f"GRANT SELECT ON t TO {role}"):
            cursor.execute(statement)
        try:
            before = postgres_witness.Witness(postgres, database)
            assert_failed(ghostpy(*call, "--execute"), 5, "CREATE on the database", "nothing was")
            cursor.execute(f"GRANT CREATE ON DATABASE {database} TO {role}")
            assert_failed(ghostpy(*call, "--execute"), 5, "permission denied for table t", "GRANT SELECT, UPDATE")
            before.assert_as_before()
            cursor.execute(f"GRANT UPDATE ON t TO {role}")
            done = ghostpy(*call, "--execute")
            assert done.status == 0, done.errors
            cursor.execute("SELECT SUM(amount) FROM t")
            assert cursor.fetchall() == [(63,)]
        finally:
            cursor.execute(f"DROP OWNED BY {role}")
            cursor.execute(f"DROP ROLE {role}")
