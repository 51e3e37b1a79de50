"""Somebody alters, empties or locks the source, or what hangs on it, while a run on PostgreSQL is under way."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from holding_postgres import (
    COPY,
    INDEXES,
    LOCK,
    POSTPONED,
    PREPARE,
    SLOT,
    HeldRun,
    execute,
    make_table,
)
from postgres_witness import assert_nothing_held, contents_of
from waiting import until
from witness import assert_failed

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]
PostgresWith = Callable[[int, sandbox.Options], sandbox.PostgresServer]


@pytest.fixture(params=[18, pytest.param(15, marks=pytest.mark.soak)])
def server(request: pytest.FixtureRequest, postgres_with: PostgresWith) -> sandbox.PostgresServer:
    return postgres_with(request.param, {})


@pytest.fixture
def database(server: sandbox.PostgresServer, new_database: NewDatabase) -> str:
    """With the table."""
    database = new_database(server)
    make_table(server, database)
    return database


class Changed:
    """The database as somebody else's change left it: that is how the run has to leave it, too."""

    def __init__(self, run: HeldRun, *statements: str) -> None:
        self._run = run
        execute(run.server, run.database, *statements)
        self.after = self._contents()

    def _contents(self) -> dict[str, list[object]]:
        """Without what is ours."""
        every = contents_of(self._run.server, self._run.database)
        ours = {row[3] for row in every["objects"] if str(row[0]).startswith("_public_t_")}
        return {
            "objects": [row for row in every["objects"] if not str(row[0]).startswith("_public_t_")],
            "columns": [row for row in every["columns"] if row[0] not in ours],
            "rest": [row for row in every["rest"] if not re.search("_public_t_|ghostpy|pg_toast", str(row))],
            **{name: rows for name, rows in every.items() if "." in name and not name.startswith("_public_t_")},
        }

    def assert_kept(self) -> None:
        assert self._contents() == self.after
        assert set(contents_of(self._run.server, self._run.database)) == set(self.after)
        assert_nothing_held(self._run.server, self._run.database)


DDL = {
    "add": "ALTER TABLE t ADD COLUMN b int",
    "drop column": "ALTER TABLE t DROP COLUMN c",
    "type": "ALTER TABLE t ALTER COLUMN k TYPE bigint",
    "rename column": "ALTER TABLE t RENAME COLUMN id TO key",
    "rename": "ALTER TABLE t RENAME TO u",
    "schema": "CREATE SCHEMA elsewhere; ALTER TABLE t SET SCHEMA elsewhere",
    "drop": "DROP TABLE t",
    "replaced": "DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, k int NOT NULL DEFAULT 0, c text NOT NULL DEFAULT '')",
    "truncate": "TRUNCATE t",
    "vacuum full": "VACUUM FULL t",
    "identity": "ALTER TABLE t REPLICA IDENTITY FULL",
    "grant": "GRANT SELECT ON t TO public",
    "comment": "COMMENT ON TABLE t IS 'other'",
    "comment on a column": "COMMENT ON COLUMN t.k IS 'other'",
    "index": "CREATE INDEX t_c ON t (c)",
    "trigger": "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
    "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
    "policy": "CREATE POLICY p ON t USING (true)",
    "owner": "ALTER TABLE t OWNER TO pg_database_owner",
    "view": "CREATE VIEW v AS SELECT id FROM t",
    "foreign key": "CREATE TABLE child (id int REFERENCES t)",
    "own foreign key": "CREATE TABLE parent (id int PRIMARY KEY); ALTER TABLE t ADD FOREIGN KEY (k) REFERENCES parent NOT VALID",
    "publication": "CREATE PUBLICATION theirs FOR TABLE t",
    "child": "CREATE TABLE heir () INHERITS (t)",
    "function": "CREATE FUNCTION g(t) RETURNS int LANGUAGE sql AS 'SELECT 1'",
}
_FEW = ("add", "rename", "drop", "grant", "view", "foreign key")


@pytest.mark.parametrize("kind", [each if each in _FEW else pytest.param(each, marks=pytest.mark.soak) for each in DDL])
def test_at_the_lock_at_the_latest(server: sandbox.PostgresServer, database: str, tmp_path: Path, kind: str) -> None:
    """Nobody writes, so no change of the table stands in the stream."""
    with HeldRun(server, database, tmp_path) as run:
        run.hold_at(POSTPONED)
        changed = Changed(run, *DDL[kind].split("; ") if kind != "trigger" else [DDL[kind]])
        run.release()
        finished = run.ended()
    assert_failed(finished, 6, "public.t")
    changed.assert_kept()


