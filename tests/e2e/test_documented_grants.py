"""The statements of docs/permissions.md, as they stand there, are enough to run, be ended, go on and clean up."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from migrating import Finished, cursor_of, ghostpy

from ghostpy import sandbox
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.shapes import PgbenchRows, SysbenchRows

_PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
_HEADINGS = {"mysql": "MySQL", "mariadb": "MariaDB", "postgres": "PostgreSQL"}
_ROWS = 20_000


def _documented(kind: str, account: str, database: str) -> list[str]:
    """The statements below the heading, for this account and database."""
    part = _PAGE.read_text().split(f"\n## {_HEADINGS[kind]}\n")[1].split("\n## ")[0]
    found = re.search(r"^```sql\n(.*?)^```", part, re.MULTILINE | re.DOTALL)
    assert found
    text = re.sub(r"\bshop\b", database, found[1]).replace("shop_owner", f"{account}_owner")
    text = re.sub(r"\bghostpy\b", account, text)
    return [line.rstrip(";") for line in text.splitlines() if line]


@pytest.fixture(params=list(_HEADINGS))
def server(request: pytest.FixtureRequest) -> sandbox.Server:
    found: sandbox.Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def database(server: sandbox.Server, new_database: Callable[[sandbox.Server], str]) -> str:
    return new_database(server)


@pytest.fixture
def account(server: sandbox.Server, database: str) -> Iterator[str]:
    """With what the page says, on a filled table `t`."""
    name = f"granted_{os.getpid()}"
    postgres = server.kind == "postgres"
    with cursor_of(server, database) as cursor:
        fill(cursor, PgbenchRows() if postgres else SysbenchRows(), "t", _ROWS)
        if postgres:
            cursor.execute(f"CREATE ROLE {name}_owner")
            cursor.execute(f"ALTER TABLE t OWNER TO {name}_owner")
        for statement in _documented(server.kind, name, database):
            cursor.execute(statement)
    yield name
    with cursor_of(server, database) as cursor:
        if postgres:
            cursor.execute(f"DROP OWNED BY {name}, {name}_owner CASCADE")
            cursor.execute(f"DROP ROLE {name}")
            cursor.execute(f"DROP ROLE {name}_owner")
        else:
            cursor.execute(f"DROP USER {name}@'%'")


def test_the_grants_of_the_page_are_enough(server: sandbox.Server, database: str, account: str) -> None:
    scheme = "postgresql" if server.kind == "postgres" else "mysql"
    url = f"--url={scheme}://{account}@{server.host}:{server.port}/{database}"
    environment = {**os.environ, "GHOSTPY_PASSWORD": "secret"}
    alter = "ALTER COLUMN abalance TYPE bigint" if scheme == "postgresql" else "MODIFY k BIGINT NOT NULL"

    def run(*flags: str) -> Finished:
        common = (url, "--table=t", f"--alter={alter}", "--execute", "--checkpoint-seconds=1")
        return ghostpy("migrate", *common, *flags, environment=environment, timeout=90)

    slowly = ("--workers=1", "--chunk-size=10", "--nice-ratio=30", "--deadline=3s")
    stopped = run(*slowly)
    assert stopped.status == 14, stopped.errors
    done = run("--resume")
    assert done.status == 0, done.errors
    again = (f"--alter={alter.replace('bigint', 'numeric').replace('BIGINT', 'INT')}", "--initially-drop-old-table")
    stopped = run(*again, *slowly)
    assert stopped.status == 14, stopped.errors
    cleaned = ghostpy("cleanup", url, "--execute", environment=environment, timeout=60)
    assert cleaned.status == 0, cleaned.errors
    begun = run(*again, "--resume")
    assert begun.status != 0, "there is nothing left to go on with"


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_what_mariadb_asks_for_replicas_is_missed_before_the_start(
    server: sandbox.Server, database: str, account: str
) -> None:
    with cursor_of(server, database) as cursor:
        cursor.execute(f"REVOKE REPLICATION MASTER ADMIN ON *.* FROM {account}@'%'")
    url = f"--url=mysql://{account}@{server.host}:{server.port}/{database}"
    environment = {**os.environ, "GHOSTPY_PASSWORD": "secret"}
    told = ghostpy("migrate", url, "--table=t", "--alter=ADD x INT", environment=environment, timeout=60)
    assert told.status == 5
    assert "the account lacks REPLICATION MASTER ADMIN. GRANT REPLICATION MASTER ADMIN ON *.*" in told.errors
