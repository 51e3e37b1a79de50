"""An account needs what is documented, and no more; where something is missing, it is named."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence

import pytest
from migrating import Finished, cursor_of, ghostpy
from witness import Witness, assert_failed, assert_nothing_held, tables_of

from ghostpy import sandbox

ON_TABLES = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "INDEX", "LOCK TABLES", "TRIGGER")
ON_SERVER = ("REPLICATION CLIENT", "REPLICATION SLAVE")
PASSWORD = "Sandpiper-2209"

_numbers = itertools.count(1)
NewAccount = Callable[..., str]


@pytest.fixture
def new_account(mysql: sandbox.MySQLServer) -> Iterator[NewAccount]:
    """Make accounts with the privileges named by GRANT texts without their ends, such as `SELECT ON db.*`."""
    made: list[str] = []

    def make(*grants: str, kind: str = "USER", secret: str = f" IDENTIFIED BY '{PASSWORD}'") -> str:
        name = f"worker_{os.getpid()}_{next(_numbers)}"
        mysql.execute(f"CREATE {kind} '{name}'@'%'{secret}")
        made.append(f"DROP {kind} '{name}'@'%'")
        for grant in grants:
            mysql.execute(f"GRANT {grant} TO '{name}'@'%'")
        return name

    yield make
    for drop in reversed(made):
        mysql.execute(drop)


@pytest.fixture
def table(mysql: sandbox.MySQLServer, database: str) -> str:
    """The name of a database with a table `t`."""
    with cursor_of(mysql, database) as cursor:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a VARCHAR(20), UNIQUE KEY a_1 (a))")
        cursor.execute("INSERT INTO t (a) VALUES ('x'), ('y'), ('z')")
    return database


def minimal(database: str, without: str = "") -> Sequence[str]:
    """The grants that the documentation asks for, but for one."""
    on_tables = ", ".join(name for name in ON_TABLES if name != without)
    on_server = ", ".join(name for name in ON_SERVER if name != without)
    return (f"{on_tables} ON `{database}`.*", f"{on_server} ON *.*")


def run(server: sandbox.Server, database: str, account: str, *flags: str) -> Finished:
    return ghostpy(
        "migrate",
        f"--url=mysql://{account}@{server.host}:{server.port}/{database}",
        "--table=t",
        "--alter=ADD COLUMN extra INT, ADD KEY e (extra)",
        *flags,
        environment={**os.environ, "GHOSTPY_PASSWORD": PASSWORD},
        timeout=60,
    )


def assert_planned(server: sandbox.Server, database: str, account: str) -> None:
    """The dry run has nothing against it."""
    witness = Witness(server, database)
    finished = run(server, database, account)
    assert finished.status == 0, finished.errors
    assert "dry run" in finished.output
    witness.assert_as_before()


def assert_lacks(server: sandbox.Server, database: str, account: str, *names: str) -> None:
    """The account is told which privileges it lacks, and of no other trouble."""
    witness = Witness(server, database)
    finished = run(server, database, account, "--execute")
    lacked = f"the account lacks {', '.join(names)}. GRANT"
    assert_failed(finished, 5, lacked, f"{database}.t on {server.host}:{server.port}", "nothing was", never=(PASSWORD,))
    witness.assert_as_before()


def test_the_documented_privileges_suffice(mysql: sandbox.MySQLServer, table: str, new_account: NewAccount) -> None:
    account = new_account(*minimal(table))
    for flags in (("--ok-to-drop-table",), ("--alter=DROP COLUMN extra", "--where=id > 1", "--exact-rowcount")):
        finished = run(mysql, table, account, "--execute", *flags)
        assert finished.status == 0, finished.errors
    with cursor_of(mysql, table) as cursor:
        cursor.execute("SELECT * FROM t ORDER BY id")
        assert cursor.fetchall() == ((2, "y"), (3, "z"))
    assert set(tables_of(mysql, table)) == {"t", "_t_del"}
    assert_nothing_held(mysql)


@pytest.mark.parametrize("missing", [*ON_TABLES, *ON_SERVER], ids=lambda name: name.replace(" ", "-"))
def test_one_is_missing(mysql: sandbox.MySQLServer, table: str, new_account: NewAccount, missing: str) -> None:
    assert_lacks(mysql, table, new_account(*minimal(table, without=missing)), missing)


def test_none_at_all(mysql: sandbox.MySQLServer, table: str, new_account: NewAccount) -> None:
    assert_lacks(mysql, table, new_account(), *sorted(ON_TABLES), *ON_SERVER)


def test_on_the_table_alone(mysql: sandbox.MySQLServer, table: str, new_account: NewAccount) -> None:
    """The tables beside it are needed as well; LOCK TABLES cannot be granted so."""
    names = [name for name in ON_TABLES if name != "LOCK TABLES"]
    account = new_account(f"{', '.join(names)} ON `{table}`.t", f"{', '.join(ON_SERVER)} ON *.*")
    assert_lacks(mysql, table, account, *sorted(ON_TABLES))


def test_by_role(mysql: sandbox.MySQLServer, table: str, new_account: NewAccount) -> None:
    role = new_account(*minimal(table), kind="ROLE", secret="")
    account = new_account()
    mysql.execute(f"GRANT '{role}'@'%' TO '{account}'@'%'")
    assert_lacks(mysql, table, account, *sorted(ON_TABLES), *ON_SERVER)  # granted, but not in force
    mysql.execute(f"SET DEFAULT ROLE ALL TO '{account}'@'%'")
    assert_planned(mysql, table, account)


def test_by_pattern(mysql: sandbox.MySQLServer, table: str, new_account: NewAccount) -> None:
    start = table.split("_")[0]
    on_server = f"{', '.join(ON_SERVER)} ON *.*"
    assert_planned(mysql, table, new_account(f"{', '.join(ON_TABLES)} ON `{start}\\_%`.*", on_server))
    other = new_account(f"{', '.join(ON_TABLES)} ON `other\\_%`.*", on_server)
    assert_lacks(mysql, table, other, *sorted(ON_TABLES))


def test_all_privileges(mysql: sandbox.MySQLServer, table: str, new_account: NewAccount) -> None:
    assert_planned(mysql, table, new_account("ALL PRIVILEGES ON *.*"))
    both = new_account(f"ALL PRIVILEGES ON `{table}`.*", f"{', '.join(ON_SERVER)} ON *.*")
    assert_planned(mysql, table, both)
    assert_lacks(mysql, table, new_account(f"ALL PRIVILEGES ON `{table}`.*"), *ON_SERVER)


def test_partly_revoked(mysql: sandbox.MySQLServer, table: str, new_account: NewAccount) -> None:
    mysql.execute("SET GLOBAL partial_revokes = ON")
    try:
        account = new_account("ALL PRIVILEGES ON *.*")
        mysql.execute(f"REVOKE INSERT ON `{table}`.* FROM '{account}'@'%'")
        assert_lacks(mysql, table, account, "INSERT")
        mysql.execute(f"GRANT INSERT ON `{table}`.* TO '{account}'@'%'")
        assert_planned(mysql, table, account)
    finally:
        mysql.execute(
            *(f"DROP USER '{account}'@'%'", f"CREATE USER '{account}'@'%'", "SET GLOBAL partial_revokes = OFF")
        )


def test_foreign_keys_that_are_hidden_are_warned_of(
    mysql: sandbox.MySQLServer, table: str, new_account: NewAccount
) -> None:
    told = run(mysql, table, new_account(*minimal(table)))
    assert "would not be seen" in told.output
    told = run(mysql, table, new_account(*minimal(table), "REFERENCES ON *.*"))
    assert "would not be seen" not in told.output


def test_a_trigger_is_not_hidden_from_the_documented_grants(
    mysql: sandbox.MySQLServer, table: str, new_account: NewAccount
) -> None:
    with cursor_of(mysql, table) as cursor:
        cursor.execute("CREATE TRIGGER counts BEFORE INSERT ON t FOR EACH ROW SET NEW.a = CONCAT(NEW.a, '!')")
    finished = run(mysql, table, new_account(*minimal(table)), "--execute")
    assert finished.status == 3
    assert "counts" in finished.errors
