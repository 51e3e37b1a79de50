"""A plan that is killed while it copies its sample: what stays of it is found and removed by `ghostpy cleanup`, and is in nobody's way."""

from __future__ import annotations

import contextlib
import random
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import program
import pytest
from migrating import Finished, cursor_of, ghostpy, url_of
from waiting import until

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]
ROWS = 1 << 17
"""Enough for a sample to last its second."""
LONG = "a_table_with_a_name_that_is_as_long_as_the_server_will_have_it"
BUSY = 75


@dataclass(frozen=True)
class Place:
    """A database with one table."""

    server: sandbox.Server
    database: str
    table: str
    native: bool = False
    """Whether the server is to make the change itself, where it can: then that is what is tried on the sample."""

    @property
    def postgres(self) -> bool:
        return self.server.kind == "postgres"

    @property
    def quoted(self) -> str:
        return f'"{self.table}"' if self.postgres else f"`{self.table}`"

    def call(self, command: str, *flags: str) -> list[str]:
        alter = "ALTER COLUMN v TYPE bigint" if self.postgres else "MODIFY v BIGINT NOT NULL, ADD KEY by_c (c)"
        if self.native:
            alter = f"CREATE INDEX by_c ON {self.quoted} (c)" if self.postgres else "ADD KEY by_c (c)"
        way = "auto" if self.native else "shadow"
        return [command, f"--url={url_of(self.server, self.database)}", f"--table={self.table}", f"--alter={alter}", f"--strategy={way}", *flags]  # fmt: skip

    def run(self, command: str, *flags: str) -> Finished:
        """The same once the sessions of a dead one are gone, whose lock they hold to their end."""
        found: list[Finished] = []

        def ended() -> bool:
            found.append(ghostpy(*self.call(command, *flags)))
            return found[-1].status != BUSY

        until(ended, "the sessions of the killed plan to end")
        return found[-1]

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        with cursor_of(self.server, self.database) as cursor:
            cursor.execute(question)
            return list(cursor.fetchall())

    def clones(self) -> list[str]:
        """Tables of plans, or on PostgreSQL schemas."""
        found = self.ask(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%\\_ghp'"
            if self.postgres
            else "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE '%\\_ghp'"
        )
        return [str(name) for (name,) in found]

    def left(self) -> list[str]:
        """All that is not the table."""
        question = (
            "SELECT tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            if self.postgres
            else "SHOW TABLES"
        )
        return [str(row[0]) for row in self.ask(question) if row[0] != self.table]

    def sampling(self) -> bool:
        """Whether rows are in the sample by now, or on their way."""
        if self.postgres:
            begin = "%" if self.native else "INSERT INTO%"  # of the sample, or what is made of it
            found = self.ask(
                f"SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '{begin}\\_ghp%' AND pid <> pg_backend_pid()"
            )
            return bool(found[0][0])
        for clone in self.clones():
            with contextlib.suppress(Exception):  # it is gone meanwhile
                if self.ask(f"SELECT 1 FROM `{clone}` LIMIT 1"):
                    return True
        return False

    @contextlib.contextmanager
    def planning(self, folder: Path) -> Iterator[program.Program]:
        with (folder / "output").open("ab") as output:
            process = program.start(*self.call("plan"), output=output, errors=output)
        with process:
            yield process

    def kill_in_the_sample(self, folder: Path) -> None:
        with self.planning(folder) as plan:
            until(lambda: plan.poll() is not None or self.sampling(), "the sample")
            assert plan.poll() is None, (folder / "output").read_text()
            plan.kill()
            assert plan.wait() == -9


_SOAK = pytest.mark.soak


