"""The figures that throttling goes by, each against a server in the state that it is to tell of."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

import psycopg
import pytest

from ghostpy import sandbox
from ghostpy.dialects.postgres import signals
from ghostpy.dialects.postgres.session import Session, opened
from ghostpy.errors import UsageError
from ghostpy.settings import ConnectSettings


def _ask(server: sandbox.Server, question: Callable[[Session], Awaitable[float]]) -> float:
    async def ask() -> float:
        async with opened(ConnectSettings(dialect="postgres", dsn=server.url), purpose="signals") as session:
            return await question(session)

    return asyncio.run(ask())


def _eventually(server: sandbox.Server, question: Callable[[Session], Awaitable[float]], above: float) -> float:
    deadline = time.monotonic() + 30
    while (value := _ask(server, question)) <= above:
        assert time.monotonic() < deadline, "the figure does not rise"
        time.sleep(0.05)
    return value


def test_lag_of_a_standby_that_does_not_replay(
    postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer],
) -> None:
    server = postgres_with(18, {"wal_receiver_status_interval": "100ms", "wal_sender_timeout": "1s"})
    assert _ask(server, signals.replica_lag) == 0
    standby = server.replica({"hot_standby": "on"})
    with standby, psycopg.connect(standby.url, autocommit=True) as connection:
        connection.execute("SELECT pg_wal_replay_pause()")
        server.execute("CREATE TABLE IF NOT EXISTS lagging (id int)", "INSERT INTO lagging VALUES (1)")
        first = _eventually(server, signals.replica_lag, 0.2)
        assert _eventually(server, signals.replica_lag, first) > first
        connection.execute("SELECT pg_wal_replay_resume()")


@pytest.mark.parametrize("kind", ["database", "true"])
def test_a_stream_that_is_about_to_begin_is_no_standby(postgres: sandbox.PostgresServer, kind: str) -> None:
    """Taken for one, it would be missed as soon as it ends, and the run would rest for a minute."""

    async def standbys() -> list[tuple[str, int | None, float | None]]:
        async with opened(ConnectSettings(dialect="postgres", dsn=postgres.url), purpose="signals") as session:
            return (await signals.standbys(session))[1]

    with psycopg.connect(postgres.url, replication=kind, autocommit=True, application_name="ghostpy stream"):
        assert len(asyncio.run(standbys())) == (0 if kind == "database" else 1)


def test_retained_wal(postgres: sandbox.PostgresServer) -> None:
    postgres.execute("SELECT pg_create_physical_replication_slot('kept', true)")
    try:
        before = _ask(postgres, lambda session: signals.retained_wal(session, "kept"))
        postgres.execute("CREATE TABLE wal AS SELECT repeat('x', 100) FROM generate_series(1, 10000)", "DROP TABLE wal")
        after = _ask(postgres, lambda session: signals.retained_wal(session, "kept"))
        assert after - before > 1_000_000
        assert _ask(postgres, signals.retained_wal) >= after
        assert _ask(postgres, lambda session: signals.retained_wal(session, "nobody")) == 0
    finally:
        postgres.execute("SELECT pg_drop_replication_slot('kept')")


def test_active_sessions_and_who_waits_for_us(postgres: sandbox.PostgresServer) -> None:
    postgres.execute("CREATE TABLE waited_for (id int)")
    quiet = _ask(postgres, signals.active_sessions)
    assert _ask(postgres, signals.lock_waiters) == 0
    try:
        with psycopg.connect(postgres.url, application_name="ghostpy test") as ours:
            ours.execute("LOCK TABLE waited_for IN ACCESS EXCLUSIVE MODE")
            waiter = threading.Thread(target=postgres.execute, args=("SELECT * FROM waited_for",))
            waiter.start()
            assert _eventually(postgres, signals.lock_waiters, 0) == 1
            assert _ask(postgres, signals.active_sessions) == quiet + 1
        waiter.join()
        assert _ask(postgres, signals.lock_waiters) == 0
    finally:
        postgres.execute("DROP TABLE waited_for")


def test_a_query_of_the_users_own(postgres: sandbox.PostgresServer) -> None:
    assert _ask(postgres, lambda session: signals.asked(session, "SELECT 41 + 1.5")) == 42.5
    for sql in ("SELECT 'many'", "SELECT NULL", "SELECT 1 WHERE false"):
        with pytest.raises(UsageError, match="one number"):
            _ask(postgres, lambda session, sql=sql: signals.asked(session, sql))  # type: ignore[misc]


def test_a_transaction_that_stays_open(postgres: sandbox.PostgresServer) -> None:
    with psycopg.connect(postgres.url) as held:
        held.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        held.execute("SELECT count(*) FROM pg_class")
        first = _eventually(postgres, signals.oldest_transaction, 0.2)
        assert _eventually(postgres, signals.oldest_transaction, first) > first
        before = _ask(postgres, signals.xmin_age)
        postgres.execute(*["SELECT pg_current_xact_id()"] * 20)
        assert _ask(postgres, signals.xmin_age) >= before + 20
