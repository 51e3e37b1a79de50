"""What a plan tells of the server's own work on the table, beside what that takes: no times, but what is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest
from migrating import cursor_of, ghostpy, url_of

from ghostpy import sandbox
from ghostpy.cli.plan_schema import schema

NewDatabase = Callable[[sandbox.Server], str]
ROWS = 60_000
EXTENT = 1 << 20
"""Bytes that InnoDB takes at a time."""


@dataclass(frozen=True)
class Place:
    server: sandbox.Server
    database: str

    @property
    def postgres(self) -> bool:
        return self.server.kind == "postgres"

    def call(self, command: str, alter: str, *flags: str) -> str:
        done = ghostpy(command, f"--url={url_of(self.server, self.database)}", "--table=t", f"--alter={alter}", *flags)
        assert done.status == 0, done.output + done.errors
        return done.output

    def plan(self, alter: str, *flags: str) -> dict[str, Any]:
        plan: dict[str, Any] = json.loads(self.call("plan", alter, "--format=json", *flags))
        jsonschema.validate(plan, schema())
        return plan

    def ask(self, question: str) -> int:
        with cursor_of(self.server, self.database) as cursor:
            cursor.execute(question)
            return int(cursor.fetchall()[0][0])

    @property
    def log(self) -> int:
        if self.postgres:
            return self.ask("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::int8")
        with cursor_of(self.server, self.database) as cursor:
            cursor.execute("SHOW BINARY LOGS")
            return sum(int(row[1]) for row in cursor.fetchall())

    @property
    def disk(self) -> int:
        if self.postgres:
            return self.ask("SELECT pg_total_relation_size('t')")
        with cursor_of(self.server, self.database) as cursor:
            cursor.execute("ANALYZE TABLE t")
        return self.ask(
            "SELECT DATA_LENGTH + INDEX_LENGTH FROM information_schema.TABLES "
            f"WHERE TABLE_SCHEMA = '{self.database}' AND TABLE_NAME = 't'"
        )

    @property
    def tables(self) -> int:
        return self.ask(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema NOT IN "
            "('mysql', 'sys', 'performance_schema', 'information_schema', 'pg_catalog')"
        )


@pytest.fixture(params=["mysql", pytest.param("mariadb", marks=pytest.mark.soak), "postgres"])
def place(request: pytest.FixtureRequest, new_database: NewDatabase) -> Place:
    server: sandbox.Server = request.getfixturevalue(request.param)
    found = Place(server, new_database(server))
    with cursor_of(server, found.database) as cursor:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL, body VARCHAR(100) NOT NULL)")
        cursor.execute("INSERT INTO t VALUES (1, 1, 'x')")
        rows = 1
        while rows < ROWS:
            digest = "md5((id)::text)" if found.postgres else "LEFT(SHA2(id, 224), 32)"
            cursor.execute(
                f"INSERT INTO t SELECT id + {rows}, id * 7 % 1000, CONCAT({digest}, {digest}) FROM t WHERE id <= {ROWS - rows}"
            )
            rows *= 2
        cursor.execute("ANALYZE t" if found.postgres else "ANALYZE TABLE t")
    return found


def _about(told: int, real: int, slack: int) -> bool:
    return real / 2 - slack <= told <= real * 2 + slack


def test_an_index_and_the_servers_own_alter(place: Place) -> None:
    tables = place.tables
    index = "CREATE INDEX by_body ON t (body, n)" if place.postgres else "ADD INDEX by_body (body, n)"
    plan = place.plan(index, "--strategy=auto")
    assert plan["strategy"] == "online, in steps"
    told = plan["estimate"]
    assert told["sample_rows"] > 0
    assert told["seconds"] == pytest.approx(sum(told["parts"].values()), abs=0.01)
    assert ("building the index by_body of public.t" if place.postgres else "the server's ALTER") in told["parts"]
    # The sort needs room beside the index.
    assert 0 < told["temporary_bytes"] < told["disk_bytes"]
    # What the server's own ALTER costs, that a shadow is made for.
    wide = "ALTER n TYPE bigint" if place.postgres else "MODIFY n BIGINT NOT NULL"
    other = next(each for each in place.plan(wide)["alternatives"] if each["strategy"] == "the server's own ALTER")
    assert other["estimate"]["seconds"] > 0
    assert _about(other["estimate"]["disk_bytes"], place.disk, EXTENT)
    assert place.tables == tables
    # And now it is done.
    log, disk = place.log, place.disk
    place.call("migrate", index, "--strategy=auto", "--execute")
    assert _about(told["log_bytes"], place.log - log, 256 << 10)
    assert _about(told["disk_bytes"] - told["temporary_bytes"], place.disk - disk, 0 if place.postgres else EXTENT)
    assert place.tables == tables
    if place.postgres:
        assert told["log_bytes"] > 1 << 20


def test_a_sample_that_the_server_refuses(place: Place) -> None:
    """Duplicates end the trial, not the plan; and nothing of it is left."""
    tables = place.tables
    unique = "CREATE UNIQUE INDEX only_n ON t (n)" if place.postgres else "ADD UNIQUE INDEX only_n (n)"
    estimate = place.plan(unique, "--strategy=auto")["estimate"]
    assert estimate["seconds"] is None
    assert "uplicate" in estimate["reason"]
    assert place.tables == tables


@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_constraints_whose_rows_are_looked_at(place: Place) -> None:
    with cursor_of(place.server, place.database) as cursor:
        cursor.execute('CREATE TABLE "a parent" ("the id" int PRIMARY KEY)')
        cursor.execute('INSERT INTO "a parent" SELECT generate_series(0, 1000)')
        cursor.execute('ALTER TABLE t ADD CONSTRAINT old FOREIGN KEY (n) REFERENCES "a parent" NOT VALID')
        cursor.execute("ALTER TABLE t ADD CONSTRAINT low CHECK (n > -5) NOT VALID")
    tables = place.tables
    plan = place.plan(
        'ADD CONSTRAINT pos CHECK (n >= 0), VALIDATE CONSTRAINT old, VALIDATE CONSTRAINT low, ALTER body SET NOT NULL, ADD CONSTRAINT new FOREIGN KEY (n) REFERENCES "a parent" ("the id")'
    )
    parts = plan["estimate"]["parts"]
    for name in ("pos", "old", "low", "new"):
        assert parts[f"checking the rows of public.t against {name}"] > 0
    assert plan["estimate"]["disk_bytes"] == 0
    assert 0 < plan["estimate"]["log_bytes"] < 1 << 20
    assert place.tables == tables