@pytest.fixture(
    params=[
        pytest.param(("mysql", "t"), marks=_SOAK),
        ("mysql", "order-items ß"),
        pytest.param(("mariadb", LONG), marks=_SOAK),
        ("postgres", "order-items ß"),
    ],
    ids=str,
)
def place(request: pytest.FixtureRequest, new_database: NewDatabase) -> Place:
    kind, table = request.param
    server: sandbox.Server = request.getfixturevalue(kind)
    found = Place(server, new_database(server), table)
    with cursor_of(server, found.database) as cursor:
        cursor.execute(f"CREATE TABLE {found.quoted} (id INT PRIMARY KEY, v INT NOT NULL, c VARCHAR(64))")
        cursor.execute(f"INSERT INTO {found.quoted} VALUES (1, 1, 'x')")
        rows = 1
        while rows < ROWS:
            digest = "md5((id)::text)" if found.postgres else "SHA2(id, 224)"
            cursor.execute(f"INSERT INTO {found.quoted} SELECT id + {rows}, v, {digest} FROM {found.quoted}")
            rows *= 2
        cursor.execute(f"ANALYZE {'' if found.postgres else 'TABLE '}{found.quoted}")
    return found


def test_killed_in_its_sample(place: Place, tmp_path: Path) -> None:
    place.kill_in_the_sample(tmp_path)
    if place.postgres:
        # It is a transaction, which ends with its session.
        until(lambda: not place.clones(), "the schema to be gone")
    else:
        assert place.clones()
    at = f"--url={url_of(place.server, place.database)}"
    until(lambda: "left by a dead run" in ghostpy("cleanup", at).output or place.postgres, "cleanup to find it")
    assert ghostpy("cleanup", at, "--execute").status == 0
    assert place.left() == []
    assert place.clones() == []
    # Nor is it in the way of another plan, which leaves nothing either,
    place.kill_in_the_sample(tmp_path)
    planned = place.run("plan")
    assert planned.status == 0, planned.errors
    assert place.clones() == []
    # or of the run itself.
    place.kill_in_the_sample(tmp_path)
    done = place.run("migrate", "--execute", "--ok-to-drop-table")
    assert done.status == 0, done.errors
    assert place.clones() == []
    assert place.left() == []
    assert place.ask(f"SELECT count(*), min(id), max(id) FROM {place.quoted}") == [(ROWS, 1, ROWS)]


@pytest.mark.soak
@pytest.mark.limit(600)
@pytest.mark.parametrize("native", [False, True])
def test_killed_anywhere(place: Place, native: bool, tmp_path: Path) -> None:
    """Whatever the moment: the next one goes through, and what is there afterwards is the table."""
    place = replace(place, native=native)
    moments = random.Random(7)
    for _ in range(15):
        with place.planning(tmp_path) as plan, contextlib.suppress(subprocess.TimeoutExpired):
            plan.wait(moments.uniform(0.02, 2.5))
    planned = place.run("plan")
    assert planned.status == 0, planned.errors
    assert place.left() == []
    assert place.clones() == []


# With letters beyond ASCII in the table's name MySQL does not tell whether it would write the table anew.
@pytest.mark.parametrize(
    "place",
    [("mysql", "t"), pytest.param(("mariadb", LONG), marks=_SOAK), ("postgres", "order-items ß")],
    indirect=True,
    ids=str,
)
def test_killed_while_the_server_makes_the_change_for_trial(place: Place, tmp_path: Path) -> None:
    place = replace(place, native=True)
    place.kill_in_the_sample(tmp_path)
    at = f"--url={url_of(place.server, place.database)}"
    # What the server was at goes to its end first.
    until(lambda: not place.sampling() or not place.postgres, "the transaction to end")
    until(lambda: "left by a dead run" in ghostpy("cleanup", at).output or place.postgres, "cleanup to find it")
    assert ghostpy("cleanup", at, "--execute").status == 0
    assert place.left() == []
    assert place.clones() == []
    place.kill_in_the_sample(tmp_path)
    planned = place.run("plan")
    assert planned.status == 0, planned.errors
    assert "online, in steps" in planned.output
    assert place.left() == []
    assert place.clones() == []