@pytest.mark.parametrize("kind", ["add", "rename column"])
def test_while_it_is_postponed(server: sandbox.PostgresServer, database: str, tmp_path: Path, kind: str) -> None:
    """What the stream does not tell of is seen without waiting for the cut-over."""
    with HeldRun(server, database, tmp_path) as run:
        run.hold_at(POSTPONED)
        changed = Changed(run, DDL[kind])
        assert_failed(run.ended(), 6)
        changed.assert_kept()


@pytest.mark.parametrize("kind", ["truncate", pytest.param("rename column", marks=pytest.mark.soak)])
def test_in_the_stream(server: sandbox.PostgresServer, database: str, tmp_path: Path, kind: str) -> None:
    """What the stream tells of, which carries no more than the key, ends the run before anybody asks for the lock."""
    with HeldRun(server, database, tmp_path) as run:
        run.hold_at(POSTPONED)
        execute(server, database, DDL[kind], "INSERT INTO t VALUES (-1)")
        finished = run.ended()
    assert_failed(finished, 6, "public.t")
    assert ('(-1,0,"")',) in contents_of(server, database)["public.t"]
    assert_nothing_held(server, database)


@pytest.mark.parametrize("phase", [PREPARE, SLOT, COPY, pytest.param(INDEXES, marks=pytest.mark.soak)])
@pytest.mark.parametrize("kind", ["add", pytest.param("truncate", marks=pytest.mark.soak)])
def test_in_every_phase(server: sandbox.PostgresServer, database: str, tmp_path: Path, phase: str, kind: str) -> None:
    with HeldRun(server, database, tmp_path) as run:
        run.hold_at(phase)
        changed = Changed(run, DDL[kind])
        run.release()
        finished = run.ended()
    assert_failed(finished, 6, "public.t")
    changed.assert_kept()


@pytest.mark.parametrize("kind", ["add", pytest.param("truncate", marks=pytest.mark.soak)])
def test_while_it_waits_for_the_lock(server: sandbox.PostgresServer, database: str, tmp_path: Path, kind: str) -> None:
    """Somebody else's DDL queues behind ours, or gets the lock before."""
    with HeldRun(server, database, tmp_path) as run:
        run.hold_at(LOCK)
        other = run.another()
        # As long as the test reads the table, neither gets it.
        other.ask_for(DDL[kind])
        until(lambda: other.waits(), "the other's DDL to wait")
        run.release()
        other.got_it()
        finished = run.ended()
        assert other.refused is None
        if finished.status == 0:
            # Ours came first: then it was the new table that they changed.
            assert contents_of(server, database)["_public_t_del.t"] != []
        else:
            assert_failed(finished, 6, "public.t")
    assert_nothing_held(server, database)


def test_a_deadlock(postgres_with: PostgresWith, new_database: NewDatabase, tmp_path: Path) -> None:
    """Somebody takes the same locks in another order: one of the two is refused, and the exchange comes later."""
    server = postgres_with(18, {"deadlock_timeout": "50ms"})
    database = new_database(server)
    make_table(server, database)
    execute(
        server,
        database,
        "CREATE TABLE parent (id int PRIMARY KEY)",
        "INSERT INTO parent SELECT i * 7 FROM generate_series(1, 1000) AS i",
        "ALTER TABLE t ADD FOREIGN KEY (k) REFERENCES parent",
    )
    with HeldRun(server, database, tmp_path) as run:
        run.hold_at(POSTPONED)
        other = run.another()
        # It does not look for deadlocks itself.
        other.do("SET deadlock_timeout = '100s'")
        run.release()
        while "deadlock detected" not in run.told():
            # Young again and again: what holds the table for long is not waited for.
            other.do("BEGIN", "LOCK TABLE t IN SHARE MODE")
            until(lambda: (run.alive() and run.waits("cut-over", "%LOCK TABLE")) or other.age() > 0.4, "the lock")
            other.ask_for("LOCK TABLE parent IN ACCESS EXCLUSIVE MODE")
            other.got_it()
            other.do("ROLLBACK")
        finished = run.ended()
    assert finished.status == 0, finished.errors
    assert contents_of(server, database)["public.t"] != []
    assert_nothing_held(server, database)


def test_vacuum_is_waited_out(server: sandbox.PostgresServer, database: str, tmp_path: Path) -> None:
    """What holds the table in SHARE UPDATE EXCLUSIVE mode, as VACUUM and ANALYZE do, keeps the run from beginning for a while only."""
    with HeldRun(server, database, tmp_path) as run:
        other = run.another()
        other.do("BEGIN", "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE")
        run.start()
        run.until_waiting("stream control", "LOCK TABLE")
        other.do("ROLLBACK")
        run.hold_at(POSTPONED)
        other.do("BEGIN", "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE")
        run.release()
        until(lambda: run.alive() and "attempt 2 of" in run.told(), "attempts that fail")
        other.do("ROLLBACK")
        finished = run.ended()
    assert finished.status == 0, finished.errors
    assert_nothing_held(server, database)
