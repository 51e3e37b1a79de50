"""A run that makes a partitioned table is killed, and the same command goes on with it; or cleanup takes away what it left."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from holding_postgres import COPY, EXCHANGE, INDEXES, POSTPONED, ROWS, HeldRun, execute, make_table
from migrating import ghostpy, url_of
from postgres_witness import Witness, assert_nothing_held

from ghostpy import sandbox

soak = partial(pytest.param, marks=pytest.mark.soak)
NewDatabase = Callable[[sandbox.Server], str]
PostgresWith = Callable[[int, sandbox.Options], sandbox.PostgresServer]

_CHANGE = (
    "--table=public.t",
    "--alter=DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id, k), PARTITION BY RANGE (k); "
    "CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (MINVALUE) TO (2000); CREATE TABLE t_rest PARTITION OF t DEFAULT",
)
_PLACES = "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relispartition AND relkind = 'r'"


@pytest.fixture(params=[18, soak(14)])
def server(request: pytest.FixtureRequest, postgres_with: PostgresWith) -> sandbox.PostgresServer:
    return postgres_with(request.param, {})


@pytest.fixture
def database(server: sandbox.PostgresServer, new_database: NewDatabase) -> str:
    """With the table."""
    database = new_database(server)
    make_table(server, database)
    return database


@pytest.mark.parametrize("phase", [COPY, soak(INDEXES), soak(POSTPONED), EXCHANGE])
def test_goes_on(server: sandbox.PostgresServer, database: str, tmp_path: Path, phase: str) -> None:
    with HeldRun(server, database, tmp_path, "--checkpoint-seconds=1", change=_CHANGE) as run:
        run.hold_at(phase)
        if phase != EXCHANGE:
            execute(server, database, "UPDATE t SET k = 3000 WHERE id = 5", "INSERT INTO t VALUES (5000, 1, 'new')")
        run.kill()
    if phase != EXCHANGE:
        execute(server, database, "DELETE FROM t WHERE id = 6", "UPDATE t SET k = 1 WHERE id = 900")
    before = execute(server, database, "SELECT md5(string_agg(t::text, ' ' ORDER BY id)) FROM t")
    finished = ghostpy("migrate", f"--url={url_of(server, database)}", *_CHANGE, "--execute")
    assert finished.status == 0, finished.errors
    assert execute(server, database, "SELECT md5(string_agg(t::text, ' ' ORDER BY id)) FROM t") == before
    assert sorted(execute(server, database, _PLACES)) == [("public.t_low",), ("public.t_rest",)]
    assert execute(server, database, "SELECT count(*) FROM t_low, t_rest WHERE t_low.k >= 2000 OR t_rest.k < 2000") == [
        (0,)
    ]
    assert_nothing_held(server, database)


def test_cleanup(server: sandbox.PostgresServer, database: str, tmp_path: Path) -> None:
    witness = Witness(server, database)
    with HeldRun(server, database, tmp_path, change=_CHANGE) as run:
        run.hold_at(POSTPONED)
        run.kill()
    cleaned = ghostpy("cleanup", f"--url={url_of(server, database)}", "--execute")
    assert cleaned.status == 0, cleaned.errors
    witness.assert_as_before()
    assert execute(server, database, "SELECT count(*) FROM t") == [(ROWS,)]
