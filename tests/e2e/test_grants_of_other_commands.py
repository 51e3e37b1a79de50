"""What other pages than docs/permissions.md say of privileges is enough: an account with exactly these expands, contracts, rolls back, fills, applies."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from expanding import Names, make_names
from migrating import Finished, cursor_of, ghostpy
from scripts import NewDatabase, make_scripted

from ghostpy import sandbox

_DOCS = Path(__file__).parents[2] / "docs"
_HEADINGS = {"mysql": "MySQL", "mariadb": "MariaDB", "postgres": "PostgreSQL"}


@pytest.fixture(params=list(_HEADINGS))
def server(request: pytest.FixtureRequest) -> sandbox.Server:
    found: sandbox.Server = request.getfixturevalue(request.param)
    return found


@dataclass(frozen=True)
class Account:
    """One that may do what was granted. On PostgreSQL `NAME_owner` is to own what it changes."""

    server: sandbox.Server
    database: str
    name: str

    def run(self, command: str, *flags: str) -> Finished:
        scheme = "postgresql" if self.server.kind == "postgres" else "mysql"
        url = f"{scheme}://{self.name}@{self.server.host}:{self.server.port}/{self.database}"
        environment = {**os.environ, "GHOSTPY_PASSWORD": "secret"}
        return ghostpy(command, *flags, f"--url={url}", "--execute", environment=environment, timeout=90)

    def done(self, command: str, *flags: str) -> None:
        finished = self.run(command, *flags)
        assert finished.status == 0, finished.output + finished.errors


def _of_every_server(kind: str) -> list[str]:
    """docs/permissions.md: the account itself, and what it needs on the whole server."""
    part = (_DOCS / "permissions.md").read_text().split(f"\n## {_HEADINGS[kind]}\n")[1]
    return _statements(part)


def _statements(text: str, only: str = "") -> list[str]:
    found = re.search(r"^```sql\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found
    lines = [line.partition(" --")[0].strip() for line in found[1].splitlines() if only in line]
    return [one.strip() for line in lines for one in line.split(";") if one.strip()]


def _granted(server: sandbox.Server, database: str, statements: list[str], tables: list[str]) -> Iterator[Account]:
    name = f"other_{os.getpid()}"
    with cursor_of(server, database) as cursor:
        if server.kind == "postgres":
            cursor.execute(f"CREATE ROLE {name}_owner")
            cursor.execute(f"GRANT ALL ON SCHEMA public TO {name}_owner")
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} OWNER TO {name}_owner")
        for statement in statements:
            text = re.sub(r"\bshop_owner\b|\bowner_of_users\b", f"{name}_owner", statement)
            cursor.execute(re.sub(r"\bghostpy\b", name, re.sub(r"\bshop\b", database, text)))
        try:
            yield Account(server, database, name)
        finally:
            if server.kind == "postgres":
                cursor.execute(f"DROP OWNED BY {name}, {name}_owner CASCADE")
                cursor.execute(f"DROP ROLE {name}")
                cursor.execute(f"DROP ROLE {name}_owner")
            else:
                cursor.execute(f"DROP USER {name}@'%'")


@pytest.fixture
def names(server: sandbox.Server, new_database: NewDatabase) -> Names:
    return make_names(server, new_database)


@pytest.fixture
def expander(names: Names) -> Iterator[Account]:
    """With what the page of expansions says, and what a migration needs on the whole server."""
    kind = names.server.kind
    wide = [each for each in _of_every_server(kind) if "shop" not in each and "SCHEMA" not in each]
    page = (_DOCS / "expand.md").read_text().split("\n## Privileges\n")[1]
    statements = [*wide, *_statements(page, _HEADINGS["postgres" if kind == "postgres" else "mysql"])]
    if kind != "postgres":
        names.do("SET GLOBAL log_bin_trust_function_creators = 1")
    yield from _granted(names.server, names.database, statements, ["users"])
    if kind != "postgres":
        names.do("SET GLOBAL log_bin_trust_function_creators = 0")


def test_expand_contract_and_rollback_with_no_more_than_the_page_says(names: Names, expander: Account) -> None:
    rows = names.rows()
    expander.done("expand", "--table=users", *names.wish)
    expander.done("rollback", "--table=users")
    assert (names.columns(), names.left()) == (["id", "n", "name"], [])
    expander.done("expand", "--table=users", *names.wish)
    expander.done("contract", "--table=users", "--watch-seconds=0.5", "--allow-unproven")
    assert names.columns() == ["first_name", "id", "last_name", "n"]
    expander.done("rollback", "--table=users")
    # --down leaves a space behind a name of one word.
    assert {number: row[1][0].rstrip() for number, row in names.rows().items()} == {
        number: row[1][0].rstrip() for number, row in rows.items()
    }


def test_backfill_with_no_more_than_the_page_says(server: sandbox.Server, new_database: NewDatabase) -> None:
    names, kind = make_names(server, new_database, 20_000), server.kind
    wide = [each for each in _of_every_server(kind) if "shop" not in each and "SCHEMA" not in each]
    page = (_DOCS / "backfill.md").read_text().split("\n## Privileges\n")[1]
    own = _statements(page, _HEADINGS["postgres" if kind == "postgres" else "mysql"])
    own = [re.sub(r"\bcustomers\b", "users", each) for each in own]
    for account in _granted(names.server, names.database, [*wide, *own], ["users"] if kind == "postgres" else []):
        slowly = ("--chunk-size=10", "--nice-ratio=100", "--deadline=2s")
        stopped = account.run("backfill", "--table=users", "--set=n = n + 1", *slowly)
        assert stopped.status == 14, stopped.errors
        account.done("backfill", "--table=users", "--set=n = n + 1", "--resume")
        assert {number for number, _ in names.rows().values()} == {1}


def test_apply_with_no_more_than_the_page_says(
    server: sandbox.Server, new_database: NewDatabase, tmp_path: Path
) -> None:
    place = make_scripted(server, new_database, tmp_path)
    grow = "ALTER COLUMN c TYPE varchar(40)" if place.postgres else "MODIFY c VARCHAR(61) CHARACTER SET latin1"
    script = tmp_path / "script.sql"
    script.write_text(
        f"CREATE TABLE made (id INT PRIMARY KEY);\nINSERT INTO made VALUES (1);\nALTER TABLE t {grow};\n"
        "CREATE INDEX t_n ON t (n);\nALTER TABLE made ADD COLUMN w INT;\nDROP TABLE counted;\n"
    )
    for account in _granted(server, place.database, _of_every_server(server.kind), ["t", "counted"]):
        account.done("apply", str(script), "--small-rows=1000", "--ok-to-drop-table")
        # Its role is gone with all it owns behind the block.
        assert place.ledger() == [(number, 1) for number in range(1, 7)]
        assert "made" in {name.rpartition(".")[2] for name in place.relations()}
